interface Form {
  name: string
  pattern: RegExp
}

/** Forms that are secrets by themselves, whatever stands around them. */
const FORMS: readonly Form[] = [
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
  { name: 'token of this server', pattern: /\btutti_[A-Za-z0-9_-]{43}/g },
  { name: 'API key', pattern: /\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{32,}/g },
]

/** What stands in examples where a secret would. */
const EXAMPLE = /EXAMPLE|XXXX|0000000|1234567/i

/** A secret of a known form in a text. */
export interface Secret {
  /** What it lets in to. */
  name: string
  secret: string
  /** Where it begins, in characters from 0. */
  at: number
}

/** Secrets of forms that are known, but for those that are examples. A password that is any word has no form. */
export function secretsIn(text: string): Secret[] {
  return FORMS.flatMap(({ name, pattern }) =>
    [...text.matchAll(pattern)]
      .filter(([secret]) => !EXAMPLE.test(secret))
      .map(({ 0: secret, index }) => ({ name, secret, at: index })),
  )
}

/** A secret as it can be shown: its first characters, and how long it is. */
export function redact(secret: string): string {
  return secret.startsWith('-----') ? 'a key block' : `${secret.slice(0, 4)}… (${secret.length} characters)`
}
