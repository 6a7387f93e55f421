import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AgentProfile } from '../../../src/core/agent.ts'
import type { Json } from '../../../src/core/json.ts'
import { readLedger } from '../../../src/core/ledger.ts'
import '../seed.ts'

const agent = (name: string, capabilities: string[]): AgentProfile => {
  return { id: `id-${name}`, name, type: 'CODEGEN', description: '', capabilities, status: 'ONLINE', slots: 1 }
}
const context = {
  taken: ['manage-1', 'before'],
  left: 3,
  agents: [agent('coder', ['write-code']), agent('tester', ['run-tests'])],
  depth: 1,
}
const child = (key: string, more: object = {}): { [key: string]: Json } => {
  return { key, title: `Do ${key}`, description: 'In full', ...more }
}
const ledger = (more: object = {}): { [key: string]: Json } => ({
  satisfied: false,
  looping: false,
  progressing: true,
  next: [child('a')],
  instruction: 'Look at a',
  reasons: ['it is first'],
  ...more,
})
const problemOf = (output: Json, change: Partial<typeof context> = {}): string | undefined => {
  const read = readLedger(output, { ...context, ...change })
  return 'problem' in read ? read.problem : undefined
}

describe('the ledger of a round (HIERARCHICAL)', () => {
  it('is read with what its sub-tasks leave out', () => {
    expect(readLedger(ledger(), context)).toEqual({
      entry: { ...ledger(), next: [{ ...child('a'), capabilities: [], dependsOn: [] }] },
    })
  })

  it('is read with all that its sub-tasks say', () => {
    const next = [
      child('a', {
        capabilities: ['run-tests'],
        dependsOn: ['before', 'b'],
        optional: false,
        input: { n: 1 },
        agent: 'tester',
      }),
      child('b', { session: { pattern: 'PARALLEL', parts: [child('a'), child('c', { agent: 'coder' })] } }),
    ]
    expect(readLedger(ledger({ next }), context)).toEqual({
      entry: {
        ...ledger(),
        next: [
          next[0],
          {
            ...child('b'),
            capabilities: [],
            dependsOn: [],
            session: {
              pattern: 'PARALLEL',
              parts: [
                { ...child('a'), capabilities: [], dependsOn: [] },
                { ...child('c'), agent: 'coder', capabilities: [], dependsOn: [] },
              ],
            },
          },
        ],
      },
    })
  })

  it('delegates nothing once its manager is satisfied', () => {
    const done = ledger({ satisfied: true, next: [] })
    expect(readLedger(done, { ...context, left: 0 })).toEqual({ entry: done })
    expect(problemOf(ledger({ satisfied: true }))).toBe('"satisfied" is true, so "next" must be empty')
  })

  it('delegates something as long as its manager is not satisfied', () => {
    expect(problemOf(ledger({ next: [] }))).toBe('"next" is empty, but "satisfied" is false: delegate something')
  })

  it('delegates no more than is left', () => {
    const next = [child('a'), child('b'), child('c')]
    expect(problemOf(ledger({ next }))).toBeUndefined()
    expect(problemOf(ledger({ next }), { left: 2 })).toBe('"next" has 3 sub-tasks: only 2 may still be delegated')
  })

  it.each<[output: Json, problem: string]>([
    ['done', 'the ledger must be an object'],
    [null, 'the ledger must be an object'],
    [[], 'the ledger must be an object'],
    [
      {},
      'satisfied looping progressing next instruction reasons'
        .split(' ')
        .map((name) => `the ledger has no "${name}"`)
        .join('; '),
    ],
    [ledger({ satisfied: 'no' }), '"satisfied" of the ledger must be true or false'],
    [ledger({ looping: 0 }), '"looping" of the ledger must be true or false'],
    [ledger({ progressing: null }), '"progressing" of the ledger must be true or false'],
    [ledger({ next: {} }), '"next" of the ledger must be a list of sub-tasks'],
    [ledger({ instruction: ['x'] }), '"instruction" of the ledger must be a text'],
    [ledger({ reasons: 'x' }), '"reasons" of the ledger must be a list of texts'],
    [ledger({ reasons: ['x', 1] }), '"reasons" of the ledger must be a list of texts'],
    [
      ledger({ toString: 1 }),
      'the ledger has a field "toString": it may have satisfied, looping, progressing, next, instruction, reasons',
    ],
    [ledger({ next: ['a'] }), '"next"[0] must be an object'],
    [
      ledger({ next: [child('a'), { key: 'b', capabilities: 'x' }] }),
      '"next"[1] has no "title"; "next"[1] has no "description"; "capabilities" of "next"[1] must be a list of texts',
    ],
    [ledger({ next: [child('a', { key: 1 })] }), '"key" of "next"[0] must be a text'],
    [ledger({ next: [child('a', { optional: 'yes' })] }), '"optional" of "next"[0] must be true or false'],
    [ledger({ next: [child('a', { agent: {} })] }), '"agent" of "next"[0] must be a text'],
    [ledger({ next: [child('a', { dependsOn: [1] })] }), '"dependsOn" of "next"[0] must be a list of texts'],
    [
      ledger({ next: [child('a', { gates: [] })] }),
      '"next"[0] has a field "gates": it may have key, title, description, capabilities, dependsOn, agent, optional, input, session',
    ],
    [
      ledger({ next: [child('a', { session: [] })] }),
      '"session" of "next"[0] must be an object with a pattern and parts',
    ],
    [
      ledger({ next: [child('a', { session: { parts: 1 } })] }),
      'the session of "next"[0] has no "pattern"; "parts" of the session of "next"[0] must be a list of sub-tasks',
    ],
    [
      ledger({ next: [child('a', { session: { pattern: 'PARALLEL', parts: [1] } })] }),
      'the parts of "next"[0][0] must be an object',
    ],
    [ledger({ next: [child('before')] }), '"before" is taken: use another key'],
    [ledger({ next: [child('a b')] }), '"a b" is no key: 1 to 64 letters, digits, - and _'],
    [ledger({ next: [child('a'), child('a')] }), '"a" is the key of two sub-tasks'],
    [ledger({ next: [child('a', { title: ' ' })] }), '"a" has no title'],
    [
      ledger({ next: [child('a'), child('b', { dependsOn: ['a', 'z', 'before'] })] }),
      '"b" depends on "z", which is not among manage-1, before, a, b',
    ],
    [ledger({ next: [child('b', { dependsOn: ['before', 'before'] })] }), '"b" depends on "before" twice'],
    [ledger({ next: [child('a'), child('b', { dependsOn: ['a', 'before', 'a'] })] }), '"b" depends on "a" twice'],
    [
      ledger({ next: [child('a', { dependsOn: ['b'] }), child('b', { dependsOn: ['a'] })] }),
      'the dependencies go round in a circle: a -> b -> a',
    ],
    [
      ledger({ next: [child('a', { agent: 'nobody' })] }),
      '"a": There is no enabled agent called nobody: register it, or leave the choice open.',
    ],
    [ledger({ next: [child('a', { capabilities: ['sing'] })] }), '"a": No agent offers sing.'],
    [
      ledger({
        next: [child('a', { session: { pattern: 'PARALLEL', parts: [child('x'), child('y', { agent: 'nobody' })] } })],
      }),
      '"y": There is no enabled agent called nobody: register it, or leave the choice open.',
    ],
    [
      ledger({ next: [child('a', { session: { pattern: 'CHAOS', parts: [child('x')] } })] }),
      'the pattern is "CHAOS": it must be one of SEQUENTIAL, PARALLEL, PIPELINE, HIERARCHICAL',
    ],
    [ledger({ next: [child('a', { session: { pattern: 'PARALLEL', parts: [] } })] }), 'the session "a" has no parts'],
  ])('is handed back with what is wrong: %j', (output, problem) => {
    expect(problemOf(output)).toBe(problem)
  })

  it('names ten problems at most', () => {
    const next = Array.from({ length: 11 }, (_, at) => child(`k${at}`, { agent: 'nobody' }))
    expect(problemOf(ledger({ next }), { left: 20 })?.split('; ')).toHaveLength(10)
  })

  it('begins no session below level 3', () => {
    const session = (parts: Json): object => ({ session: { pattern: 'SEQUENTIAL', parts } })
    const one = ledger({ next: [child('a', session([child('x')]))] })
    expect(problemOf(one, { depth: 2 })).toBeUndefined()
    expect(problemOf(one, { depth: 3 })).toBe('the session "a" would be on level 4: at most 3 are possible')
    const two = ledger({ next: [child('a', session([child('x', session([child('y')]))]))] })
    expect(problemOf(two, { depth: 1 })).toBeUndefined()
    expect(problemOf(two, { depth: 2 })).toBe('the session "x" would be on level 4: at most 3 are possible')
    const endless = Array.from({ length: 6 }).reduce<Json>((inner) => child('x', session([inner])), child('y'))
    expect(problemOf(ledger({ next: [endless] }))).toMatch(/ is a session within too many others$/)
  })

  it('is never read into something that cannot be checked, whatever it is', () => {
    const anything = fc.oneof(
      fc.jsonValue() as fc.Arbitrary<Json>,
      fc.record({ next: fc.array(fc.jsonValue() as fc.Arbitrary<Json>) }).map(ledger),
      fc
        .dictionary(fc.constantFrom('key', 'title', 'session', 'dependsOn', 'x'), fc.jsonValue() as fc.Arbitrary<Json>)
        .map((more) => ledger({ next: [child('a', more)] })),
    )
    fc.assert(
      fc.property(anything, (output) => {
        const read = readLedger(output, context)
        expect('entry' in read ? read.entry.next.length > 0 : read.problem.length > 0).toBe(true)
      }),
    )
  })
})
