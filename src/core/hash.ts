import { hash as digest } from 'node:crypto'

/** JSON with sorted keys and without undefined members, so that equal values have equal text. */
export function canonical(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null'
  let text = ''
  if (Array.isArray(value)) {
    for (const item of value) text += `${text === '' ? '' : ','}${canonical(item)}`
    return `[${text}]`
  }
  for (const key of Object.keys(value).toSorted()) {
    const member = (value as Record<string, unknown>)[key]
    if (member !== undefined) text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${canonical(member)}`
  }
  return `{${text}}`
}

/** SHA-256 of the canonical JSON, in hexadecimal. */
export function hash(value: unknown): string {
  return digest('sha256', canonical(value))
}

/**
 * An id that follows from what it is for, so that the machine needs none from outside: the same parts make the same id.
 * A UUID of version 8 (RFC 9562, section 5.8) from the first 128 bits of a SHA-256.
 */
export function idFrom(...parts: readonly (string | number)[]): string {
  const hex = hash(parts)
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 0x3) | 0x8).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
