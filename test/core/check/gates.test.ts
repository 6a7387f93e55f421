import { describe, expect, it } from 'vitest'
import { checkSubTasks } from '../../../src/core/check.ts'
import type { Gate } from '../../../src/core/gate.ts'
import { part } from '../sessions.ts'

/** What is wrong with the gates of a sub-task, each with its path below them. */
function wrongs(...gates: object[]): [path: string, message: string][] {
  return checkSubTasks([part('a', { gates: gates as Gate[] })], 'AUTO').map(({ path, message }) => {
    expect(path.slice(0, 3)).toEqual(['subTasks', '0', 'gates'])
    return [path.slice(3).join('.'), message]
  })
}

describe('E44: gates that a caller asks for', () => {
  it.each<Gate>([
    { kind: 'SCHEMA', schema: { type: 'object' } },
    { kind: 'COMMAND', command: 'test' },
    { kind: 'TEST_REPORT', minPassed: 0, maxFailed: 1_000_000 },
    { kind: 'FILES', exist: ['a.txt', './b/..c', 'd..e'] },
    { kind: 'FILES', changed: ['src/index.ts'] },
    { kind: 'EVIDENCE', minArtifacts: 1 },
    { kind: 'EVIDENCE', kinds: ['tests'] },
    { kind: 'JUDGE', criteria: 'x'.repeat(10_000), agent: 'judge' },
    { kind: 'PERSON', question: 'May it go out?', role: 'APPROVER', expiresMs: 1, onExpiry: 'REJECT' },
    { kind: 'PERSON', question: '?', expiresMs: 2 ** 31 - 1 },
  ])('are taken when they can be enforced: %j', (gate) => {
    expect(wrongs(gate)).toEqual([])
  })

  it('are of kinds that exist', () => {
    expect(wrongs({ kind: 'COMMAND', command: 'test' }, { kind: 'LUCK' }, {})).toEqual([
      [
        '1.kind',
        'the kind of a gate is "LUCK": it must be one of SCHEMA, COMMAND, TEST_REPORT, FILES, EVIDENCE, JUDGE, PERSON',
      ],
      ['2.kind', expect.stringMatching(/^the kind of a gate is undefined: /)],
    ])
  })

  it('have no fields that their kind does not know, and all that it needs', () => {
    expect(wrongs({ kind: 'TEST_REPORT', minPassed: 1, strict: true })).toEqual([
      ['0.maxFailed', 'a gate of kind TEST_REPORT needs maxFailed'],
      ['0.strict', 'a gate of kind TEST_REPORT has no strict: it knows minPassed, maxFailed'],
    ])
    expect(wrongs({ kind: 'JUDGE', criteria: 'good', agent: undefined })).toEqual([])
  })

  it.each(['FILES', 'EVIDENCE'])('ask for something: %s', (kind) => {
    const [[path, message], ...others] = wrongs({ kind }) as [[string, string]]
    expect(others).toEqual([])
    expect(path).toBe('0')
    expect(message).toMatch(new RegExp(`^a gate of kind ${kind} that asks for nothing lets everything pass: it knows `))
  })

  it('are at most 20', () => {
    const many = Array.from({ length: 21 }, () => ({ kind: 'COMMAND', command: 'test' }))
    expect(wrongs(...many.slice(1))).toEqual([])
    expect(wrongs(...many)).toEqual([['', '21 gates are more than the limit of 20']])
  })

  it('check against schemas that are some', () => {
    const [[path, message]] = wrongs({ kind: 'SCHEMA', schema: { type: 'wish' } }) as [[string, string]]
    expect(path).toBe('0.schema')
    expect(message).toMatch(/^schema is no schema that can be checked: .*type/)
  })

  it.each([
    [{ minPassed: -1, maxFailed: 0 }, 'minPassed is -1: it must be a whole number from 0 to 1000000'],
    [{ minPassed: 0, maxFailed: 0.5 }, 'maxFailed is 0.5: it must be a whole number from 0 to 1000000'],
    [{ minPassed: '1', maxFailed: 0 }, 'minPassed is "1": it must be a whole number from 0 to 1000000'],
  ])('count tests in whole numbers: not %j', (numbers, message) => {
    expect(wrongs({ kind: 'TEST_REPORT', ...numbers }).map(([, text]) => text)).toEqual([message])
  })

  it.each(['/etc/passwd', '../x', 'a/../../b', 'a\\..\\b', '..', '~/x', '\\\\host\\x', 'C:\\x', 'c:x', 'a\0b'])(
    'look at files inside the workspace: not at %j',
    (path) => {
      const message = `exist holds "${path}": paths are relative to the workspace and stay in it`
      expect(wrongs({ kind: 'FILES', exist: ['fine', path] })).toEqual([['0.exist', message]])
      expect(wrongs({ kind: 'FILES', changed: [path] })).toHaveLength(1)
    },
  )

  it.each([
    [{ kind: 'FILES', exist: [] }, 'exist must be a list that holds something'],
    [{ kind: 'FILES', exist: 'a.txt' }, 'exist must be a list that holds something'],
    [{ kind: 'FILES', exist: [''] }, 'exist must say something'],
    [{ kind: 'FILES', exist: ['x'.repeat(1_001)] }, 'exist has 1001 characters: at most 1000 are possible'],
    [{ kind: 'EVIDENCE', kinds: [7] }, 'kinds must say something'],
    [{ kind: 'EVIDENCE', minArtifacts: null }, 'minArtifacts is null: it must be a whole number from 0 to 1000000'],
    [{ kind: 'COMMAND', command: ' ' }, 'command must say something'],
    [{ kind: 'JUDGE', criteria: '' }, 'criteria must say something'],
    [{ kind: 'JUDGE', criteria: 'x'.repeat(10_001) }, 'criteria has 10001 characters: at most 10000 are possible'],
    [{ kind: 'JUDGE', criteria: 'good', agent: '' }, 'agent must say something'],
    [{ kind: 'PERSON', question: '\n' }, 'question must say something'],
    [{ kind: 'PERSON', question: 'x'.repeat(10_001) }, 'question has 10001 characters: at most 10000 are possible'],
    [
      { kind: 'PERSON', question: '?', role: 'KING' },
      'role is "KING": it must be one of VIEWER, OPERATOR, APPROVER, AGENT, ADMIN',
    ],
    [{ kind: 'PERSON', question: '?', expiresMs: 0 }, 'expiresMs is 0: it must be a whole number from 1 to 2147483647'],
    [
      { kind: 'PERSON', question: '?', expiresMs: 2 ** 31 },
      'expiresMs is 2147483648: it must be a whole number from 1 to 2147483647',
    ],
    [{ kind: 'PERSON', question: '?', onExpiry: 'SHRUG' }, 'onExpiry is "SHRUG": it must be one of APPROVE, REJECT'],
  ])('say what they mean: not %j', (gate, message) => {
    expect(wrongs(gate)).toEqual([[`0.${message.split(' ')[0]}`, message]])
  })
})
