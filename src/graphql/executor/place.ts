/** Where parts of an answer are put: an object, or a list. */
export type Container = Record<string | number, unknown>

/**
 * Where in an answer a value stands: GraphQL's path to it, and what it takes to put null there instead. There is one of
 * each, which resolvers may know it by.
 */
export class Place {
  readonly prev: Place | undefined
  readonly key: string | number
  readonly typename: string | undefined
  readonly container: Container
  readonly nullable: boolean
  /** Null stands here for good. */
  gone = false

  constructor(
    prev: Place | undefined,
    key: string | number,
    typename: string | undefined,
    container: Container,
    nullable: boolean,
  ) {
    this.prev = prev
    this.key = key
    this.typename = typename
    this.container = container
    this.nullable = nullable
  }
}

/** The place and all above it, up to a field of the root. */
function* upwards(place: Place): Generator<Place> {
  for (let at: Place | undefined = place; at; at = at.prev) yield at
}

/** Whether null stands there for good, or somewhere above. */
export const isGone = (place: Place): boolean => Array.from(upwards(place)).some(({ gone }) => gone)

/** Names and indices from the root to a place. */
export const pathTo = (place: Place): (string | number)[] => Array.from(upwards(place), ({ key }) => key).toReversed()

/**
 * Puts null there for good, or where it may stand above.
 *
 * @returns false if it may stand nowhere: the whole answer is null
 */
export function giveUp(place: Place): boolean {
  for (const at of upwards(place)) {
    at.gone = true
    if (!at.nullable) continue
    at.container[at.key] = null
    return true
  }
  return false
}
