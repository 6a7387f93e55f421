let last = Number.NaN
let told = ''

/**
 * A time in ISO 8601. What is written together says the same one over and over.
 *
 * @param ms milliseconds since the epoch
 */
export function isoAt(ms: number): string {
  if (ms !== last) {
    told = new Date(ms).toISOString()
    last = ms
  }
  return told
}
