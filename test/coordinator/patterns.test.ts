import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventsOf } from '../database.ts'
import { HOUSES, type House, openHouse } from '../house.ts'

describe.each(HOUSES)('sessions on $store with a bus in $bus', (kind) => {
  let house: House
  beforeAll(async () => {
    house = await openHouse(kind)
  })
  afterAll(() => house.close())

  const parts = (count: number, input: object) => Array.from({ length: count }, () => ({ input: { ...input } }))

  it('runs five executions of one second in a sequence in five, each after the one before', async () => {
    const sleeps = Array.from({ length: 5 }, () => ({ capabilities: ['sleep-a-second'] }))
    const session = await house.end(await house.start(sleeps, { pattern: 'SEQUENTIAL' }))
    expect(session.status).toBe('SUCCEEDED')
    const { startedAt = 0, endedAt = 0 } = session
    expect(endedAt - startedAt).toBeGreaterThanOrEqual(5_000)
    const executions = Object.values(session.executions)
    for (const [index, execution] of executions.entries()) {
      expect(execution.startedAt).toBeGreaterThanOrEqual(executions[index - 1]?.endedAt ?? 0)
    }
  })

  it('hands the second stage of a pipeline the output and the artifacts of the first, and no others', async () => {
    const id = await house.start([{ key: 'one' }, { key: 'two' }, { key: 'three' }], { pattern: 'PIPELINE' })
    const { executions } = await house.end(id)
    const given = (key: string): unknown => executions[key]?.output
    expect(given('one')).toMatchObject({ upstream: [] })
    const one = { key: 'one', status: 'ACCEPTED', output: { key: 'one' } }
    const note = { name: 'note.txt', text: 'a note of one' }
    expect(given('two')).toMatchObject({ upstream: [{ ...one, artifacts: [note] }] })
    expect(given('three')).toMatchObject({ upstream: [{ key: 'two' }] })
  })

  it('gives a sequence every earlier output', async () => {
    const id = await house.start([{ key: 'one' }, { key: 'two' }, { key: 'three' }], { pattern: 'SEQUENTIAL' })
    const { executions, output } = await house.end(id)
    expect(executions['three']?.output).toMatchObject({ upstream: [{ key: 'one' }, { key: 'two' }] })
    expect(output).toEqual(executions['three']?.output)
  })

  it('runs a mixed graph as a hierarchy: each part once what it depends on is accepted', async () => {
    const id = await house.start([
      { key: 'a' },
      { key: 'b' },
      { key: 'c', dependsOn: ['a', 'b'] },
      { key: 'd', dependsOn: ['c'] },
      { key: 'e', dependsOn: ['c'] },
    ])
    const session = await house.end(id)
    expect(session).toMatchObject({ pattern: 'HIERARCHICAL', status: 'SUCCEEDED' })
    const at = (key: string) => session.executions[key] as { startedAt: number; endedAt: number }
    expect(at('c').startedAt).toBeGreaterThanOrEqual(Math.max(at('a').endedAt, at('b').endedAt))
    expect(at('d').startedAt).toBeGreaterThanOrEqual(at('c').endedAt)
    expect(session.output).toMatchObject([{ branch: 'a', status: 'ACCEPTED' }, {}, {}, {}, {}])
  })

  it('E45: keeps what branches have done when one of them fails, and names it', async () => {
    const id = await house.start([{ key: 'good' }, { key: 'bad', input: { exit: 3 }, retry: { maxAttempts: 1 } }], {
      pattern: 'PARALLEL',
    })
    const session = await house.end(id)
    expect(session.status).toBe('FAILED')
    expect(session.reason).toContain('bad failed')
    expect(session.executions['good']?.status).toBe('ACCEPTED')
    expect(session.executions['bad']?.error?.message).toContain('bad was told to fail')
    expect(session.output).toMatchObject([
      { branch: 'good', status: 'ACCEPTED' },
      { branch: 'bad', status: 'FAILED' },
    ])
  })

  it('E49: is PARTIAL when only what is optional is missing', async () => {
    const bad = { key: 'bad', optional: true, input: { exit: 1 }, retry: { maxAttempts: 1 } }
    const session = await house.end(await house.start([{ key: 'good' }, bad], { pattern: 'PARALLEL' }))
    expect(session.status).toBe('PARTIAL')
  })

  it('E14: skips what comes after a failure and says because of whom', async () => {
    const first = { key: 'first', input: { exit: 1 }, retry: { maxAttempts: 1 } }
    const session = await house.end(await house.start([first, { key: 'second' }], { pattern: 'SEQUENTIAL' }))
    expect(session.status).toBe('FAILED')
    expect(session.executions['second']).toMatchObject({
      status: 'SKIPPED',
      causeId: session.executions['first']?.id,
      attempt: 0,
    })
  })

  it('E25: tries a failed attempt again after a pause', async () => {
    const flaky = { key: 'flaky', input: { failTimes: 2 }, retry: { initialMs: 10, maxAttempts: 3 } }
    const session = await house.end(await house.start([flaky]))
    expect(session.status).toBe('SUCCEEDED')
    expect(session.executions['flaky']).toMatchObject({ status: 'ACCEPTED', attempt: 3, output: { attempt: 3 } })
    const attempts = await house.database.prisma.attempt.findMany({
      where: { sessionId: session.id },
      orderBy: { number: 'asc' },
    })
    expect(attempts.map(({ status, retryable }) => [status, retryable])).toEqual([
      ['ERROR', true],
      ['ERROR', true],
      ['OK', null],
    ])
  })

  it('E32: ends an attempt that takes too long, and says so', async () => {
    const slow = { key: 'slow', input: { sleepMs: 60_000 }, timeouts: { attemptMs: 300 }, retry: { maxAttempts: 1 } }
    const session = await house.end(await house.start([slow]))
    expect(session.status).toBe('FAILED')
    expect(session.executions['slow']?.current).toMatchObject({ status: 'TIMEOUT', timeout: 'ATTEMPT' })
  })

  it('E33: ends a session that takes too long, and says so', async () => {
    const id = await house.start(parts(2, { sleepMs: 60_000 }), { pattern: 'SEQUENTIAL', limits: { totalMs: 500 } })
    const session = await house.end(id)
    expect(session.status).toBe('TIMED_OUT')
    expect(session.reason).toContain('500 ms')
  })

  it('E18: keeps to the limit of the session', async () => {
    const id = await house.start(parts(4, { sleepMs: 200 }), { pattern: 'PARALLEL', limits: { concurrency: 2 } })
    const { executions } = await house.end(id)
    const spans = Object.values(executions).filter(({ attempt }) => attempt > 0)
    for (const { startedAt = 0 } of spans) {
      const at = spans.filter((other) => (other.startedAt ?? 0) <= startedAt && startedAt < (other.endedAt ?? 0))
      expect(at.length).toBeLessThanOrEqual(2)
    }
  })

  it('E100: numbers events 1 to n, and folding them gives the rows', async () => {
    const id = await house.start([{ key: 'a' }, { key: 'b', dependsOn: ['a'] }, { key: 'c', input: { exit: 1 } }], {
      maxAttempts: 1,
    })
    const session = await house.end(id)
    const events = await eventsOf(house.database, id)
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1))
    expect(session.seq).toBe(events.length)
    const folded = new Map<string, string>()
    for (const { type, executionId } of events) {
      const [, subject, status] = /^(SESSION|EXECUTION)_(.*)$/.exec(type) ?? []
      if (subject) folded.set(subject === 'SESSION' ? id : (executionId as string), status as string)
    }
    expect(folded.get(id)).toBe(session.status)
    for (const execution of Object.values(session.executions)) expect(folded.get(execution.id)).toBe(execution.status)
    expect(
      events.filter(({ type }) => /^SESSION_(SUCCEEDED|PARTIAL|FAILED|CANCELED|TIMED_OUT)$/.test(type)),
    ).toHaveLength(1)
  })

  it('stores what agents showed in order, and their artifacts under the hash of what they hold', async () => {
    const session = await house.end(await house.start([{ key: 'only' }]))
    const executionId = session.executions['only']?.id as string
    const shown = await house.database.prisma.activity.findMany({ where: { executionId } })
    expect(shown).toMatchObject([{ seq: 1, kind: 'OUTPUT', stream: 'stdout', text: 'working on only' }])
    const [artifact] = await house.database.prisma.artifact.findMany({ where: { executionId } })
    expect(artifact).toMatchObject({ name: 'note.txt', size: 14 })
    expect(house.artifacts.path(artifact?.sha256 ?? '')).toContain(artifact?.sha256)
  })
})
