import fc from 'fast-check'
import type { PlanOptions } from '../../src/core/check/options.ts'
import { type Gate, inOrder } from '../../src/core/gate.ts'
import { AGGREGATES, type Aggregate, PATTERNS, type Pattern, type Plan, type SubTask } from '../../src/core/plan.ts'
import { failing, part, planOf } from './sessions.ts'

/** Keys that objects know by themselves or put into an order of their own are among them. */
const KEYS = ['b', 'a', '10', '9', 'constructor', '__proto__', 'toString']

/** One to seven parts that depend on parts declared before them or after them, some of them optional. */
export const anyParts: fc.Arbitrary<SubTask[]> = fc
  .array(fc.record({ before: fc.array(fc.nat(), { maxLength: 3 }), optional: fc.boolean() }), {
    minLength: 1,
    maxLength: KEYS.length,
  })
  .map((drawn) =>
    drawn.map(({ before, optional }, at) => {
      const dependsOn = [...new Set(at === 0 ? [] : before.map((n) => KEYS[n % at] as string))]
      return part(KEYS[at] as string, { dependsOn, optional })
    }),
  )
  .chain((parts) => fc.shuffledSubarray(parts, { minLength: parts.length }))

/** Plans of every pattern, failing fast or not, closed by nobody, the coordinator or an agent. */
export const anyPlan: fc.Arbitrary<Plan> = fc
  .record({
    pattern: fc.constantFrom(...PATTERNS),
    aggregate: fc.constantFrom('NONE' as const, 'COLLECT' as const, 'AGENT' as const),
    onFailure: fc.constantFrom(undefined, 'FAIL_FAST' as const, 'CONTINUE' as const),
    maxAttempts: fc.integer({ min: 1, max: 3 }),
    queueMs: fc.constantFrom(20_000, 3_600_000),
    parts: anyParts,
  })
  .map(({ pattern, aggregate, onFailure, maxAttempts, queueMs, parts }) => {
    const given = pattern === 'PARALLEL' ? parts.map((one) => ({ ...one, dependsOn: [] })) : parts
    const plan = planOf(pattern, given, {
      aggregate,
      timeouts: { queueMs, attemptMs: 60_000, idleMs: 30_000 },
      retry: { maxAttempts, initialMs: 1_000, factor: 2, maxMs: 10_000 },
    })
    return onFailure ? failing(plan, onFailure) : plan
  })

/** What parts of plans can say beside what they do. */
const anyExtras: fc.Arbitrary<Partial<SubTask>> = fc.constantFrom(
  {},
  {},
  {
    gates: [
      { kind: 'JUDGE', criteria: 'it is good' },
      { kind: 'COMMAND', command: 'test' },
    ],
    outputSchema: true,
  },
  { fallback: ['other'], reserve: { tokens: 10 } },
  { compensation: { title: 'Undo it' } },
  { session: { pattern: 'PARALLEL', parts: [part('child')], aggregate: 'FIRST' } },
)

/** Tasks and how they are to be planned, with everything that can be asked for; `checkOptions` finds no problem. */
export const anyTask: fc.Arbitrary<{ parts: SubTask[]; pattern: Pattern; options: PlanOptions }> = fc
  .record({
    pattern: fc.constantFrom(...PATTERNS),
    aggregate: fc.constantFrom(...AGGREGATES),
    policy: fc.constantFrom(undefined, 'FAIL_FAST' as const, 'CONTINUE' as const, 'QUORUM' as const),
    number: fc.nat(),
    list: fc.option(fc.array(fc.nat(), { minLength: 1, maxLength: 5 }), { nil: undefined }),
    deadLetters: fc.boolean(),
    managed: fc.boolean(),
    parts: anyParts,
    extras: fc.array(anyExtras, { minLength: KEYS.length, maxLength: KEYS.length }),
  })
  .map(({ pattern, aggregate: drawn, policy, number, list, deadLetters, managed, parts: plain, extras }) => {
    const items = pattern === 'PIPELINE' ? list : undefined
    const manager =
      pattern === 'HIERARCHICAL' && managed ? { maxRounds: 5, maxReplans: 1, maxStalls: 3, maxChildren: 20 } : undefined
    const closes: readonly Aggregate[] =
      items || manager ? ['NONE'] : pattern === 'PARALLEL' ? AGGREGATES : ['NONE', 'COLLECT', 'AGENT']
    const aggregate = closes.includes(drawn) ? drawn : 'NONE'
    const parts = plain.map((one, at) => {
      return { ...one, ...extras[at], ...(pattern === 'PARALLEL' && { dependsOn: [] }) }
    })
    const some = 1 + (number % parts.length)
    const options: PlanOptions = {
      aggregate,
      ...(aggregate === 'VOTE' && number % 2 === 0 && { votes: some }),
      ...(policy && !items && { onFailure: policy, ...(policy === 'QUORUM' && { quorum: some }) }),
      ...(items && {
        items: { list: items, buffer: some, onFailure: deadLetters ? 'DEAD_LETTER' : 'STOP' },
      }),
      ...(manager && { manager }),
    }
    return { parts, pattern, options }
  })

/** Plans with everything that can be asked for. */
export const anyFullPlan: fc.Arbitrary<Plan> = anyTask.map(({ parts, pattern, options }) => {
  return planOf(pattern, parts, options)
})

/** What a node says beside what it does, in worlds where everything goes wrong. */
const anyTwist = fc.record({
  gates: fc.constantFrom<readonly Gate[]>(
    [],
    [],
    [],
    [{ kind: 'PERSON', question: 'Is it good?' }],
    [{ kind: 'PERSON', question: 'Is it good?', role: 'OPERATOR', expiresMs: 5_000, onExpiry: 'APPROVE' }],
    [{ kind: 'SCHEMA', schema: { type: 'object' } }],
    [
      { kind: 'COMMAND', command: 'test' },
      { kind: 'JUDGE', criteria: 'it is good' },
    ],
    [{ kind: 'EVIDENCE', minArtifacts: 1 }],
  ),
  maxAttempts: fc.integer({ min: 1, max: 3 }),
  queueMs: fc.constantFrom(20_000, 3_600_000),
  evenIfSkipped: fc.boolean(),
  fallback: fc.constantFrom(undefined, undefined, ['other']),
  compensated: fc.boolean(),
})

/** Plans with everything that can be asked for, whose nodes have their own limits. */
export const anyWildPlan: fc.Arbitrary<Plan> = fc
  .tuple(anyFullPlan, fc.array(anyTwist, { minLength: 8, maxLength: 8 }))
  .map(([plan, twists]) => ({
    ...plan,
    nodes: plan.nodes.map((node, at) => {
      const { gates, maxAttempts, queueMs, evenIfSkipped, fallback, compensated } = twists[
        at % twists.length
      ] as (typeof twists)[number]
      const timeouts = { queueMs, attemptMs: 60_000, idleMs: 30_000 }
      const limited = { ...node, timeouts, retry: { maxAttempts, initialMs: 1_000, factor: 2, maxMs: 10_000 } }
      if (node.kind !== 'TASK' && node.kind !== 'SESSION') return limited
      const own = [...(node.gates ?? []), ...gates]
      return {
        ...limited,
        ...(own.length > 0 && { gates: inOrder(own) }),
        ...(fallback && { fallback }),
        ...(compensated && { compensation: { title: 'Undo it' } }),
        ...(evenIfSkipped &&
          node.join === 'ACCEPTED' &&
          node.item === undefined && { join: 'ACCEPTED_OR_SKIPPED' as const }),
      }
    }),
  }))
