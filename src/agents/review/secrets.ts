import { redact, secretsIn } from '../../core/secret.ts'
import type { Finding } from './finding.ts'

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
    for (const { name, secret, at } of secretsIn(line)) add(name, secret, at, expected ? 'warning' : 'error')
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

/** Shannon's entropy in bits per character. */
function entropy(text: string): number {
  const counts = new Map<string, number>()
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1)
  let bits = 0
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length)
  return bits
}
