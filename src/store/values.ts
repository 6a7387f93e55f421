import pg from 'pg'

type Parse = (text: string) => unknown

const parserOf = (oid: number) => pg.types.getTypeParser(oid as never, 'text') as Parse
const textArray = parserOf(1009)
const number: Parse = (text) => Number(text)
const same: Parse = (text) => text
const boolean: Parse = (text) => text === 't' || text === 'true'
const json: Parse = (text) => JSON.parse(text) as unknown
const anyInstant = parserOf(1184)
/** Under which a time carries the words in which the database told it. */
const TOLD = Symbol('as it was told')
const ZERO = 48
const twoDigits = (text: string, at: number): number =>
  (text.charCodeAt(at) - ZERO) * 10 + text.charCodeAt(at + 1) - ZERO
/** Of '2026-01-31 12:00:00.5+00', three digits. */
const millisIn = (text: string): string => (text.length > 22 ? text.slice(20, -3).slice(0, 3).padEnd(3, '0') : '000')

/**
 * Connections speak of times in UTC, with the year in four digits. A page of rows has hundreds of them, and to read and
 * say one by its digits takes a third of the time that Date takes.
 */
const instant: Parse = (text) => {
  // Date.UTC takes the first hundred years for those of the last century.
  if (text.length > 29 || !text.endsWith('+00') || text[10] !== ' ' || text.startsWith('00')) return anyInstant(text)
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2)
  const day = [year, twoDigits(text, 5) - 1, twoDigits(text, 8)] as const
  const time = [twoDigits(text, 11), twoDigits(text, 14), twoDigits(text, 17), Number(millisIn(text))] as const
  const date: Date & { [TOLD]?: string } = new Date(Date.UTC(...day, ...time))
  date[TOLD] = text
  return date
}

/** A time in ISO 8601, in UTC with milliseconds. One that a query has brought must not have been changed since. */
export function isoOf(date: Date & { [TOLD]?: string }): string {
  const text = date[TOLD]
  if (text === undefined) return date.toISOString()
  return `${text.slice(0, 10)}T${text.slice(11, 19)}.${millisIn(text)}Z`
}
/** Without a time zone it means UTC: sessions of the database run in UTC, servers anywhere. */
const instantUtc: Parse = (text) => instant(`${text}+00`)
const bytes = parserOf(17)

/** [the type's object id, that of its array, how to read it]: see pg_type.dat of PostgreSQL. */
const TYPES: readonly (readonly [oid: number, arrayOid: number, parse: Parse])[] = [
  [16, 1000, boolean],
  [17, 1001, bytes],
  [18, 1002, same],
  [19, 1003, same],
  [20, 1016, number],
  [21, 1005, number],
  [23, 1007, number],
  [25, 1009, same],
  [26, 1028, number],
  [114, 199, json],
  [700, 1021, number],
  [701, 1022, number],
  [1042, 1014, same],
  [1043, 1015, same],
  [1082, 1182, same],
  [1083, 1183, same],
  [1114, 1115, instantUtc],
  [1184, 1185, instant],
  [1700, 1231, same],
  [2950, 2951, same],
  [3802, 3807, json],
]

const each =
  (parse: Parse) =>
  (item: unknown): unknown =>
    item === null ? null : Array.isArray(item) ? item.map(each(parse)) : parse(item as string)

/** How a value that PostgreSQL sends as text becomes a value here, by the object id of its type; see `Query`. */
export const PARSERS: Readonly<Record<number, Parse>> = Object.fromEntries(
  TYPES.flatMap(([oid, arrayOid, parse]) => [
    [oid, parse],
    [arrayOid, (text: string) => (textArray(text) as unknown[]).map(each(parse))],
  ]),
)

/** Turns a parameter of `Query` into what both drivers send alike. */
export function encode(param: unknown): unknown {
  if (param === undefined || param === null) return null
  if (param instanceof Date) return param.toISOString()
  if (Array.isArray(param)) return arrayLiteral(param)
  if (typeof param === 'bigint') return param.toString()
  if (typeof param === 'object' && !(param instanceof Uint8Array)) return JSON.stringify(param)
  return param
}

function arrayLiteral(items: readonly unknown[]): string {
  const parts = items.map((item) => {
    if (Array.isArray(item)) return arrayLiteral(item)
    const value = encode(item)
    if (value === null) return 'NULL'
    const text = value instanceof Uint8Array ? `\\x${Buffer.from(value).toString('hex')}` : String(value)
    return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
  })
  return `{${parts.join(',')}}`
}
