import fc from 'fast-check'
import { stripVTControlCharacters } from 'node:util'
import stringWidth from 'string-width'
import { describe, expect, it } from 'vitest'
import { EXECUTION_STATUSES } from '../../src/core/execution.ts'
import { frame } from '../../src/cli/render/frame.ts'
import { colours, noColours } from '../../src/cli/render/paint.ts'
import type { ExecutionView, InterruptView, SessionView } from '../../src/cli/view.ts'
import { planned, START } from './session.ts'

const size = { columns: 80, rows: 40 }
const typed = (args: string): string => `tutti ${args}`
const at = (ms: number) => ({ paint: noColours, now: START + ms, ...size, typed })

function withThese(view: SessionView, changes: Record<string, Partial<ExecutionView>>): SessionView {
  return { ...view, executions: view.executions.map((e) => ({ ...e, ...changes[e.key] })) }
}

describe('the picture of a session in a terminal', () => {
  it('shows each execution with its state, agent, time and last word', () => {
    const view = withThese(planned('analyse', 'test', 'review', 'write', 'release', 'report'), {
      analyse: {
        status: 'ACCEPTED',
        agent: 'structure',
        startedAt: START,
        endedAt: START + 1_200,
        summary: '3 cycles',
      },
      test: { status: 'RUNNING', agent: 'tester', startedAt: START, attempts: 2, line: 'ok 11 - adds' },
      review: { status: 'WAITING', agent: 'reviewer', startedAt: START, attempts: 1, error: 'it fell over' },
      write: { status: 'FAILED', startedAt: START, endedAt: START + 500, error: 'no words' },
      release: { status: 'SKIPPED', cause: 'write' },
    })
    expect(frame(view, at(2_000))).toEqual([
      'Audit the shop',
      'HIERARCHICAL, complexity 4.3 of 10, 6 executions',
      'session 01977e0c-6c1b-7c3e-9f3c-0b1a2c3d4e5f',
      '  3 parts.',
      '  The longest chain has 2 steps.',
      '',
      '✔ analyse structure Do analyse 1.2 s',
      '  └ 3 cycles',
      '⠋ test    tester    Do test 2.0 s, attempt 2',
      '  └ ok 11 - adds',
      '… review  reviewer  Do review',
      '  └ waits to be tried again: it fell over',
      '✖ write             Do write 0.5 s',
      '  └ no words',
      '↷ release           Do release',
      '  └ skipped because of write',
      '· report            Do report',
    ])
  })

  it('says what waits for a person, with the command that answers it, before everything else', () => {
    const question = (number: number): InterruptView => ({
      id: `${number}0000000-0000-8000-8000-000000000000`,
      kind: 'QUESTION',
      question: `Which\none, ${number}?`,
      key: number === 1 ? null : 'test',
    })
    const view = withThese(planned('test', 'review'), {
      test: { status: 'WAITING', asks: 'Which one, 2?' },
      review: { status: 'READY', rejected: 'too short' },
    })
    expect(frame({ ...view, interrupts: [1, 2].map(question) }, at(0)).slice(5)).toEqual([
      'waits for you: tutti approve 10000000   Which one, 1?',
      'waits for you: tutti approve 20000000   test: Which one, 2?',
      '',
      '… test   Do test',
      '  └ waits for an answer: Which one, 2?',
      '· review Do review',
      '  └ again, because it was rejected: too short',
    ])
    expect(frame({ ...view, interrupts: [1, 2, 3, 4, 5].map(question) }, at(0))[8]).toBe(
      'waits for you: 2 more questions, see tutti approve',
    )
  })

  it('says that it is paused, with the command that goes on, and that it is being stopped or rolled back', () => {
    const view = planned('test')
    const shown = (changes: Partial<SessionView>): string | undefined => frame({ ...view, ...changes }, at(0))[5]
    expect(shown({ status: 'PAUSED' })).toBe(`paused: tutti resume ${view.id} goes on`)
    expect(shown({ status: 'CANCELING', reason: 'wrong\nbranch' })).toBe('stopping: wrong branch')
    expect(shown({ status: 'ROLLING_BACK' })).toBe('rolling back')
    expect(shown({ status: 'RUNNING', reason: 'lunch' })).toBe('')
  })

  it('turns while an execution runs, and lets its time grow', () => {
    const view = withThese(planned('test'), { test: { status: 'RUNNING', startedAt: START } })
    expect([0, 100, 59_000].map((ms) => frame(view, at(ms)).at(-1))).toEqual([
      '⠋ test Do test 0 ms',
      '⠙ test Do test 0.1 s',
      '⠋ test Do test 59 s',
    ])
  })

  it('goes on turning, with its time and its last word, while gates look at the result', () => {
    const view = withThese(planned('test'), {
      test: { status: 'VALIDATING', startedAt: START, attempts: 1, line: 'ok 11 - adds' },
    })
    expect(frame(view, at(59_000)).slice(-2)).toEqual(['⠋ test Do test 59 s', '  └ ok 11 - adds'])
    // So it is none of those that wait, either.
    const low = frame(withThese(planned('test', 'write'), { test: { status: 'VALIDATING', startedAt: START } }), {
      ...at(0),
      rows: 9,
    })
    expect(low.slice(6)).toEqual(['⠋ test  Do test 0 ms', '· write Do write'])
  })

  it('leaves out what has settled and then what waits when the terminal is low', () => {
    const keys = Array.from({ length: 20 }, (_, index) => `part${index}`)
    const view = withThese(planned(...keys), {
      part0: { status: 'ACCEPTED', summary: 'done' },
      part1: { status: 'ACCEPTED', summary: 'done' },
      part2: { status: 'RUNNING', startedAt: START, line: 'busy' },
    })
    expect(frame(view, { ...at(0), rows: 13 }).slice(6)).toEqual([
      '  2 executions settled',
      '⠋ part2  Do part2 0 ms',
      '  └ busy',
      '  17 executions waiting',
    ])
  })

  it('leaves out only what settled executions came to when that is enough', () => {
    const view = withThese(planned('one', 'two'), {
      one: { status: 'ACCEPTED', summary: 'done' },
      two: { status: 'RUNNING', startedAt: START, line: 'busy' },
    })
    expect(frame(view, { ...at(0), rows: 10 }).slice(6)).toEqual(['✔ one Do one', '⠋ two Do two 0 ms', '  └ busy'])
  })

  it('fits every terminal, whatever it is to show', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 60 })
    const execution = fc.record({
      status: fc.constantFrom(...EXECUTION_STATUSES),
      title: text,
      agent: fc.option(text),
      line: fc.option(text),
      error: fc.option(text),
      summary: fc.option(text),
    })
    fc.assert(
      fc.property(
        fc.array(execution, { maxLength: 30 }),
        text,
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 60 }),
        fc.constantFrom(colours, noColours),
        (executions, title, columns, rows, paint) => {
          const bare = planned(...executions.map((_, index) => `part${index}`))
          const view = {
            ...bare,
            title,
            executions: bare.executions.map((e, index) => ({ ...e, ...executions[index] })),
          }
          const lines = frame(view, { paint, now: START, columns, rows, typed })
          expect(lines.length).toBeLessThanOrEqual(Math.max(1, rows - 1))
          for (const line of lines) {
            expect(stripVTControlCharacters(line)).not.toMatch(/\p{Cc}/u)
            expect(stringWidth(line)).toBeLessThanOrEqual(Math.max(1, columns - 1))
          }
        },
      ),
      { numRuns: 200 },
    )
  })
})
