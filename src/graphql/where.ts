const COMPARISONS: Readonly<Record<string, string>> = { gte: '>=', gt: '>', lte: '<=', lt: '<', equals: '=' }

/** Names of a table's columns. */
interface Columns {
  has(name: string): boolean
}

/**
 * What Prisma calls `where`, as SQL, as far as it speaks of columns: values, lists of them, ranges, null, and all of that
 * joined by AND or OR.
 *
 * @param params of the statement so far; the values of the condition are added
 * @returns undefined if it says more than that, which is left to Prisma
 */
export const sqlOf = (where: object, columns: Columns, params: unknown[]): string | undefined =>
  conjunction(where, columns, params)

function conjunction(where: object, columns: Columns, params: unknown[]): string | undefined {
  const parts: string[] = []
  for (const [name, value] of Object.entries(where) as [string, unknown][]) {
    if (value === undefined) continue
    const part =
      name === 'AND' || name === 'OR'
        ? several([value].flat() as object[], name, columns, params)
        : columns.has(name)
          ? comparison(`"${name}"`, value, params)
          : undefined
    if (part === undefined) return undefined
    parts.push(part)
  }
  return parts.length === 0 ? 'true' : parts.join(' AND ')
}

function several(wheres: object[], word: string, columns: Columns, params: unknown[]): string | undefined {
  const parts = wheres.map((where) => conjunction(where, columns, params))
  if (parts.includes(undefined)) return undefined
  // Of no conditions at all every one holds, and none does.
  return parts.length === 0 ? String(word === 'AND') : `(${parts.map((part) => `(${part})`).join(` ${word} `)})`
}

function comparison(column: string, value: unknown, params: unknown[]): string | undefined {
  if (value === null) return `${column} IS NULL`
  if (typeof value !== 'object' || value instanceof Date) return `${column} = $${params.push(value)}`
  const parts = Object.entries(value).flatMap(([operator, operand]: [string, unknown]) => {
    if (operand === undefined) return []
    if (operator === 'not' && operand === null) return `${column} IS NOT NULL`
    if (operator === 'in' && Array.isArray(operand)) return `${column} = ANY($${params.push(operand)})`
    const sign = COMPARISONS[operator]
    const isValue = operand !== null && (typeof operand !== 'object' || operand instanceof Date)
    return sign !== undefined && isValue ? `${column} ${sign} $${params.push(operand)}` : undefined
  })
  return parts.includes(undefined) ? undefined : parts.length === 0 ? 'true' : parts.join(' AND ')
}
