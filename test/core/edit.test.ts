import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { diffPlans } from '../../src/core/diff.ts'
import { editPlan, type NodeChanges, type PlanEdit } from '../../src/core/edit.ts'
import { topological } from '../../src/core/graph.ts'
import { DEFAULT_TIMEOUTS } from '../../src/core/pattern.ts'
import type { Plan, PlanNode, SubTask } from '../../src/core/plan.ts'
import { DEFAULT_RETRY } from '../../src/core/retry.ts'
import { anyFullPlan } from './plans.ts'
import './seed.ts'
import { deepFreeze, part, planOf } from './sessions.ts'

const NONE: ReadonlySet<string> = new Set()
const remove = (key: string): PlanEdit => ({ kind: 'REMOVE', key })
const replace = (key: string, changes: NodeChanges): PlanEdit => ({ kind: 'REPLACE', key, changes })
const add = (subTask: SubTask): PlanEdit => ({ kind: 'ADD', subTask })

/** The plan after edits that nothing is wrong with. */
function edited(plan: Plan, ...edits: PlanEdit[]): Plan {
  const result = editPlan(deepFreeze(plan), edits, NONE)
  if ('problems' in result) throw new Error(JSON.stringify(result.problems))
  return result.plan
}

/** What is wrong with edits, each with its path. */
function wrongs(plan: Plan, edits: PlanEdit[], started: string[] = [], level = 1): [path: string, message: string][] {
  const result = editPlan(deepFreeze(plan), edits, new Set(started), level)
  return 'problems' in result ? result.problems.map(({ path, message }) => [path.join('.'), message]) : []
}

const edges = ({ nodes }: Plan): object => {
  return Object.fromEntries(nodes.map(({ key, after, needs }) => [key, { after, needs }]))
}
const nodeOf = ({ nodes }: Plan, key: string): PlanNode | undefined => nodes.find((node) => node.key === key)

describe('a plan without edits', () => {
  it('stays as it is', () => {
    fc.assert(
      fc.property(anyFullPlan, (plan) => {
        expect(edited(plan)).toBe(plan)
      }),
    )
  })
})

describe('removing a node', () => {
  it('keeps the order: what came after it comes after what came before it', () => {
    const plan = edited(planOf('SEQUENTIAL', ['a', 'b', 'c']), remove('b'))
    expect(edges(plan)).toEqual({ a: { after: [], needs: [] }, c: { after: ['a'], needs: ['a'] } })
    expect(plan.outputs).toEqual(['c'])
  })

  it('names each node that another comes after once', () => {
    const parts = ['a', part('b', { dependsOn: ['a'] }), part('c', { dependsOn: ['a', 'b'] })]
    expect(nodeOf(edited(planOf('HIERARCHICAL', parts), remove('b')), 'c')?.after).toEqual(['a'])
  })

  it('puts out what stands at the ends then', () => {
    expect(edited(planOf('SEQUENTIAL', ['a', 'b']), remove('b')).outputs).toEqual(['a'])
  })

  it('takes it from the closing node', () => {
    const plan = edited(planOf('PARALLEL', ['a', 'b'], { aggregate: 'COLLECT' }), remove('a'))
    expect(edges(plan)).toEqual({ b: { after: [], needs: [] }, collect: { after: ['b'], needs: ['b'] } })
    expect(plan.outputs).toEqual(['collect'])
  })

  it('lets nobody stand behind it any more', () => {
    const items = { list: [1, 2, 3], buffer: 1, onFailure: 'STOP' as const }
    const plan = planOf('PIPELINE', ['a', 'b'], { items })
    expect(nodeOf(plan, 'a-2')).toMatchObject({ onceBegun: ['b-1'] })
    expect(nodeOf(plan, 'a-3')).toMatchObject({ behind: ['b-1'], onceBegun: ['b-2'] })
    const after = edited(plan, remove('b-1'))
    expect(nodeOf(after, 'a-2')).not.toHaveProperty('onceBegun')
    expect(nodeOf(after, 'a-3')).not.toHaveProperty('behind')
    expect(nodeOf(after, 'a-3')).toMatchObject({ onceBegun: ['b-2'] })
    expect(nodeOf(after, 'items')).toMatchObject({ after: ['a-1', 'b-2', 'b-3'], needs: ['b-2', 'b-3'] })
    expect(nodeOf(edited(plan, remove('a-1')), 'a-3')).toMatchObject({ behind: ['b-1'], onceBegun: ['b-2'] })
  })

  it('is refused when it is not there, has begun, or closes the plan', () => {
    const plan = planOf('PARALLEL', ['a', 'b', 'c'], { aggregate: 'COLLECT' })
    expect(wrongs(plan, [remove('z'), remove('a'), remove('b'), remove('b'), remove('collect')], ['a'])).toEqual([
      ['edits.0.key', '"z" is not in the plan'],
      ['edits.1.key', '"a" has begun: cancel it instead'],
      ['edits.3.key', '"b" is not in the plan'],
      ['edits.4.key', '"collect" closes the plan and can\'t be removed'],
    ])
  })

  it('is refused once something that has begun came after it', () => {
    const plan = planOf('PARALLEL', ['a', 'b'], { aggregate: 'FIRST' })
    expect(wrongs(plan, [remove('b')], ['a', 'first'])).toEqual([
      ['edits.0.key', '"first" has begun with what there was'],
    ])
    const items = { list: [1, 2, 3], buffer: 1, onFailure: 'STOP' as const }
    for (const begun of ['a-2', 'a-3']) {
      expect(wrongs(planOf('PIPELINE', ['a', 'b'], { items }), [remove('b-1')], [begun])).toEqual([
        ['edits.0.key', `"${begun}" has begun with what there was`],
      ])
    }
  })

  it('is refused of the last one', () => {
    const problem = ['edits', 'nothing would be left to do']
    expect(wrongs(planOf('SEQUENTIAL', ['a']), [remove('a')])).toEqual([problem])
    expect(wrongs(planOf('PARALLEL', ['a'], { aggregate: 'COLLECT' }), [remove('a')])).toEqual([problem])
  })

  it('E44: leaves enough for a vote and for a quorum', () => {
    const vote = planOf('PARALLEL', ['a', 'b', 'c'], { aggregate: 'VOTE', votes: 2 })
    expect(wrongs(vote, [remove('a')])).toEqual([])
    expect(wrongs(vote, [remove('a'), remove('b')])).toEqual([
      ['edits', '"vote" wants 2 votes, but only 1 branches would be left'],
    ])
    for (const pattern of ['PARALLEL', 'HIERARCHICAL'] as const) {
      const plan = planOf(pattern, ['a', 'b', 'c'], { onFailure: 'QUORUM', quorum: 2, aggregate: 'COLLECT' })
      expect(wrongs(plan, [remove('a')])).toEqual([])
      expect(wrongs(plan, [remove('a'), remove('b')])).toEqual([
        ['edits', expect.stringMatching(/^"(branches|manager)" wants 2 to be accepted, but only 1 would be left$/)],
      ])
    }
  })
})

describe('replacing what a node is to do', () => {
  const plan = planOf('SEQUENTIAL', [
    'a',
    part('b', { agent: 'one', gates: [{ kind: 'COMMAND', command: 'test' }], fallback: ['two'] }),
  ])

  it('changes what is said and nothing else', () => {
    const changes: NodeChanges = {
      title: 'B',
      description: 'Bee',
      agent: 'three',
      capabilities: ['x'],
      input: null,
      optional: true,
      timeouts: { idleMs: 5 },
      retry: { maxAttempts: 1 },
      gates: [
        { kind: 'JUDGE', criteria: 'good' },
        { kind: 'COMMAND', command: 'lint' },
      ],
    }
    const after = edited(plan, replace('b', changes))
    expect(nodeOf(after, 'b')).toEqual({
      ...nodeOf(plan, 'b'),
      ...changes,
      timeouts: { ...DEFAULT_TIMEOUTS, idleMs: 5 },
      retry: { ...DEFAULT_RETRY, maxAttempts: 1 },
      gates: [
        { kind: 'COMMAND', command: 'lint' },
        { kind: 'JUDGE', criteria: 'good' },
      ],
    })
    expect(nodeOf(after, 'a')).toBe(nodeOf(plan, 'a'))
  })

  it('leaves what is not said, and can take away the agent and the gates', () => {
    expect(edited(plan, replace('b', {}), replace('a', {}))).toEqual(plan)
    const after = nodeOf(edited(plan, replace('b', { agent: null, gates: [] })), 'b')
    expect(after).not.toHaveProperty('agent')
    expect(after).not.toHaveProperty('gates')
    expect(after?.fallback).toEqual(['two'])
  })

  it('is held to the same rules as a new sub-task', () => {
    const deep = JSON.parse('['.repeat(101) + ']'.repeat(101)) as []
    const changes = {
      title: '',
      agent: 'two',
      timeouts: { idleMs: 0 },
      gates: [{ kind: 'LUCK' }] as never,
      input: deep,
    }
    expect(wrongs(plan, [replace('b', changes)]).map(([path]) => path)).toEqual([
      'edits.0.changes.title',
      'edits.0.changes.timeouts.idleMs',
      'edits.0.changes.gates.0.kind',
      'edits.0.changes.fallback.0',
      'edits.0.changes.input',
    ])
  })

  it('is refused when it is not there, has begun, or nobody can change how it is done', () => {
    const closed = planOf('PARALLEL', ['a', 'b'], { aggregate: 'VOTE' })
    expect(wrongs(closed, [replace('z', {}), replace('a', {}), replace('vote', { title: 'Voting' })], ['a'])).toEqual([
      ['edits.0.key', '"z" is not in the plan'],
      ['edits.1.key', '"a" has begun: what it is to do can\'t be changed any more'],
      ['edits.2.key', '"vote" is done by the coordinator, always in the same way'],
    ])
    const session = planOf('PARALLEL', [part('a', { session: { pattern: 'PARALLEL', parts: [part('x')] } })])
    expect(wrongs(session, [replace('a', { agent: null, title: 'A' })])).toEqual([])
    expect(wrongs(session, [replace('a', { agent: 'one' })])).toEqual([
      ['edits.0.changes.agent', '"a" is a session, which takes no agent'],
    ])
  })

  it('can concern an agent that closes the plan', () => {
    const report = planOf('PARALLEL', ['a'], { aggregate: 'AGENT' })
    expect(nodeOf(edited(report, replace('report', { agent: 'writer' })), 'report')).toMatchObject({ agent: 'writer' })
  })
})

describe('adding a sub-task', () => {
  it('lets it wait for what it depends on, in the group of the last of those', () => {
    const parts = ['a', part('b', { dependsOn: ['a'] })]
    const plan = edited(planOf('HIERARCHICAL', parts), add(part('c', { dependsOn: ['a', 'b'], evenIfSkipped: true })))
    expect(nodeOf(plan, 'c')).toEqual({
      key: 'c',
      kind: 'TASK',
      title: 'Do c',
      description: '',
      capabilities: [],
      optional: false,
      after: ['a', 'b'],
      needs: ['a', 'b'],
      join: 'ACCEPTED_OR_SKIPPED',
      group: 'stage-2',
      timeouts: DEFAULT_TIMEOUTS,
      retry: DEFAULT_RETRY,
    })
    expect(plan.outputs).toEqual(['c'])
  })

  it('without any it begins with the first ones', () => {
    expect(nodeOf(edited(planOf('HIERARCHICAL', ['a']), add(part('b'))), 'b')?.group).toBe('stage-1')
    expect(nodeOf(edited(planOf('SEQUENTIAL', ['a']), add(part('b'))), 'b')?.group).toBe('sequence')
  })

  it('hands it to the closing node, as the last one', () => {
    const plan = edited(planOf('PARALLEL', ['a'], { aggregate: 'COLLECT' }), add(part('b')), add(part('c')))
    expect(plan.nodes.map(({ key }) => key)).toEqual(['a', 'b', 'c', 'collect'])
    expect(nodeOf(plan, 'collect')).toMatchObject({ after: ['a', 'b', 'c'], needs: ['a', 'b', 'c'] })
  })

  it('can depend on one that was added before it, and on none that was removed', () => {
    const plan = planOf('SEQUENTIAL', ['a', 'b'])
    expect(wrongs(plan, [add(part('c')), add(part('d', { dependsOn: ['c'] }))])).toEqual([])
    expect(wrongs(plan, [add(part('d', { dependsOn: ['c'] })), add(part('c'))])).toEqual([
      ['edits.0.subTask.dependsOn', '"d" depends on "c", which is not among a, b'],
    ])
    expect(wrongs(plan, [remove('b'), add(part('c', { dependsOn: ['b'] }))])).toEqual([
      ['edits.1.subTask.dependsOn', '"c" depends on "b", which is not among a'],
    ])
    expect(edited(plan, remove('a'), add(part('a'))).nodes.map(({ key }) => key)).toEqual(['b', 'a'])
  })

  it('is held to the same rules as the first ones', () => {
    const plan = planOf('PARALLEL', ['a'], { aggregate: 'COLLECT' })
    const deep = JSON.parse('['.repeat(101) + ']'.repeat(101)) as []
    const subTask = part('a', { title: '', dependsOn: ['collect'], inputSchema: true, input: deep })
    expect(wrongs(plan, [add(subTask), add(part('collect'))])).toEqual([
      ['edits.0.subTask.title', '"a" has no title'],
      ['edits.0.subTask.dependsOn', '"a" depends on "collect", which is not among a'],
      ['edits.0.subTask.key', '"a" is in the plan already'],
      [
        'edits.0.subTask.inputSchema',
        '"a" follows no stage of a PIPELINE: its inputSchema would be held against nothing',
      ],
      ['edits.0.subTask.input', 'the input of "a" is nested deeper than 100 levels: write it flatter'],
      ['edits.1.subTask.key', '"collect" is in the plan already'],
    ])
  })

  it('has the same limits as the first ones', () => {
    const session = { pattern: 'PARALLEL' as const, parts: [part('x')] }
    const many = Array.from({ length: 200 }, (_, at) => part(`p${at}`, at < 20 ? { session } : {}))
    const plan = planOf('PARALLEL', many, { aggregate: 'COLLECT' })
    expect(wrongs(plan, [remove('p0'), add(part('new', { session }))])).toEqual([])
    expect(wrongs(plan, [add(part('new', { session }))])).toEqual([
      ['edits.0.subTask', 'the plan has 200 sub-tasks, which is the limit'],
      ['edits.0.subTask.session', '20 sub-tasks are sessions of their own, which is the limit'],
    ])
    expect(wrongs(planOf('PARALLEL', ['a']), [add(part('new', { session }))], [], 3)).toEqual([
      ['edits.0.subTask.session', 'the session "new" would be on level 4: at most 3 are possible'],
    ])
  })

  it('is refused where nothing would wait for it', () => {
    const collect = planOf('PARALLEL', ['a'], { aggregate: 'COLLECT' })
    expect(wrongs(collect, [add(part('b'))], ['a', 'collect'])).toEqual([
      ['edits.0.kind', '"collect" has begun with what there was'],
    ])
    const items = planOf('PIPELINE', ['a'], { items: { list: [1], buffer: 1, onFailure: 'STOP' } })
    expect(wrongs(items, [add(part('b'))])).toEqual([['edits.0.kind', 'nothing can be added to a pipeline of items']])
    const manager = { maxRounds: 1, maxReplans: 0, maxStalls: 0, maxChildren: 9 }
    const managed = planOf('HIERARCHICAL', ['a'], { manager, onFailure: 'QUORUM', quorum: 5 })
    expect(wrongs(managed, [add(part('b'))])).toEqual([
      ['edits.0.kind', 'only its manager adds to a managed plan: tell the session'],
    ])
    expect(edited(managed, replace('manage-1', { agent: 'boss' })).outputs).toEqual([])
  })
})

describe('edits', () => {
  /** Edits of a plan in which nothing has begun: whatever can be refused is at most the end of everything. */
  const anyEdits = (plan: Plan): fc.Arbitrary<PlanEdit[]> => {
    const keys = plan.nodes.map(({ key }) => key)
    const anyKey = fc.constantFrom(...keys)
    const anyEdit = fc.oneof(
      anyKey.map(remove),
      fc
        .tuple(anyKey, fc.constantFrom({ title: 'Other' }, { optional: true }, { retry: { maxAttempts: 9 } }))
        .map(([key, changes]) => replace(key, changes)),
      fc
        .tuple(fc.nat({ max: 3 }), fc.subarray([...keys, 'new-0'], { maxLength: 2 }))
        .map(([n, dependsOn]) => add(part(`new-${n}`, { dependsOn }))),
    )
    return fc.array(anyEdit, { minLength: 1, maxLength: 4 })
  }
  const anyCase = anyFullPlan.chain((plan) => {
    const anyStarted = fc.subarray(
      plan.nodes.map(({ key }) => key),
      { maxLength: Math.min(2, plan.nodes.length) },
    )
    return fc.record({ plan: fc.constant(plan), edits: anyEdits(plan), started: anyStarted })
  })

  it('leave a plan that can be carried out and differs in what was edited alone, or change nothing', () => {
    let made = 0
    fc.assert(
      fc.property(anyCase, ({ plan, edits, started }) => {
        const result = editPlan(deepFreeze(plan), edits, new Set(started))
        const problems = 'problems' in result ? result.problems : []
        expect('plan' in result || problems.length > 0).toBe(true)
        const [after, obeyed] = 'plan' in result ? [result.plan, edits] : [plan, []]
        made += obeyed.length
        const keys = after.nodes.map(({ key }) => key)
        expect(new Set(keys).size).toBe(keys.length)
        const vertices = after.nodes.map(({ key, after, behind = [], onceBegun = [] }) => {
          return { key, after: [...after, ...behind, ...onceBegun] }
        })
        expect(topological(vertices)).toEqual(vertices)
        const before = new Map<string, Set<string>>()
        for (const node of after.nodes) {
          const all = [...node.after, ...node.after.flatMap((key) => [...(before.get(key) as Set<string>)])]
          before.set(node.key, new Set(all))
          expect(keys).toEqual(expect.arrayContaining([...(node.behind ?? []), ...(node.onceBegun ?? [])]))
          expect([...(before.get(node.key) as Set<string>)]).toEqual(expect.arrayContaining([...node.needs]))
        }
        expect(keys).toEqual(expect.arrayContaining([...after.outputs]))

        const diff = diffPlans(plan, after)
        const of = (kind: PlanEdit['kind']): string[] =>
          obeyed.flatMap((edit) => (edit.kind === kind ? [edit.kind === 'ADD' ? edit.subTask.key : edit.key] : []))
        expect(diff.added).toEqual(of('ADD'))
        expect(diff.removed.toSorted()).toEqual(of('REMOVE').toSorted())
        for (const { key, fields } of diff.changed) {
          expect(started).not.toContain(key)
          const said = of('REPLACE').includes(key) ? ['title', 'optional', 'retry'] : []
          expect([...said, 'after', 'needs', 'behind', 'onceBegun']).toEqual(expect.arrayContaining(fields))
        }
        expect(diff.groups).toEqual({ added: [], removed: [], changed: [] })
        expect(['nodes', 'outputs']).toEqual(expect.arrayContaining(diff.fields))
      }),
      { numRuns: 300 },
    )
    expect(made).toBeGreaterThan(100)
  })
})
