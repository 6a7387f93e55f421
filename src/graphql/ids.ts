/** Types that `node` finds by their global id. */
export const NODE_TYPES = [
  'Project',
  'Task',
  'Agent',
  'Session',
  'Execution',
  'Attempt',
  'Artifact',
  'Interrupt',
  'Knowledge',
] as const
/** Those, and types that have global ids but are found by other ways alone. */
const ID_TYPES = [...NODE_TYPES, 'Token'] as const
export type IdType = (typeof ID_TYPES)[number]

const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/
const GLOBAL_ID = /^([A-Za-z]{1,32}):(.{36})$/

/** No row ever has this id. */
export const NOBODY = '00000000-0000-0000-0000-000000000000'

export const isUuid = (text: string): boolean => UUID.test(text)

/** The global id of a row: the name of its type and its UUID, so that logs, addresses and rows can be told together. */
export const encodeId = (type: string, id: string | number | bigint): string => `${type}:${id}`

/** What a global id names; undefined if it is forged. */
export function decodeId(globalId: string): { type: IdType; id: string } | undefined {
  const [, type, id] = GLOBAL_ID.exec(globalId) ?? []
  if (id === undefined || !isUuid(id)) return undefined
  const known = ID_TYPES.find((candidate) => candidate === type)
  return known && { type: known, id }
}

/**
 * The UUID that a caller means: a global id of this type, or the bare UUID. Whatever else was given becomes an id that
 * no row has, so that a forged id gets the same answer as an unknown one.
 */
export function idOf(type: IdType, given: string): string {
  const decoded = decodeId(given)
  if (decoded) return decoded.type === type ? decoded.id : NOBODY
  return isUuid(given) ? given : NOBODY
}
