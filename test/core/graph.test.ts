import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { depths, findCycle, remainingPath, topological, type Vertex } from '../../src/core/graph.ts'
import './seed.ts'

const vertex = (key: string, ...after: string[]): Vertex => ({ key, after })
const keys = (vertices: readonly Vertex[] | undefined): string[] | undefined => vertices?.map(({ key }) => key)

/** Graphs without cycles, their vertices declared in any order. */
const acyclic = fc
  .array(fc.array(fc.nat(), { maxLength: 3 }), { maxLength: 9 })
  .map((edges) => edges.map((before, at) => vertex(`v${at}`, ...new Set(before.slice(0, at).map((n) => `v${n % at}`)))))
  .chain((vertices) => fc.shuffledSubarray(vertices, { minLength: vertices.length }))

/** Graphs of any kind, with loops and names of vertices that don't exist. */
const anyGraph = fc.array(fc.array(fc.nat(7), { maxLength: 3 }), { maxLength: 6 }).map((edges) => {
  return edges.map((before, at) => vertex(`v${at}`, ...before.map((n) => `v${n}`)))
})

describe('the order of a graph', () => {
  it('puts each vertex after those that it names and keeps the declared order otherwise', () => {
    const graph = [vertex('c', 'b'), vertex('a'), vertex('b', 'a'), vertex('d')]
    expect(keys(topological(graph))).toEqual(['a', 'b', 'c', 'd'])
  })

  it('passes over names of vertices that do not exist', () => {
    expect(keys(topological([vertex('a', 'nobody')]))).toEqual(['a'])
  })

  it('is undefined for a cycle', () => {
    expect(topological([vertex('a', 'b'), vertex('b', 'a')])).toBeUndefined()
  })

  it('holds every vertex once, and exists exactly if there is no cycle', () => {
    fc.assert(
      fc.property(anyGraph, (graph) => {
        const ordered = topological(graph)
        expect(ordered === undefined).toBe(findCycle(graph) !== undefined)
        if (!ordered) return
        expect(ordered).toHaveLength(graph.length)
        expect(new Set(ordered)).toEqual(new Set(graph))
        const place = new Map(ordered.map(({ key }, at) => [key, at]))
        for (const { key, after } of ordered) {
          for (const before of after) expect(place.get(before) ?? -1).toBeLessThan(place.get(key) as number)
        }
      }),
    )
  })
})

describe('a cycle', () => {
  it('is told as the keys along it, the first one repeated', () => {
    const graph = [vertex('start'), vertex('a', 'start', 'c'), vertex('b', 'a'), vertex('c', 'b')]
    expect(findCycle(graph)).toEqual(['a', 'c', 'b', 'a'])
  })

  it('can be a vertex that waits for itself', () => {
    expect(findCycle([vertex('a', 'a')])).toEqual(['a', 'a'])
  })

  it('is told without the way that leads to it', () => {
    expect(findCycle([vertex('a', 'b'), vertex('b', 'c'), vertex('c', 'b')])).toEqual(['b', 'c', 'b'])
  })

  it('is not where two ways meet again', () => {
    expect(findCycle([vertex('a'), vertex('b', 'a'), vertex('c', 'a'), vertex('d', 'b', 'c')])).toBeUndefined()
  })

  it('is really there when it is told', () => {
    fc.assert(
      fc.property(anyGraph, (graph) => {
        const cycle = findCycle(graph)
        cycle?.slice(1).forEach((key, at) => {
          expect(graph.find((v) => v.key === cycle[at])?.after).toContain(key)
        })
        expect(cycle?.at(0)).toBe(cycle?.at(-1))
      }),
    )
  })

  it('is not searched for longer than a graph of 200 vertices with every edge deserves', () => {
    const names = Array.from({ length: 200 }, (_, at) => `v${at}`)
    expect(findCycle(names.map((key, at) => vertex(key, ...names.slice(0, at))))).toBeUndefined()
  })
})

describe('the depth of a vertex', () => {
  it('is the number of steps that lead to it on the longest way', () => {
    const graph = [vertex('a'), vertex('b', 'a'), vertex('c', 'a', 'b'), vertex('d')]
    expect(depths(graph)).toEqual(new Map([['a', 0], ['b', 1], ['c', 2], ['d', 0]])) // prettier-ignore
  })

  it('takes no account of names of vertices that do not exist', () => {
    expect(depths([vertex('a', 'nobody')])).toEqual(new Map([['a', 0]]))
  })

  it('is unknown in a graph with a cycle', () => {
    expect(depths([vertex('a', 'a')])).toEqual(new Map())
  })

  it('is one more than that of the deepest vertex before it', () => {
    fc.assert(
      fc.property(acyclic, (graph) => {
        const depth = depths(graph)
        for (const { key, after } of graph) {
          const before = after.map((name) => depth.get(name) as number)
          expect(depth.get(key)).toBe(before.length === 0 ? 0 : Math.max(...before) + 1)
        }
      }),
    )
  })
})

describe('E18: the remaining path of a vertex', () => {
  it('is the weight of the heaviest way from its start to an end', () => {
    const weights: Record<string, number> = { a: 1, b: 10, c: 100, d: 5 }
    const graph = [vertex('a'), vertex('b', 'a'), vertex('c', 'a'), vertex('d', 'b')]
    const remaining = remainingPath(graph, (key) => weights[key] as number)
    expect(Object.fromEntries(remaining)).toEqual({ a: 101, b: 15, c: 100, d: 5 })
  })

  it('is unknown in a graph with a cycle', () => {
    expect(remainingPath([vertex('a', 'a')], () => 1)).toEqual(new Map())
  })

  it('is its own weight and the heaviest of those that follow', () => {
    fc.assert(
      fc.property(acyclic, fc.array(fc.nat(100), { minLength: 9, maxLength: 9 }), (graph, weights) => {
        const weight = (key: string): number => weights[Number(key.slice(1))] as number
        const remaining = remainingPath(graph, weight)
        for (const { key } of graph) {
          const following = graph
            .filter(({ after }) => after.includes(key))
            .map((next) => remaining.get(next.key) as number)
          expect(remaining.get(key)).toBe(weight(key) + Math.max(0, ...following))
        }
      }),
    )
  })
})
