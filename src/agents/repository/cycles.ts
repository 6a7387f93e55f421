import type { ImportEdge } from './import-graph.ts'
import { byPath } from './paths.ts'

/** Modules that reach each other, with one of the shortest ways around as proof. */
export interface Cycle {
  /**
   * `runtime`: modules load each other. `deferred`: it closes only through an import that waits for a call.
   * `types`: it closes only through an import of types.
   */
  kind: 'runtime' | 'deferred' | 'types'
  /** Every module of the knot, in order of paths. */
  modules: string[]
  /** A way around: each step's `to` is the next one's `from`, the last one's the first one's. */
  path: { from: string; to: string; line: number }[]
}

type Edge = Pick<ImportEdge, 'from' | 'to' | 'line' | 'kind'>

/**
 * Dependency cycles: strongly connected components of more than one module, or of one that imports itself
 * (Tarjan, "Depth-first search and linear graph algorithms", 1972; without recursion), in order of paths.
 */
export function findCycles(edges: readonly Edge[]): Cycle[] {
  const cycles: Cycle[] = []
  const layers: readonly [Cycle['kind'], readonly Edge['kind'][]][] = [
    ['runtime', ['import', 'export', 'require']],
    ['deferred', ['import', 'export', 'require', 'dynamic']],
    ['types', ['import', 'export', 'require', 'dynamic', 'type']],
  ]
  const reported = new Set<string>()
  for (const [kind, closes] of layers) {
    const some = edges.filter((edge) => closes.includes(edge.kind))
    for (const modules of components(some)) {
      // The knot that holds a harder one is the same problem seen from further away.
      if (modules.some((module) => reported.has(module))) continue
      for (const module of modules) reported.add(module)
      cycles.push({ kind, modules, path: shortestWayAround(new Set(modules), some) })
    }
  }
  return cycles
}

function outgoing(edges: readonly Edge[]): Map<string, Edge[]> {
  const out = new Map<string, Edge[]>()
  for (const edge of edges) {
    const list = out.get(edge.from)
    if (list) list.push(edge)
    else out.set(edge.from, [edge])
  }
  return out
}

function components(edges: readonly Edge[]): string[][] {
  const out = outgoing(edges)
  const index = new Map<string, number>()
  const low = new Map<string, number>()
  const waiting: string[] = []
  const isWaiting = new Set<string>()
  const found: string[][] = []
  for (const root of [...out.keys()].toSorted(byPath)) {
    if (index.has(root)) continue
    const path: { module: string; next: number }[] = [{ module: root, next: 0 }]
    while (path.length > 0) {
      const step = path.at(-1)!
      const { module } = step
      if (step.next === 0) {
        index.set(module, index.size)
        low.set(module, index.get(module)!)
        waiting.push(module)
        isWaiting.add(module)
      }
      const to = out.get(module)?.[step.next++]?.to
      if (to !== undefined) {
        if (!index.has(to)) path.push({ module: to, next: 0 })
        else if (isWaiting.has(to)) low.set(module, Math.min(low.get(module)!, index.get(to)!))
        continue
      }
      path.pop()
      const parent = path.at(-1)?.module
      if (parent !== undefined) low.set(parent, Math.min(low.get(parent)!, low.get(module)!))
      if (low.get(module) !== index.get(module)) continue
      const members = waiting.splice(waiting.lastIndexOf(module))
      for (const member of members) isWaiting.delete(member)
      const knot = members.length > 1 || out.get(module)?.some((edge) => edge.to === module)
      if (knot) found.push(members.toSorted(byPath))
    }
  }
  return found.toSorted((a, b) => byPath(a[0]!, b[0]!))
}

/** Modules that are visited in search of a short way around. */
const MAX_STEPS = 50_000

/** Breadth first from each member of the knot; the first of the shortest ways back in order of paths. */
function shortestWayAround(members: ReadonlySet<string>, edges: readonly Edge[]): Cycle['path'] {
  const out = outgoing(edges.filter((edge) => members.has(edge.from) && members.has(edge.to)))
  let best: Edge[] | undefined
  // A big knot is searched from its first modules only: any way around is proof enough.
  for (const start of [...members].toSorted(byPath).slice(0, Math.ceil(MAX_STEPS / members.size))) {
    const cameBy = new Map<string, Edge>()
    const queue = [start]
    search: for (const module of queue) {
      for (const edge of out.get(module) ?? []) {
        if (edge.to === start) {
          const back = [edge]
          while (back.at(-1)!.from !== start) back.push(cameBy.get(back.at(-1)!.from)!)
          const way = back.toReversed()
          if (!best || way.length < best.length) best = way
          break search
        }
        if (!cameBy.has(edge.to)) {
          cameBy.set(edge.to, edge)
          queue.push(edge.to)
        }
      }
    }
    if (best && best.length <= 2) break
  }
  return (best ?? []).map(({ from, to, line }) => ({ from, to, line }))
}
