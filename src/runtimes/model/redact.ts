/** Shorter ones would be found in the middle of words. */
const MIN_SECRET = 6

/** The same value with every secret in its texts made unreadable. Names of members stay as they are. */
export function redact<T>(value: T, secrets: readonly string[]): T {
  const hidden = secrets.filter(({ length }) => length >= MIN_SECRET)
  return hidden.length === 0 ? value : (within(value, hidden) as T)
}

function within(value: unknown, secrets: readonly string[]): unknown {
  if (typeof value === 'string') return secrets.reduce((text, secret) => text.replaceAll(secret, '[secret]'), value)
  if (Array.isArray(value)) return value.map((item) => within(item, secrets))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, within(member, secrets)]))
}
