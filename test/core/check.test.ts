import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_SESSION_DEPTH } from '../../src/core/budget.ts'
import { checkSubTasks, MAX_CHILDREN, MAX_SUB_TASKS } from '../../src/core/check.ts'
import type { AgentType } from '../../src/core/agent.ts'
import { type ChildSession, type Pattern, PATTERNS, type SubTask } from '../../src/core/plan.ts'
import './seed.ts'
import { part, planOf } from './sessions.ts'

const problem = (path: string, message: string): object => ({ path: path.split('.'), message })

describe('sub-tasks that a caller hands in', () => {
  it.each([...PATTERNS, 'AUTO'] as const)('can be compiled as %s when nothing is wrong with them', (pattern) => {
    const numbers = {
      timeouts: { queueMs: 1, attemptMs: 2 ** 31 - 1, idleMs: 5_000 },
      retry: { maxAttempts: 1, initialMs: 0, factor: 1.5, maxMs: 0 },
    }
    const parts = [part('A_1-b', { type: 'TESTING', ...numbers }), part('x'.repeat(64)), part('__proto__')]
    expect(checkSubTasks(parts, pattern)).toEqual([])
  })

  it(`can be ${MAX_SUB_TASKS}, but no more`, () => {
    const many = Array.from({ length: MAX_SUB_TASKS + 1 }, (_, at) => part(`p${at}`))
    expect(checkSubTasks(many.slice(1), 'PARALLEL')).toEqual([])
    expect(checkSubTasks(many, 'PARALLEL')).toEqual([
      problem('subTasks', '201 sub-tasks are more than the limit of 200'),
    ])
  })

  it.each(['', 'two words', 'a/b', 'ä', 'x'.repeat(65), 'a\n'])(
    'have keys of letters, digits, - and _: not "%s"',
    (key) => {
      const [found, ...others] = checkSubTasks([part('a'), part(key)], 'AUTO')
      expect(found).toEqual(problem('subTasks.1.key', `"${key}" is no key: 1 to 64 letters, digits, - and _`))
      expect(others).toEqual([])
    },
  )

  it('have keys of their own', () => {
    const problems = checkSubTasks([part('a'), part('b'), part('a')], 'AUTO')
    expect(problems).toEqual([problem('subTasks.2.key', '"a" is the key of two sub-tasks')])
  })

  it('have titles', () => {
    expect(checkSubTasks([part('a', { title: ' \t' })], 'AUTO')).toEqual([
      problem('subTasks.0.title', '"a" has no title'),
    ])
  })

  it('name an agent type that exists', () => {
    const [found] = checkSubTasks([part('a', { type: 'WIZARD' as AgentType })], 'AUTO')
    expect(found?.path).toEqual(['subTasks', '0', 'type'])
    expect(found?.message).toMatch(/^"WIZARD" is none of CODEGEN, .*GENERAL$/)
  })

  it('share nothing as branches of PARALLEL', () => {
    const parts = [part('a'), part('b'), part('c', { dependsOn: ['a', 'b'] })]
    const message = 'branches of PARALLEL share nothing, but "c" depends on "a", "b": use HIERARCHICAL or AUTO'
    expect(checkSubTasks(parts, 'PARALLEL')).toEqual([problem('subTasks.2.dependsOn', message)])
    for (const pattern of ['SEQUENTIAL', 'PIPELINE', 'HIERARCHICAL', 'AUTO'] as const) {
      expect(checkSubTasks(parts, pattern)).toEqual([])
    }
  })

  it('depend on sub-tasks that exist', () => {
    const problems = checkSubTasks([part('a'), part('b', { dependsOn: ['a', 'z'] })], 'AUTO')
    expect(problems).toEqual([problem('subTasks.1.dependsOn', '"b" depends on "z", which is not among a, b')])
  })

  it('name a sub-task that they depend on once', () => {
    const problems = checkSubTasks([part('a'), part('b', { dependsOn: ['a', 'a'] })], 'AUTO')
    expect(problems).toEqual([problem('subTasks.1.dependsOn', '"b" depends on "a" twice')])
  })

  it('do not wait for each other in a circle', () => {
    const parts = [part('a', { dependsOn: ['b'] }), part('b', { dependsOn: ['a'] })]
    const message = 'the dependencies go round in a circle: a -> b -> a'
    expect(checkSubTasks(parts, 'SEQUENTIAL')).toEqual([problem('subTasks', message)])
  })

  it.each([
    [{ timeouts: { queueMs: 0 } }, 'timeouts.queueMs', '0: it must be from 1 to 2147483647'],
    [{ timeouts: { attemptMs: -1 } }, 'timeouts.attemptMs', '-1: it must be from 1 to 2147483647'],
    [{ timeouts: { idleMs: 2 ** 31 } }, 'timeouts.idleMs', '2147483648: it must be from 1 to 2147483647'],
    [{ timeouts: { idleMs: Number.NaN } }, 'timeouts.idleMs', 'NaN: it must be from 1 to 2147483647'],
    [{ retry: { maxAttempts: 0 } }, 'retry.maxAttempts', '0: it must be from 1 to 100'],
    [{ retry: { maxAttempts: 101 } }, 'retry.maxAttempts', '101: it must be from 1 to 100'],
    [{ retry: { initialMs: -1 } }, 'retry.initialMs', '-1: it must be from 0 to 2147483647'],
    [{ retry: { factor: 0.5 } }, 'retry.factor', '0.5: it must be from 1 to 100'],
    [{ retry: { maxMs: Infinity } }, 'retry.maxMs', 'Infinity: it must be from 0 to 2147483647'],
  ] satisfies [Partial<SubTask>, string, string][])(
    'E44: have limits that can be enforced, not %j',
    (change, path, message) => {
      const problems = checkSubTasks([part('a', change)], 'AUTO')
      expect(problems).toEqual([problem(`subTasks.0.${path}`, `${path} of "a" is ${message}`)])
    },
  )

  it('are told everything that is wrong with them at once', () => {
    const parts = [part('a b', { title: '' }), part('c', { dependsOn: ['d'], timeouts: { idleMs: 0 } })]
    const paths = checkSubTasks(parts, 'PARALLEL').map(({ path }) => path.slice(1).join('.'))
    expect(paths).toEqual(['0.key', '0.title', '1.timeouts.idleMs', '1.dependsOn', '1.dependsOn'])
  })

  it('can be compiled whenever no problem is found', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'constructor', '1', '__proto__')
    const subTask = fc.record({ key, dependsOn: fc.array(key, { maxLength: 2 }) })
    const alike = fc.array(subTask, { maxLength: 5 })
    const distinct = fc.uniqueArray(subTask, { selector: (one) => one.key, maxLength: 5 })
    const parts = fc.oneof(alike, distinct).map((list) => list.map(({ key: k, dependsOn }) => part(k, { dependsOn })))
    let compiled = 0
    fc.assert(
      fc.property(parts, fc.constantFrom(...PATTERNS), (given, pattern) => {
        if (checkSubTasks(given, pattern).length > 0) return
        compiled += given.length > 1 ? 1 : 0
        expect(
          planOf(pattern, given)
            .nodes.map((node) => node.key)
            .toSorted(),
        ).toEqual(given.map((p) => p.key).toSorted())
      }),
      { numRuns: 500 },
    )
    expect(compiled).toBeGreaterThan(10)
  })
})

describe('E44: what a sub-task asks for beside', () => {
  const wrongs = (change: Partial<SubTask>): [path: string, message: string][] =>
    checkSubTasks([part('a'), part('b', change)], 'AUTO').map(({ path, message }) => {
      expect(path.slice(0, 2)).toEqual(['subTasks', '1'])
      return [path.slice(2).join('.'), message]
    })

  it('is taken when it can be had', () => {
    const change: Partial<SubTask> = {
      agent: 'one',
      fallback: ['two', 'three', 'four', 'five', 'six'],
      compensation: { title: 'Undo it' },
      reserve: { tokens: 1, cost: 0.000_1 },
      dependsOn: ['a'],
      evenIfSkipped: true,
      outputSchema: { type: 'object' },
      gates: [{ kind: 'COMMAND', command: 'test' }],
    }
    expect(wrongs(change)).toEqual([])
    expect(wrongs({ fallback: [], reserve: {}, evenIfSkipped: false })).toEqual([])
  })

  it('at most five agents to fall back on, each of them another', () => {
    expect(wrongs({ fallback: ['1', '2', '3', '4', '5', '6'] })).toEqual([
      ['fallback', '"b" has 6 agents to fall back on: at most 5 are possible'],
    ])
    expect(wrongs({ agent: 'one', fallback: ['two', 'one', 'two', ' '] })).toEqual([
      ['fallback.1', '"b" falls back on "one", which does it already'],
      ['fallback.2', '"b" falls back on "two" twice'],
      ['fallback.3', 'the name of an agent that "b" falls back on must say something'],
    ])
  })

  it('a compensation with a title', () => {
    expect(wrongs({ compensation: { title: ' ' } })).toEqual([
      ['compensation.title', 'the compensation of "b" has no title'],
    ])
  })

  it('a reserve of more than nothing', () => {
    const most = Number.MAX_SAFE_INTEGER
    expect(wrongs({ reserve: { tokens: 0, cost: 0 } })).toEqual([
      ['reserve.tokens', `tokens in the reserve of "b" is 0: it must be a whole number from 1 to ${most}`],
      ['reserve.cost', 'cost in the reserve of "b" is 0: it must be more than 0'],
    ])
    for (const cost of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(wrongs({ reserve: { tokens: 1.5, cost } }).map(([path]) => path)).toEqual([
        'reserve.tokens',
        'reserve.cost',
      ])
    }
  })

  it('to begin even after what was skipped, if it comes after something', () => {
    expect(wrongs({ evenIfSkipped: true })).toEqual([
      ['evenIfSkipped', '"b" depends on nothing that could be skipped: evenIfSkipped needs dependsOn'],
    ])
  })

  it('schemas that are some', () => {
    const change = { inputSchema: { type: 'wish' }, outputSchema: 1 }
    expect(wrongs(change).map(([path, message]) => [path, message.split(':')[0]])).toEqual([
      ['inputSchema', 'inputSchema of "b" is no schema that can be checked'],
      ['outputSchema', 'outputSchema of "b" is no schema that can be checked'],
    ])
  })

  it.each(['gates', 'inputSchema', 'outputSchema', 'compensation', 'session'] as const)(
    'no more levels than can be looked through: %s',
    (name) => {
      const deep = JSON.parse('['.repeat(101) + ']'.repeat(101)) as []
      const value = name === 'session' ? { pattern: 'PARALLEL', parts: [part('c', { input: deep })] } : deep
      const found = wrongs({ [name]: value } as never)
      expect(found).toEqual([[name, `${name} of "b" is nested deeper than 100 levels`]])
    },
  )
})

describe('stages of a PIPELINE that say what they want', () => {
  const text = { type: 'string' }
  const number = { type: 'number' }
  const wrongs = (parts: SubTask[], pattern: Pattern | 'AUTO' = 'PIPELINE'): [string, string][] =>
    checkSubTasks(parts, pattern).map(({ path, message }) => [path.join('.'), message])

  it('are taken when each puts out what the next one wants', () => {
    const parts = [
      part('a', { outputSchema: { type: 'integer' } }),
      part('b', { inputSchema: number, outputSchema: text }),
      part('c', { inputSchema: text }),
      part('d'),
    ]
    expect(wrongs(parts)).toEqual([])
  })

  it('are refused when they do not, in the order in which they follow each other', () => {
    const parts = [part('b', { dependsOn: ['a'], inputSchema: number }), part('a', { outputSchema: text })]
    const found = wrongs(parts)
    expect(found.length).toBeGreaterThan(0)
    for (const [path, message] of found) {
      expect(path).toBe('subTasks.0.inputSchema')
      expect(message).toMatch(/^"b" can't take what "a" puts out: ./)
    }
  })

  it('follow one that says what it puts out', () => {
    const message = '"b" has an inputSchema, but "a" before it does not say what it puts out: give it an outputSchema'
    expect(wrongs([part('a'), part('b', { inputSchema: text })])).toEqual([['subTasks.1.inputSchema', message]])
  })

  it('E44: are not the first, nor parts of another pattern', () => {
    const message = '"a" follows no stage of a PIPELINE: its inputSchema would be held against nothing'
    const problem = ['subTasks.0.inputSchema', message]
    for (const pattern of PATTERNS) expect(wrongs([part('a', { inputSchema: text })], pattern)).toEqual([problem])
    expect(wrongs([part('a', { inputSchema: text })], 'AUTO')).toEqual([])
  })

  it('are told once that a schema is none, or that they go round in a circle', () => {
    const bad = { type: 'wish' }
    const parts = [part('a', { outputSchema: bad }), part('b', { inputSchema: bad })]
    expect(wrongs(parts).map(([path]) => path)).toEqual(['subTasks.0.outputSchema', 'subTasks.1.inputSchema'])
    const circle = [part('a', { dependsOn: ['b'], inputSchema: text }), part('b', { dependsOn: ['a'] })]
    expect(wrongs(circle).map(([path]) => path)).toEqual(['subTasks'])
  })
})

describe('a sub-task that is a session of its own', () => {
  const child = (parts: SubTask[], change: Partial<ChildSession> = {}): Partial<SubTask> => {
    return { session: { pattern: 'PARALLEL', parts, ...change } }
  }
  const wrongs = (parts: SubTask[], level?: number): [string, string][] =>
    checkSubTasks(parts, 'AUTO', level).map(({ path, message }) => [path.join('.'), message])

  it('is taken when nothing is wrong with it', () => {
    const change = child([part('x'), part('y')], {
      aggregate: 'VOTE',
      votes: 2,
      onFailure: 'QUORUM',
      quorum: 1,
      slice: { tokens: 1, cost: 1, executions: 1 },
    })
    expect(wrongs([part('a', change)])).toEqual([])
  })

  it('has its parts and options checked like any other, each told with its path', () => {
    const grandchild = child([part('deep', { title: '' })], { aggregate: 'FIRST', slice: { executions: 0 } })
    const parts = [
      part('a', child([part('x'), part('x'), part('y', { dependsOn: ['z'], ...grandchild })], { votes: 9 })),
    ]
    expect(wrongs(parts).map(([path]) => path)).toEqual([
      'subTasks.0.session.votes',
      'subTasks.0.session.votes',
      'subTasks.0.session.parts.1.key',
      'subTasks.0.session.parts.2.dependsOn',
      'subTasks.0.session.parts.2.dependsOn',
      'subTasks.0.session.parts.2.session.slice.executions',
      'subTasks.0.session.parts.2.session.parts.0.title',
    ])
  })

  it('has parts that do not wait for each other in a circle', () => {
    const parts = [part('x', { dependsOn: ['y'] }), part('y', { dependsOn: ['x'] })]
    expect(wrongs([part('a', child(parts, { pattern: 'SEQUENTIAL' }))])).toEqual([
      ['subTasks.0.session.parts', 'the dependencies go round in a circle: x -> y -> x'],
    ])
  })

  it('has stages that fit', () => {
    const parts = [part('x'), part('y', { inputSchema: true })]
    const [problem] = wrongs([part('a', child(parts, { pattern: 'PIPELINE' }))])
    expect(problem?.[0]).toBe('subTasks.0.session.parts.1.inputSchema')
  })

  it('has parts, and a pattern that exists', () => {
    expect(wrongs([part('a', child([]))])).toEqual([['subTasks.0.session.parts', 'the session "a" has no parts']])
    const message = `the pattern is "CHAOS": it must be one of ${PATTERNS.join(', ')}`
    expect(wrongs([part('a', child([], { pattern: 'CHAOS' as Pattern }))])).toEqual([
      ['subTasks.0.session.pattern', message],
    ])
  })

  it(`is at most on level ${MAX_SESSION_DEPTH}, the first session included`, () => {
    const third = part('c', child([part('d')]))
    const second = part('b', child([third]))
    expect(wrongs([second])).toEqual([])
    const message = 'the session "c" would be on level 4: at most 3 are possible'
    expect(wrongs([part('a', child([second]))])).toEqual([
      ['subTasks.0.session.parts.0.session.parts.0.session', message],
    ])
    expect(wrongs([second], 2)).toEqual([['subTasks.0.session.parts.0.session', message]])
  })

  it(`has at most ${MAX_CHILDREN - 1} others beside it`, () => {
    const many = Array.from({ length: MAX_CHILDREN + 1 }, (_, at) => part(`s${at}`, child([part('x')])))
    expect(wrongs(many.slice(1))).toEqual([])
    expect(wrongs(many)).toEqual([['subTasks', '21 sub-tasks are sessions of their own: at most 20 are possible']])
  })

  it('is done by no agent', () => {
    const change = { ...child([part('x')]), agent: 'one', fallback: ['two'], reserve: { tokens: 1 } }
    expect(wrongs([part('a', change)])).toEqual([
      ['subTasks.0.agent', '"a" is a session, which takes no agent'],
      ['subTasks.0.fallback', '"a" is a session, which takes no fallback'],
      ['subTasks.0.reserve', '"a" is a session, which takes no reserve'],
    ])
  })
})
