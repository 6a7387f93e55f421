import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkSubTasks, MAX_SUB_TASKS } from '../../src/core/check.ts'
import type { AgentType } from '../../src/core/agent.ts'
import { PATTERNS, type SubTask } from '../../src/core/plan.ts'
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
    'rule 9: have limits that can be enforced, not %j',
    (change, path, message) => {
      const problems = checkSubTasks([part('a', change)], 'AUTO')
      expect(problems).toEqual([problem(`subTasks.0.${path}`, `${path} of "a" is ${message}`)])
    },
  )

  it('are told everything that is wrong with them at once', () => {
    const parts = [part('a b', { title: '' }), part('c', { dependsOn: ['d'], timeouts: { idleMs: 0 } })]
    const paths = checkSubTasks(parts, 'PARALLEL').map(({ path }) => path.slice(1).join('.'))
    expect(paths).toEqual(['0.key', '0.title', '1.dependsOn', '1.timeouts.idleMs', '1.dependsOn'])
  })

  it('can be compiled whenever no problem is found', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'constructor', '1', '__proto__')
    const subTask = fc.record({ key, dependsOn: fc.array(key, { maxLength: 2 }) })
    const parts = fc
      .array(subTask, { maxLength: 5 })
      .map((list) => list.map(({ key: k, dependsOn }) => part(k, { dependsOn })))
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
