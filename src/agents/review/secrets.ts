import type { Finding } from './finding.ts'

interface Kind {
  name: string
  pattern: RegExp
}

/** Forms that are secrets by themselves. The capture group, where there is one, is the secret. */
const CERTAIN: readonly Kind[] = [
  {
    name: 'private key',
    pattern: /-----BEGIN (?:RSA |EC |DSA |OPENSSH |ENCRYPTED |PGP )?PRIVATE KEY(?: BLOCK)?-----/g,
  },
  { name: 'AWS access key', pattern: /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g },
  { name: 'GitHub token', pattern: /\b(?:gh[opsur]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{50,})/g },
  { name: 'GitLab token', pattern: /\bglpat-[A-Za-z0-9_-]{20,}/g },
  { name: 'Slack token', pattern: /\bxox[abeoprs]-[A-Za-z0-9-]{20,}/g },
  { name: 'Google API key', pattern: /\bAIza[0-9A-Za-z_-]{35}\b/g },
  { name: 'Stripe key', pattern: /\b[rs]k_live_[0-9a-zA-Z]{20,}/g },
  { name: 'npm token', pattern: /\bnpm_[A-Za-z0-9]{36}\b/g },
  { name: 'API key', pattern: /\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{32,}/g },
]

/** A secret by the name that it is assigned to. */
const ASSIGNED =
  /(?:passw(?:or)?d|secret|api[_-]?key|access[_-]?key|auth[_-]?token|private[_-]?key|client[_-]?secret)["']?\s*[:=]\s*["'`](?<secret>[^"'`\s]{10,200})["'`]/gi
const IN_ADDRESS =
  /\b[a-z][a-z+]{2,20}:\/\/(?!([^\s:/@"'`]{1,60}):\1@)[^\s:/@"'`]{1,60}:(?<secret>[^\s:/@"'`]{6,100})@[\w.-]+/gi

/** What stands where a secret would: variables, examples, tests' words. */
const PLACEHOLDER =
  /^(\$|<|\{|%|\*+|x+$|\.{3})|\$\{|\{\{|example|changeme|placeholder|dummy|sample|your[_-]|test|fake|mock|secret$|password$|process\.env|redacted|^(postgres|root|admin|user|pass)$/i

/** Bits of entropy per character from which a word looks like chance (Shannon). */
const CHANCE = 3

/**
 * Likely secrets in a text. The secret itself is never in the finding, only its first characters and its length.
 *
 * @param expected true where made-up secrets are usual, such as in tests: then it is a warning
 */
export function findSecrets(file: string, lines: readonly string[], expected: boolean): Finding[] {
  const findings: Finding[] = []
  for (const [index, line] of lines.entries()) {
    // Longer lines are data.
    if (line.length < 12 || line.length > 2_000) continue
    const add = (name: string, secret: string, at: number, severity: Finding['severity']): void => {
      const message = `Likely a secret (${name}): ${redact(secret)}. Take it out, revoke it, and read it from the environment.`
      findings.push({ file, line: index + 1, column: at + 1, severity, rule: 'secret', message })
    }
    const before = findings.length
    for (const { name, pattern } of CERTAIN) {
      for (const match of line.matchAll(pattern)) {
        if (!/EXAMPLE|XXXX|0000000|1234567/i.test(match[0]))
          add(name, match[0], match.index, expected ? 'warning' : 'error')
      }
    }
    if (findings.length > before) continue
    for (const [name, pattern] of [
      ['assigned value', ASSIGNED],
      ['password in an address', IN_ADDRESS],
    ] as const) {
      for (const match of line.matchAll(pattern)) {
        const secret = match.groups!['secret']!
        if (PLACEHOLDER.test(secret) || (pattern === ASSIGNED && entropy(secret) < CHANCE)) continue
        const local = /@(localhost|127\.0\.0\.1|\[::1\])/.test(match[0])
        add(name, secret, match.index, expected || local ? 'info' : 'warning')
      }
    }
  }
  return findings
}

function redact(secret: string): string {
  return secret.startsWith('-----') ? 'a key block' : `${secret.slice(0, 4)}… (${secret.length} characters)`
}

/** Shannon's entropy in bits per character. */
function entropy(text: string): number {
  const counts = new Map<string, number>()
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1)
  let bits = 0
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length)
  return bits
}
