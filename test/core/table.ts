/** One cell of a table of statuses and moves as a test expects it; null: the move can't be done there. */
export interface Cell {
  status: string
  move: string
  to: string | null
}

/** Reads a table that is drawn as text: moves in the first line, then a status a line; `-`: it can't be done there. */
export function grid(drawing: string): Cell[] {
  const [moves = [], ...rows] = drawing
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
  return rows.flatMap(([status = '', ...cells]) => {
    if (cells.length !== moves.length) throw new Error(`the row of ${status} has ${cells.length} cells`)
    return cells.map((cell, column) => ({ status, move: moves[column] as string, to: cell === '-' ? null : cell }))
  })
}

type Table<S extends string> = Record<S, Readonly<Record<string, S | null>>>

/** Where one move leads from a status. */
export function endsFrom<S extends string>(table: Table<S>, status: NoInfer<S>): S[] {
  return Object.values(table[status]).filter((to) => to !== null)
}

/** Every status that can be reached from one, itself included. */
export function reachable<S extends string>(table: Table<S>, from: NoInfer<S>): Set<S> {
  const found = new Set<S>([from])
  for (const status of found) for (const to of endsFrom(table, status)) found.add(to)
  return found
}
