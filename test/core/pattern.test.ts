import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkOptions } from '../../src/core/check/options.ts'
import { checkSubTasks } from '../../src/core/check.ts'
import type { Gate } from '../../src/core/gate.ts'
import { topological } from '../../src/core/graph.ts'
import {
  compile,
  type CompileOptions,
  DEFAULT_COMPILE,
  DEFAULT_TIMEOUTS,
  defaultAggregate,
} from '../../src/core/pattern.ts'
import { AGGREGATE_CAPABILITY } from '../../src/core/patterns/closing.ts'
import type { PlanNode, SubTask } from '../../src/core/plan.ts'
import { DEFAULT_RETRY } from '../../src/core/retry.ts'
import { anyTask } from './plans.ts'
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

describe('an aggregate of branches', () => {
  it.each([
    ['REDUCE', 'reduce', 'Merge the results'],
    ['VOTE', 'vote', 'Count the votes'],
    ['FIRST', 'first', 'Take the first result'],
  ] as const)('%s is done by the coordinator', (aggregate, key, title) => {
    const { nodes, outputs } = planOf('PARALLEL', ['a', 'b'], { aggregate })
    expect(nodes.at(-1)).toMatchObject({ key, kind: aggregate, title, capabilities: [], group: 'closing' })
    expect(nodes.at(-1)).toMatchObject({ after: ['a', 'b'], needs: ['a', 'b'] })
    expect(outputs).toEqual([key])
  })

  it('REDUCE waits for every branch', () => {
    const closing = planOf('PARALLEL', ['a'], { aggregate: 'REDUCE' }).nodes.at(-1)
    expect(closing).toMatchObject({ join: 'SETTLED' })
    expect(closing).not.toHaveProperty('votes')
  })

  it('VOTE waits until enough branches agree: more than half, or as many as it is told', () => {
    const votes = (keys: string[], options = {}): unknown => {
      const closing = planOf('PARALLEL', keys, { aggregate: 'VOTE', ...options }).nodes.at(-1)
      return [closing?.join, closing?.votes]
    }
    expect(votes(['a'])).toEqual(['ENOUGH', 1])
    expect(votes(['a', 'b', 'c'])).toEqual(['ENOUGH', 2])
    expect(votes(['a', 'b', 'c', 'd'])).toEqual(['ENOUGH', 3])
    expect(votes(['a', 'b', 'c'], { votes: 3 })).toEqual(['ENOUGH', 3])
  })

  it('FIRST waits for one of them', () => {
    expect(planOf('PARALLEL', ['a', 'b'], { aggregate: 'FIRST' }).nodes.at(-1)).toMatchObject({
      join: 'ENOUGH',
      votes: 1,
    })
  })
})

describe('what a part asks for', () => {
  const nodeOf = (change: Partial<SubTask>): PlanNode => planOf('SEQUENTIAL', [part('a', change)]).nodes[0] as PlanNode

  it('gates run the cheap and certain before the dear and doubtful, the schema of the output before all', () => {
    const judge: Gate = { kind: 'JUDGE', criteria: 'good' }
    const schema: Gate = { kind: 'SCHEMA', schema: { type: 'object' } }
    const command: Gate = { kind: 'COMMAND', command: 'test' }
    expect(nodeOf({ gates: [judge, schema, command] }).gates).toEqual([schema, command, judge])
    expect(nodeOf({ gates: [judge, schema], outputSchema: false }).gates).toEqual([
      { kind: 'SCHEMA', schema: false },
      schema,
      judge,
    ])
    expect(nodeOf({ gates: [] })).not.toHaveProperty('gates')
  })

  it('fallback, compensation and reserve stand in its node', () => {
    const change = { fallback: ['b', 'c'], compensation: { title: 'Undo' }, reserve: { tokens: 5, cost: 0.1 } }
    expect(nodeOf(change)).toMatchObject(change)
    expect(nodeOf({ fallback: [] })).not.toHaveProperty('fallback')
  })

  it('evenIfSkipped lets it begin after what was skipped', () => {
    expect(nodeOf({ evenIfSkipped: true }).join).toBe('ACCEPTED_OR_SKIPPED')
    expect(nodeOf({ evenIfSkipped: false }).join).toBe('ACCEPTED')
  })

  it('a session of its own is done by a child session', () => {
    const session = { pattern: 'PARALLEL' as const, parts: [part('x')], slice: { cost: 1 } }
    expect(nodeOf({ session })).toMatchObject({ kind: 'SESSION', session })
  })
})

describe('a failure policy of the caller', () => {
  it.each([
    ['SEQUENTIAL', 'sequence'],
    ['PARALLEL', 'branches'],
    ['PIPELINE', 'stages'],
    ['HIERARCHICAL', 'manager'],
  ] as const)('is that of the top group of %s and of no other', (pattern, top) => {
    const policies = (options: Partial<CompileOptions>): unknown[] =>
      planOf(pattern, ['a', part('b')], { aggregate: 'COLLECT', ...options }).groups.map((group) => {
        return [group.key, group.onFailure, group.quorum]
      })
    const below = pattern === 'HIERARCHICAL' ? [['stage-1', 'CONTINUE', undefined]] : []
    const closing = ['closing', 'CONTINUE', undefined]
    expect(policies({ onFailure: 'QUORUM', quorum: 1 })).toEqual([[top, 'QUORUM', 1], ...below, closing])
    expect(policies({ onFailure: 'FAIL_FAST' })).toEqual([[top, 'FAIL_FAST', undefined], ...below, closing])
    expect(policies({ onFailure: 'CONTINUE' })).toEqual([[top, 'CONTINUE', undefined], ...below, closing])
  })
})

describe('every plan, whatever its pattern', () => {
  it('has each part once, edges that lead forward, and inputs only from what surely came before', () => {
    fc.assert(
      fc.property(anyTask, ({ parts, pattern, options }) => {
        expect(checkSubTasks(parts, pattern)).toEqual([])
        expect(checkOptions(parts, pattern, options)).toEqual([])
        const plan = compile(parts, pattern, { ...DEFAULT_COMPILE, ...options })
        const { items, manager, aggregate } = options
        const closing = items || aggregate !== 'NONE' ? 1 : 0
        expect(plan.nodes.length).toBe(manager ? 1 : parts.length * (items?.list.length ?? 1) + closing)
        expect(new Set(plan.nodes.map(({ key }) => key)).size).toBe(plan.nodes.length)
        const vertices = plan.nodes.map(({ key, after, behind = [], onceBegun = [] }) => {
          return { key, after: [...after, ...behind, ...onceBegun] }
        })
        expect(topological(vertices)).toEqual(vertices)
        for (const node of plan.nodes) {
          expect(node.key).toMatch(/^[\w-]{1,64}$/)
          expect([...ancestors(plan.nodes, node)]).toEqual(expect.arrayContaining([...node.needs]))
          expect(plan.groups.map(({ key }) => key)).toContain(node.group)
        }
        for (const { key, dependsOn } of items || manager ? [] : parts) {
          const node = plan.nodes.find((one) => one.key === key) as PlanNode
          expect([...ancestors(plan.nodes, node)]).toEqual(expect.arrayContaining([...dependsOn]))
        }
        const keys = plan.groups.map(({ key }) => key)
        expect(new Set(keys).size).toBe(keys.length)
        expect(keys).toEqual(expect.arrayContaining(plan.groups.flatMap(({ parent }) => parent ?? [])))
        expect(plan.groups[0]).not.toHaveProperty('parent')
        expect(plan.outputs.length > 0).toBe(!manager)
        // It survives being stored: nothing in it is undefined.
        expect(JSON.parse(JSON.stringify(plan))).toStrictEqual(plan)
      }),
    )
  })
})

/** The keys of everything that comes before a node. */
function ancestors(nodes: readonly PlanNode[], node: PlanNode): Set<string> {
  const found = new Set(node.after)
  for (const key of found) for (const before of nodes.find((one) => one.key === key)?.after ?? []) found.add(before)
  return found
}

describe('how a plan closes unless it is said', () => {
  it.each([
    ['SEQUENTIAL', 2, 'NONE'],
    ['PIPELINE', 2, 'NONE'],
    ['PARALLEL', 1, 'NONE'],
    ['PARALLEL', 2, 'COLLECT'],
    ['HIERARCHICAL', 1, 'NONE'],
    ['HIERARCHICAL', 2, 'COLLECT'],
  ] as const)('%s of %d parts: %s', (pattern, parts, aggregate) => {
    expect(
      defaultAggregate(
        pattern,
        Array.from({ length: parts }, (_, n) => part(`p${n}`)),
      ),
    ).toBe(aggregate)
  })
})
