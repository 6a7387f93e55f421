import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { topological } from '../../src/core/graph.ts'
import { AGGREGATE_CAPABILITY, compile, DEFAULT_COMPILE, DEFAULT_TIMEOUTS } from '../../src/core/pattern.ts'
import { AGGREGATES, PATTERNS, type PlanNode } from '../../src/core/plan.ts'
import { DEFAULT_RETRY } from '../../src/core/retry.ts'
import { anyParts } from './plans.ts'
import './seed.ts'
import { part, planOf } from './sessions.ts'

describe('compiling a task to a plan', () => {
  it('gives an attempt 10 minutes, 5 of silence, and an hour to find an agent, unless told otherwise', () => {
    expect(DEFAULT_TIMEOUTS).toEqual({ queueMs: 3_600_000, attemptMs: 600_000, idleMs: 300_000 })
    expect(DEFAULT_COMPILE).toMatchObject({ concurrency: 5, aggregate: 'NONE' })
  })

  it('hands on what a part says of itself, and nothing that it does not say', () => {
    const plain = part('plain', { title: 'Plain', description: 'Text', capabilities: ['x'] })
    const rich = part('rich', {
      type: 'TESTING',
      agent: 'tester',
      input: null,
      optional: true,
      timeouts: { idleMs: 1 },
      retry: { maxAttempts: 1 },
    })
    const [first, second] = planOf('PARALLEL', [plain, rich]).nodes
    expect(first).toEqual({
      key: 'plain',
      kind: 'TASK',
      title: 'Plain',
      description: 'Text',
      capabilities: ['x'],
      optional: false,
      after: [],
      needs: [],
      join: 'ACCEPTED',
      group: 'branches',
      timeouts: DEFAULT_TIMEOUTS,
      retry: DEFAULT_RETRY,
    })
    expect(second).toMatchObject({
      type: 'TESTING',
      agent: 'tester',
      input: null,
      optional: true,
      timeouts: { ...DEFAULT_TIMEOUTS, idleMs: 1 },
      retry: { ...DEFAULT_RETRY, maxAttempts: 1 },
    })
  })

  it('takes limits from the options where a part sets none', () => {
    const timeouts = { queueMs: 1, attemptMs: 2, idleMs: 3 }
    const retry = { maxAttempts: 9, initialMs: 8, factor: 7, maxMs: 6 }
    const [node] = planOf('SEQUENTIAL', [part('a', { timeouts: { attemptMs: 20 } })], { timeouts, retry }).nodes
    expect(node).toMatchObject({ timeouts: { queueMs: 1, attemptMs: 20, idleMs: 3 }, retry })
  })

  it('orders the parts by their dependencies', () => {
    const parts = [part('c', { dependsOn: ['b'] }), part('b', { dependsOn: ['a'] }), part('a')]
    for (const pattern of ['SEQUENTIAL', 'PIPELINE', 'HIERARCHICAL'] as const) {
      expect(planOf(pattern, parts).nodes.map(({ key }) => key)).toEqual(['a', 'b', 'c'])
    }
  })

  it('puts out what its last parts put out, in declared order', () => {
    expect(planOf('SEQUENTIAL', ['a', 'b']).outputs).toEqual(['b'])
    expect(planOf('PARALLEL', ['b', 'a']).outputs).toEqual(['b', 'a'])
  })
})

describe('an aggregate', () => {
  it('COLLECT is done by the coordinator once every part has settled, failures included', () => {
    const plan = planOf('PARALLEL', ['b', 'a'], { aggregate: 'COLLECT' })
    expect(plan.nodes.at(-1)).toEqual({
      key: 'collect',
      kind: 'COLLECT',
      title: 'Collect the results',
      description: '',
      capabilities: [],
      optional: false,
      after: ['b', 'a'],
      needs: ['b', 'a'],
      join: 'SETTLED',
      group: 'closing',
      timeouts: DEFAULT_TIMEOUTS,
      retry: DEFAULT_RETRY,
    })
    expect(plan.outputs).toEqual(['collect'])
  })

  it('AGENT is a task for an agent that can write reports', () => {
    const plan = planOf('HIERARCHICAL', ['a'], { aggregate: 'AGENT' })
    expect(plan.nodes.at(-1)).toMatchObject({
      key: 'report',
      kind: 'TASK',
      title: 'Write the report',
      capabilities: [AGGREGATE_CAPABILITY],
      join: 'SETTLED',
      needs: ['a'],
    })
    expect(plan.outputs).toEqual(['report'])
  })

  it('closes a plan that fails fast without being stopped by its failure', () => {
    const { groups } = planOf('SEQUENTIAL', ['a'], { aggregate: 'COLLECT' })
    expect(groups.map(({ key, onFailure }) => [key, onFailure])).toEqual([
      ['sequence', 'FAIL_FAST'],
      ['closing', 'CONTINUE'],
    ])
  })

  it('takes a key that no part has', () => {
    const { nodes, outputs } = planOf('PARALLEL', ['collect', 'collect-'], { aggregate: 'COLLECT' })
    expect(nodes.at(-1)?.key).toBe('collect--')
    expect(outputs).toEqual(['collect--'])
  })
})

describe('every plan, whatever its pattern', () => {
  it('has each part once, edges that lead forward, and inputs only from what surely came before', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...PATTERNS),
        fc.constantFrom(...AGGREGATES),
        anyParts,
        (pattern, aggregate, parts) => {
          const given = pattern === 'PARALLEL' ? parts.map((one) => ({ ...one, dependsOn: [] })) : parts
          const plan = compile(given, pattern, { ...DEFAULT_COMPILE, aggregate })
          const closing = aggregate === 'NONE' ? 0 : 1
          expect(plan.nodes.length).toBe(parts.length + closing)
          expect(new Set(plan.nodes.map(({ key }) => key)).size).toBe(plan.nodes.length)
          expect(topological(plan.nodes)).toEqual(plan.nodes)
          for (const node of plan.nodes) {
            expect([...ancestors(plan.nodes, node)]).toEqual(expect.arrayContaining([...node.needs]))
            expect(plan.groups.map(({ key }) => key)).toContain(node.group)
          }
          for (const { key, dependsOn } of given) {
            const node = plan.nodes.find((one) => one.key === key) as PlanNode
            expect([...ancestors(plan.nodes, node)]).toEqual(expect.arrayContaining([...dependsOn]))
          }
          const keys = plan.groups.map(({ key }) => key)
          expect(new Set(keys).size).toBe(keys.length)
          expect(keys).toEqual(expect.arrayContaining(plan.groups.flatMap(({ parent }) => parent ?? [])))
          expect(plan.outputs.length).toBeGreaterThan(0)
        },
      ),
    )
  })
})

/** The keys of everything that comes before a node. */
function ancestors(nodes: readonly PlanNode[], node: PlanNode): Set<string> {
  const found = new Set(node.after)
  for (const key of found) for (const before of nodes.find((one) => one.key === key)?.after ?? []) found.add(before)
  return found
}
