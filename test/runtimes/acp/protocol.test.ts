import { describe, expect, it } from 'vitest'
import { expectNothingLeft, perform } from '../../contracts/runtime.suite.ts'
import { agentThat, run } from './agentThat.ts'
import type { Given, Step } from './agentThat.ts'

describe('an agent that does not keep to the protocol', () => {
  const failing = async (steps: Step[], given: Given = {}) => {
    const { outcome, work, activities } = await run(steps, given)
    expectNothingLeft(work, [])
    return { outcome, activities }
  }

  it('may print something else now and then', async () => {
    const { activities, outcome } = await failing([
      { raw: 'Welcome!\n{"not": "a message"}\n[]\n{"jsonrpc":"2.0","id":77,"result":null}\n' },
      { say: 'ok' },
    ])
    expect(activities.map(({ kind, text }) => `${kind} ${text}`).slice(0, 2)).toEqual([
      'OUTPUT Welcome!',
      'OUTPUT {"not": "a message"}',
    ])
    expect(outcome).toMatchObject({ kind: 'OK', output: { answer: 'ok' } })
  })

  it('is ended when it prints nothing else', async () => {
    const { outcome } = await failing([{ raw: 'nonsense\n'.repeat(50) }, { sleep: true }], {
      limits: { strayLines: 20 },
    })
    expect(outcome).toMatchObject({
      kind: 'ERROR',
      error: { class: 'AGENT', message: expect.stringMatching(/no message of the protocol.*nonsense/) },
    })
  })

  it('is ended when a message is too large', async () => {
    const { outcome } = await failing([{ 'say so much': 200_000 }, { sleep: true }], {
      limits: { messageBytes: 100_000 },
    })
    expect(outcome).toMatchObject({
      kind: 'ERROR',
      error: { class: 'TOO_LARGE', message: expect.stringContaining('100000 bytes') },
    })
  })

  it('waits for answers when it asks for very many things at once', async () => {
    const { outcome } = await failing([{ requests: 2_000 }, { say: 'ok' }], { limits: { requests: 4 } })
    expect(outcome).toMatchObject({ kind: 'OK' })
  })

  it.each([
    ['speaks another version', [], { open: { version: 99 } }, 'VALIDATION', /version 99/],
    [
      'does not have the mode',
      [],
      { definition: { mode: 'careful' } },
      'VALIDATION',
      /no mode "careful".*auto, default/,
    ],
    ['answers with an error', [{ fail: { code: -32603, message: 'no model' } }], {}, 'AGENT', /-32603: no model/],
    ['has too much to do', [{ fail: { code: 429, message: 'slow down' } }], {}, 'RATE_LIMIT', /slow down/],
    ['is killed', [{ signal: 'SIGKILL' }], {}, 'CRASH', /SIGKILL/],
  ] as [string, Step[], Given, string, RegExp][])('and %s is told so', async (_, steps, given, errorClass, message) => {
    const { outcome } = await failing(steps, given)
    expect(outcome).toMatchObject({
      kind: 'ERROR',
      error: { class: errorClass, message: expect.stringMatching(message) },
    })
  })

  it('is signed in by a person, who is asked once', async () => {
    const { runtime, work } = agentThat([], { open: { auth: true } })
    const { outcome } = await perform(runtime, work)
    expect(outcome).toMatchObject({
      kind: 'ASK',
      ask: { kind: 'AUTH', question: expect.stringContaining('with a key') },
    })
    const question = outcome.kind === 'ASK' ? outcome.ask.question : ''
    const again = await perform(runtime, { ...work, replies: [{ question, text: 'done', data: null }] })
    expect(again.outcome).toMatchObject({ kind: 'ERROR', error: { class: 'AUTH' } })
  })
})
