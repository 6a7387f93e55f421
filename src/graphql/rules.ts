import { z } from 'zod'
import type { Json } from '../core/json.ts'
import { redact, secretsIn } from '../core/secret.ts'

/** PostgreSQL stores neither NUL nor half a surrogate pair. */
export const isStorable = (text: string): boolean => !text.includes('\0') && text.isWellFormed()
export const NOT_STORABLE = 'holds NUL or half a surrogate pair: send well-formed Unicode'

/** Text of so many UTF-16 code units; `min` 1 also refuses blank text. */
export const text = (min: number, max: number) =>
  z
    .string()
    .max(max, `is longer than ${max} characters`)
    .refine((value) => value.length >= min && (min === 0 || value.trim() !== ''), 'must not be empty')
    .refine(isStorable, NOT_STORABLE)

/** The same for what is kept for others to read: secrets of known forms are refused. */
export const shared = (min: number, max: number) =>
  text(min, max).superRefine((value, issues) => {
    for (const { name, secret } of secretsIn(value)) {
      const message = `holds what looks like a secret (${name}): ${redact(secret)}. Take it out: others can read this.`
      issues.addIssue({ code: 'custom', message })
    }
  })

export const TITLE_MAX = 200
export const DESCRIPTION_BYTES = 100_000

export const title = text(1, TITLE_MAX)
export const description = text(0, DESCRIPTION_BYTES).refine(
  (value) => Buffer.byteLength(value) <= DESCRIPTION_BYTES,
  `is longer than ${DESCRIPTION_BYTES} bytes`,
)
/** What a caller calls something: it stands in command lines and logs. */
export const name = text(1, 100)
export const capabilities = z.array(text(1, 100)).max(50, 'are more than 50')
export const globalId = z.string().max(200, 'is no id').refine(isStorable, NOT_STORABLE)
export const idempotencyKey = text(1, 200)
export const clientId = z.uuid('is no UUID').transform((id) => id.toLowerCase())
export const whole = (min: number, max: number) =>
  z.number().int().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`)

const JSON_BYTES = 262_144
const JSON_DEPTH = 64

/** Any JSON that the database can hold, of at most 256 KiB and 64 levels. */
export const json = z.custom<Json>().superRefine((value, issues) => {
  const problem = jsonProblem(value)
  if (problem !== undefined) issues.addIssue({ code: 'custom', message: problem })
})

function jsonProblem(root: Json): string | undefined {
  const open: [value: Json, level: number][] = [[root, 1]]
  for (let next = open.pop(); next; next = open.pop()) {
    const [value, level] = next
    if (level > JSON_DEPTH) return `is nested deeper than ${JSON_DEPTH} levels`
    if (typeof value === 'string' && !isStorable(value)) return NOT_STORABLE
    if (typeof value === 'number' && !Number.isFinite(value)) return 'holds a number that is too large'
    if (value === null || typeof value !== 'object') continue
    for (const [key, member] of Object.entries(value)) {
      if (!isStorable(key)) return NOT_STORABLE
      open.push([member, level + 1])
    }
  }
  return Buffer.byteLength(JSON.stringify(root) ?? '') > JSON_BYTES ? `is larger than ${JSON_BYTES} bytes` : undefined
}

/** An input object; a null member counts as absent. */
export const object = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.preprocess((value) => withoutNulls(value), z.strictObject(shape))

/** A member that may be absent. */
export const optional = <Schema extends z.ZodType>(schema: Schema) => z.exactOptional(schema)

function withoutNulls(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null && member !== undefined))
}
