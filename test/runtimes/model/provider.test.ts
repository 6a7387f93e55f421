import { describe, expect, it } from 'vitest'
import type { ModelDefinitionInput } from '../../../src/runtimes/model/definition.ts'
import { drain, perform, readUntilReady, waitFor } from '../../contracts/runtime.suite.ts'
import { startModelStub, type Turns } from '../../fixtures/model/stub.ts'
import { call, openHouse } from './house.ts'

const { asked, runtimeOf, stub, workOf } = await openHouse()
const quick = { 'retry-after-ms': '1' }

describe('a provider', () => {
  it('that is busy or fails for a moment is asked again', async () => {
    const turns: Turns = [{ status: 429, headers: quick }, { status: 503, headers: quick }, { text: 'at last' }]
    const { outcome } = await perform(runtimeOf({ maxRetries: 2 }, turns), workOf())
    expect(outcome).toMatchObject({ kind: 'OK', output: 'at last', usage: { inputTokens: 10 } })
    expect(asked()).toHaveLength(3)
  })

  it.each([
    [{ status: 429, headers: quick }, 'RATE_LIMIT', 2],
    [{ status: 500, headers: quick }, 'UNAVAILABLE', 2],
    [{ status: 401 }, 'AUTH', 1],
    [{ status: 402 }, 'BUDGET', 1],
    [{ status: 404, message: 'no such model' }, 'VALIDATION', 1],
    [{ status: 400, message: 'maximum context length is 8192 tokens' }, 'TOO_LARGE', 1],
    [{ garbage: '<html>hello</html>' }, 'UNAVAILABLE', 1],
    [{ garbage: 'data: {"choices": 7}\n\n' }, 'UNAVAILABLE', 1],
    [{ garbage: '' }, 'UNAVAILABLE', 1],
    [{ text: 'half', finish: 'length' }, 'TOO_LARGE', 1],
    [{ text: 'half', finish: 'content_filter' }, 'AGENT', 1],
  ] as const)('that answers %j is an error of class %s', async (turn, errorClass, requests) => {
    const { outcome } = await perform(runtimeOf({ maxRetries: 1 }, [turn]), workOf())
    expect(outcome).toMatchObject({ kind: 'ERROR', error: { class: errorClass } })
    expect(asked()).toHaveLength(requests)
  })

  it('that is not there is an error of class UNAVAILABLE', async () => {
    const gone = await startModelStub()
    await gone.stop()
    const { outcome } = await perform(runtimeOf({ baseURL: gone.baseURL, maxRetries: 0 }), workOf())
    expect(outcome).toMatchObject({ kind: 'ERROR', error: { class: 'UNAVAILABLE' } })
  })

  it('hears no more of an attempt that is canceled', async () => {
    const runtime = runtimeOf({}, [{ hang: true, text: 'ready\n' }])
    const controller = new AbortController()
    const attempt = runtime.run(workOf(), controller.signal)
    await readUntilReady(attempt)
    const before = stub.abandoned()
    controller.abort()
    const { outcome } = await drain(attempt)
    expect(outcome).toMatchObject({ kind: 'CANCELED', usage: { inputTokens: expect.any(Number), outputTokens: 2 } })
    await waitFor(() => stub.abandoned() === before + 1)
    expect(asked()).toHaveLength(1)
  })

  it('is asked for nothing any more after cancels at random moments', async () => {
    const runtime = runtimeOf({}, (request) => (request.index % 2 === 0 ? call('list', {}) : { hang: true, text: 'x' }))
    const begun = asked().length
    const moments = Array.from({ length: 30 }, (_, index) => (index * 7) % 60)
    const outcomes = await Promise.all(
      moments.map((ms) => perform(runtime, workOf({ runtimeConfig: { model: 'it' } }), AbortSignal.timeout(ms + 1))),
    )
    expect(new Set(outcomes.map(({ outcome }) => outcome.kind))).toEqual(new Set(['CANCELED']))
    await waitFor(() => stub.open() === 0)
    const { length } = asked()
    expect(length).toBeGreaterThanOrEqual(begun)
    expect(await runtime.check({ model: 'it' })).toBeUndefined()
    expect(asked()).toHaveLength(length)
  })

  it('that talks without an end is stopped', async () => {
    const runtime = runtimeOf({}, [{ flood: 'lorem ipsum\n'.repeat(100) }], { answerCharacters: 200_000, lines: 50 })
    const { outcome, activities } = await perform(runtime, workOf())
    expect(outcome).toMatchObject({ kind: 'ERROR', error: { class: 'TOO_LARGE' } })
    expect(activities).toHaveLength(51)
    expect(activities.at(-1)?.text).toContain('50 lines shown')
  })
})

describe('usage', () => {
  const price = { input: 3, output: 15, cachedInput: 0.3 }

  it('is counted with its cost, also of an attempt that fails', async () => {
    const runtime = runtimeOf({ price, maxRetries: 0 }, [
      { ...call('list', {}), usage: { input: 1_000_000, output: 100_000, cached: 400_000 } },
      { status: 500 },
    ])
    const { outcome } = await perform(runtime, workOf())
    expect(outcome).toMatchObject({ kind: 'ERROR', usage: { inputTokens: 1_000_000, outputTokens: 100_000 } })
    expect(outcome.usage.cost).toBeCloseTo(0.6 * 3 + 0.4 * 0.3 + 0.1 * 15)
  })

  it('is estimated where the provider does not tell it, and said to be', async () => {
    const { outcome, activities } = await perform(runtimeOf({}, [{ text: 'x'.repeat(300), usage: null }]), workOf())
    expect(outcome.usage.outputTokens).toBe(100)
    expect(outcome.usage.inputTokens).toBeGreaterThan(300)
    expect(activities.at(-1)).toMatchObject({ kind: 'USAGE', text: expect.stringContaining('partly estimated') })
  })

  it('ends an attempt whose tokens are used up, before it asks again', async () => {
    const runtime = runtimeOf({}, [{ ...call('list', {}), usage: { input: 9_000, output: 900 } }, { text: 'done' }])
    const { outcome } = await perform(runtime, workOf({ allowance: { tokens: 10_000, cost: null } }))
    expect(outcome).toMatchObject({ kind: 'ERROR', error: { class: 'BUDGET' }, usage: { inputTokens: 9_000 } })
    expect(asked()).toHaveLength(1)
    expect(asked()[0]?.body['max_tokens']).toBeLessThan(10_000)
  })

  it('ends an attempt whose money is used up', async () => {
    const runtime = runtimeOf({ price }, [
      { ...call('list', {}), usage: { input: 100_000, output: 0 } },
      { text: 'done' },
    ])
    const { outcome } = await perform(runtime, workOf({ allowance: { tokens: null, cost: 0.25 } }))
    expect(outcome).toMatchObject({
      kind: 'ERROR',
      error: { class: 'BUDGET', message: expect.stringContaining('$0.3') },
    })
    expect(asked()).toHaveLength(1)
  })

  it('of a model without a price cannot be held to a limit of cost, which is said before anything is asked', async () => {
    const { outcome } = await perform(runtimeOf(), workOf({ allowance: { tokens: null, cost: 1 } }))
    expect(outcome).toMatchObject({
      kind: 'ERROR',
      error: { class: 'VALIDATION', message: expect.stringContaining('price') },
    })
    expect(asked()).toEqual([])
  })
})

describe('check', () => {
  it('accepts a model whose key is there, without asking its provider', async () => {
    expect(await runtimeOf({ apiKeyEnv: 'STUB_KEY' }).check({ model: 'it' })).toBeUndefined()
    expect(asked()).toEqual([])
  })

  it.each([
    [{ apiKeyEnv: 'NO_KEY' }, { model: 'it' }, /NO_KEY is not set: start the server with it/],
    [{ provider: 'anthropic' as const }, { model: 'it' }, /ANTHROPIC_API_KEY is not set/],
    [{}, { model: 'other' }, /There is no model "other"; there is: it\./],
    [{}, {}, /must be \{"model"/],
  ])('says what is wrong with %j as %j', async (change, runtimeConfig, reason) => {
    expect(await runtimeOf(change).check(runtimeConfig)).toMatch(reason)
  })

  it('asks the provider where the operator wants that, and not again for a while', async () => {
    const other = await startModelStub()
    const runtime = runtimeOf({ baseURL: other.baseURL, pingMs: 600_000 })
    expect(await runtime.check({ model: 'it' })).toBeUndefined()
    await other.stop()
    expect(await runtime.check({ model: 'it' })).toBeUndefined()
    const late = runtimeOf({ baseURL: other.baseURL, pingMs: 600_000 })
    expect(await late.check({ model: 'it' })).toMatch(/cannot be reached/)
  })

  it('refuses definitions that could not work', () => {
    const wrong: [Partial<ModelDefinitionInput>, string][] = [
      [{ baseURL: undefined as never }, 'is needed'],
      [{ baseURL: 'file:///etc/passwd' }, 'baseURL'],
      [{ tools: ['run'] }, 'names what the tool run may run'],
      [{ approve: ['write'] }, 'names tools that it has'],
      [{ tools: ['run'], commands: { x: { argv: ['x'], arguments: ['('] } } }, 'is no regular expression'],
      [{ apiKeyEnv: 'sk-123' }, 'is the name of an environment variable'],
    ]
    for (const [change, reason] of wrong) expect(() => runtimeOf(change)).toThrow(reason)
  })
})
