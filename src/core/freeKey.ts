/** A key that none of the others has: the wanted one, or as many `-` behind it as it takes. */
export function freeKey(key: string, others: readonly { key: string }[]): string {
  return others.some((other) => other.key === key) ? freeKey(`${key}-`, others) : key
}
