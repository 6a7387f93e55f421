/** A node and the keys of those that come before it. */
export interface Vertex {
  key: string
  after: readonly string[]
}

/**
 * The vertices in an order in which each comes after those that it names, otherwise as declared.
 * Names of vertices that don't exist are passed over.
 *
 * @returns undefined if there is a cycle
 */
export function topological<V extends Vertex>(vertices: readonly V[]): V[] | undefined {
  const known = new Set(vertices.map(({ key }) => key))
  const done = new Set<string>()
  const ordered: V[] = []
  let rest = [...vertices]
  while (rest.length > 0) {
    const next = rest.find(({ after }) => after.every((key) => done.has(key) || !known.has(key)))
    if (!next) return undefined
    ordered.push(next)
    done.add(next.key)
    rest = rest.filter((vertex) => vertex !== next)
  }
  return ordered
}

/** One cycle as the keys along it, the first one repeated at the end; undefined if there is none. */
export function findCycle(vertices: readonly Vertex[]): string[] | undefined {
  const after = new Map(vertices.map((vertex) => [vertex.key, vertex.after]))
  const clean = new Set<string>()
  const search = (key: string, path: string[]): string[] | undefined => {
    if (path.includes(key)) return [...path.slice(path.indexOf(key)), key]
    if (clean.has(key)) return undefined
    for (const next of after.get(key) ?? []) {
      const cycle = search(next, [...path, key])
      if (cycle) return cycle
    }
    clean.add(key)
    return undefined
  }
  for (const { key } of vertices) {
    const cycle = search(key, [])
    if (cycle) return cycle
  }
  return undefined
}

/** How many steps lead to each vertex from a beginning; 0 for those that wait for nothing. Needs an acyclic graph. */
export function depths(vertices: readonly Vertex[]): Map<string, number> {
  const depth = new Map<string, number>()
  for (const { key, after } of topological(vertices) ?? []) {
    depth.set(key, Math.max(-1, ...after.map((before) => depth.get(before) ?? -1)) + 1)
  }
  return depth
}

/**
 * The critical path: for each vertex the weight of the heaviest way from its start to an end of the graph.
 * Needs an acyclic graph.
 *
 * @param weight of one vertex, for instance its expected duration in milliseconds
 */
export function remainingPath(vertices: readonly Vertex[], weight: (key: string) => number): Map<string, number> {
  const remaining = new Map<string, number>()
  for (const { key } of (topological(vertices) ?? []).toReversed()) {
    const followers = vertices.filter(({ after }) => after.includes(key))
    remaining.set(key, weight(key) + Math.max(0, ...followers.map((next) => remaining.get(next.key) as number)))
  }
  return remaining
}
