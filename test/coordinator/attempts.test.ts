import { once } from 'node:events'
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Json } from '../../src/core/json.ts'
import type { SubTask } from '../../src/core/plan.ts'
import type { SessionState } from '../../src/core/state.ts'
import { eventsOf } from '../database.ts'
import { HOUSES, type House, openHouse } from '../house.ts'
import { faulty, type Statement, writes } from './faulty.ts'
import { inside, ok, untilStopped } from './inside.ts'

describe.each(HOUSES)('an attempt on $store', (kind) => {
  const agent = inside()
  const faults = faulty()
  let house: House
  beforeAll(async () => {
    house = await openHouse(kind, { runtime: agent, between: faults.between })
  })
  afterAll(() => house.close())
  beforeEach(() => {
    faults.heal()
    agent.renew()
  })

  const part: Partial<SubTask> = { key: 'a', capabilities: ['inside'], retry: { maxAttempts: 2, initialMs: 10 } }
  const run = async (): Promise<SessionState> => house.end(await house.start([part]))
  const workFolder = (): string => join(house.dataDir, 'work')
  const left = (): string[] => (existsSync(workFolder()) ? readdirSync(workFolder()) : [])
  const file = (name: string) => ({ name, kind: 'FILE' as const, mediaType: 'text/plain' })
  const error = (session: SessionState) => session.executions['a']?.error

  describe('that goes wrong in our own hands fails and is tried again, and does not wait for its lease,', () => {
    it('when there can be no folder for its results', async () => {
      rmSync(workFolder(), { recursive: true, force: true })
      writeFileSync(workFolder(), 'in the way')
      const session = await run()
      rmSync(workFolder())
      expect(session).toMatchObject({ status: 'FAILED', executions: { a: { attempt: 2 } } })
      expect(error(session)).toMatchObject({ class: 'CRASH', message: expect.stringContaining('work') })
    })

    it('when a file that it named is gone', async () => {
      agent.script = () => ok('done', [file('gone.txt')])
      const session = await run()
      expect(error(session)?.message).toContain('gone.txt cannot be kept')
      expect(session.executions['a']?.attempt).toBe(2)
    })

    it('when it named a file outside of its folder', async () => {
      agent.script = () => ok('done', [file('../../secret.txt')])
      expect(error(await run())?.message).toContain('outside of its folder')
    })

    it('when its runtime throws', async () => {
      agent.script = () => {
        throw new Error('a bug in the runtime')
      }
      expect(error(await run())?.message).toContain('a bug in the runtime')
    })
  })

  describe('whose result cannot be stored fails for good and says so,', () => {
    it('when two files have one name', async () => {
      agent.script = ({ outputDir }) => {
        writeFileSync(join(outputDir, 'one.txt'), '1')
        return ok('done', [file('one.txt'), file('one.txt')])
      }
      const session = await run()
      expect(error(session)).toMatchObject({
        class: 'VALIDATION',
        message: expect.stringContaining('cannot be stored'),
      })
      expect(session.executions['a']?.attempt).toBe(1)
    })

    it.each([101, 8_000, 20_000])('when it is nested %i levels deep', async (levels) => {
      let deep: Json = 'x'
      for (let level = 0; level < levels; level++) deep = [deep]
      agent.script = () => ok(deep)
      expect(error(await run())).toMatchObject({ class: 'VALIDATION', message: expect.stringContaining('100 levels') })
    })

    it('when it is too large', async () => {
      agent.script = () => ok('x'.repeat(3_000_000))
      expect(error(await run())).toMatchObject({ class: 'TOO_LARGE', message: expect.stringContaining('3000002') })
    })
  })

  it('of a dozen with large results: what is gathered stays small and says where the rest is', async () => {
    agent.script = ({ key }) => ok(key === 'b0' ? 'small' : 'x'.repeat(1_000_000))
    const parts = Array.from({ length: 12 }, (_, index) => ({ ...part, key: `b${index}` }))
    const session = await house.end(await house.start(parts, { pattern: 'PARALLEL', limits: { concurrency: 12 } }))
    expect(session.status).toBe('SUCCEEDED')
    const branches = session.output as { branch: string; status: string; output: unknown }[]
    expect(branches).toHaveLength(12)
    expect(branches[0]).toMatchObject({ branch: 'b0', output: 'small' })
    const executionId = session.executions['b1']?.id
    expect(branches[1]).toMatchObject({
      status: 'ACCEPTED',
      output: { omitted: true, executionId, characters: 1_000_002 },
    })
    expect(session.executions['b1']?.output).toHaveLength(1_000_000)
  })

  it('keeps texts that databases do not like, and keys that languages do not', async () => {
    const odd = JSON.parse('{"__proto__": {"a": 1}, "constructor": "\\u0000", "x": "\\ud800", "é𝄞": ["🎻"]}') as Json
    agent.script = () => ok(odd)
    const keys = ['__proto__', 'constructor', 'toString', '1']
    const parts = keys.map((key) => ({ ...part, key, title: `Ünïcode 🎻 ${key} \u202Etxt` }))
    const session = await house.end(await house.start(parts, { pattern: 'SEQUENTIAL' }))
    expect(session.status).toBe('SUCCEEDED')
    expect(
      Object.values(session.executions)
        .map(({ key }) => key)
        .toSorted(),
    ).toEqual(keys.toSorted())
    for (const { output } of Object.values(session.executions)) {
      expect(JSON.stringify(output)).toContain('"__proto__":{"a":1}')
      expect(output).toMatchObject({ x: '\uFFFD', 'é𝄞': ['🎻'] })
    }
    expect(({} as { a?: number }).a).toBeUndefined()
    expect(agent.begun).toEqual(keys.map((key) => `${key} 1`))
  })

  // A statement of each window of an attempt, between its claim and its report. The first part of a session is claimed
  // with it, so it is the second one's that is looked at.
  const WINDOWS: [string, (statement: Statement) => boolean][] = [
    ['it is claimed', (statement) => writes('ATTEMPT_STARTED')(statement) && !writes('SESSION_QUEUED')(statement)],
    ['the task is read', ({ sql }) => sql.includes('FROM "Task" t JOIN')],
    ['it is found out which line is its first', ({ sql }) => sql.includes('max(seq)')],
    ['its last lines are stored', ({ sql }) => sql.startsWith('INSERT INTO "Activity"')],
    ['it is reported', writes('SESSION_SUCCEEDED')],
  ]
  async function heldAt(where: (statement: Statement) => boolean, act: () => Promise<unknown>): Promise<string> {
    agent.script = async function* ({ key }) {
      if (key === 'a') yield { kind: 'OUTPUT', text: 'a line' }
      return ok()
    }
    const held = faults.holdAt(where)
    const id = await house.start([{ ...part, key: 'first' }, part], { pattern: 'SEQUENTIAL' })
    await held.reached
    const acting = act().then(
      () => id,
      (thrown: unknown) => Promise.reject(thrown as Error),
    )
    // What acts gets as far as it can before the statement goes on.
    await new Promise((resolve) => setTimeout(resolve, 50))
    held.go()
    await acting
    return id
  }

  it.each(WINDOWS)('ends as the session is canceled while %s: once, with nothing left', async (_, where) => {
    let id = ''
    id = await heldAt(where, async () => {
      const [session] = await house.database.query<{ id: string }>(
        `SELECT id FROM "Session" ORDER BY "createdAt" DESC, id DESC LIMIT 1`,
      )
      return house.coordinator.cancel(session?.id as string, 'enough')
    })
    const session = await house.end(id)
    // Who was first wins: a report that was already on its way may have ended the session.
    expect(['CANCELED', 'SUCCEEDED']).toContain(session.status)
    expect(agent.begun.length).toBeLessThanOrEqual(2)
    const events = await eventsOf(house.database, id)
    expect(events.map(({ seq }) => seq)).toEqual(events.map((__, index) => index + 1))
    const attempts = await house.database.prisma.attempt.findMany({ where: { sessionId: id } })
    expect(attempts.filter(({ status }) => status === 'RUNNING')).toEqual([])
    await expect.poll(left).toEqual([])
  })

  it.each(WINDOWS)('goes on with the next server when this one stops while %s', async (_, where) => {
    let next: House | undefined
    const id = await heldAt(where, async () => (next = await house.reopen()))
    house = next as House
    const session = await house.end(id)
    expect(session.status).toBe('SUCCEEDED')
    const attempts = await house.database.prisma.attempt.findMany({ where: { sessionId: id } })
    expect(attempts.filter(({ status }) => status === 'RUNNING')).toEqual([])
    expect(attempts.filter(({ status }) => status === 'OK')).toHaveLength(2)
    await expect.poll(left).toEqual([])
  })

  it('that a server hands back as it stops begins anew with the next one, and counts for nothing', async () => {
    agent.script = (work, signal) => (work.attempt <= 7 ? untilStopped(work, signal) : ok())
    const id = await house.start([{ ...part, retry: { maxAttempts: 1 } }])
    for (let restarts = 1; restarts <= 7; restarts++) {
      await expect.poll(() => agent.begun.length).toBe(restarts)
      house = await house.reopen()
    }
    const session = await house.end(id)
    expect(session).toMatchObject({ status: 'SUCCEEDED', executions: { a: { attempt: 8, counted: 0, lost: 0 } } })
  })

  it('is told to stop, once, when its session is canceled while it runs', async () => {
    let told = 0
    agent.script = async (work, signal) => {
      signal.addEventListener('abort', () => told++)
      return untilStopped(work, signal) as Promise<ReturnType<typeof ok>>
    }
    const id = await house.start([part])
    await expect.poll(() => agent.begun.length).toBe(1)
    await Promise.all([1, 2, 3].map(() => house.coordinator.cancel(id, 'enough')))
    expect((await house.end(id)).status).toBe('CANCELED')
    expect(told).toBe(1)
  })

  it('E77: that does not stop is fenced off after the grace; what it says later changes nothing', async () => {
    const late = new EventTarget()
    agent.script = async () => {
      await once(late, 'now')
      return ok('too late')
    }
    const id = await house.start([part], { limits: { cancelGraceMs: 50 } })
    await expect.poll(() => agent.begun.length).toBe(1)
    await house.coordinator.cancel(id, 'enough')
    const canceled = await house.end(id)
    expect(canceled).toMatchObject({ status: 'CANCELED', executions: { a: { status: 'CANCELED' } } })
    late.dispatchEvent(new Event('now'))
    await expect.poll(left).toEqual([])
    expect(await house.end(id)).toEqual(canceled)
  })
})
