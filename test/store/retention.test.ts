import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createRetention, type RemovedFamily } from '../../src/store/retention.ts'
import { type House, HOUSES, openHouse } from '../house.ts'

const DAY_MS = 86_400_000
const TABLES = ['Plan', 'Execution', 'Attempt', 'Journal', 'Checkpoint', 'Artifact', 'Verdict', 'Interrupt'] as const
const part = { key: 'a', title: 'a', description: '', capabilities: ['anything'], dependsOn: [] }

describe.each(HOUSES)('what is kept, on $store', (kind) => {
  let house: House
  beforeAll(async () => {
    house = await openHouse(kind)
  })
  afterAll(() => house.close())
  beforeEach(() => house.database.query('DELETE FROM "Session"'))

  const goOn = async (): Promise<boolean> => true
  const monthAgo = (): Date => new Date(Date.now() - 30 * DAY_MS)
  /** The session, and all below it, ended so many days ago. */
  const ended = async (id: string, days: number): Promise<void> => {
    await house.database.query(
      `UPDATE "Session" SET "endedAt" = now() - $2 * interval '1 day'
       WHERE (id = $1 OR "rootSessionId" = $1) AND "endedAt" IS NOT NULL`,
      [id, days],
    )
  }
  const run = async (days: number, parts: object[] = [{ key: 'a' }, { key: 'b' }], options = {}): Promise<string> => {
    const id = await house.start(parts, options)
    await house.end(id)
    await ended(id, days)
    return id
  }
  const count = async (sql: string, id: string): Promise<number> => {
    const [row] = await house.database.query<{ count: number }>(`SELECT count(*)::int AS count FROM ${sql}`, [id])
    return row?.count ?? -1
  }
  const events = (id: string) => count(`"Journal" WHERE "sessionId" = $1`, id)
  const activities = (id: string) =>
    count(`"Activity" a JOIN "Execution" e ON e.id = a."executionId" WHERE e."sessionId" = $1`, id)
  const sessions = async (): Promise<string[]> =>
    (await house.database.query<{ id: string }>('SELECT id FROM "Session" ORDER BY "createdAt", id')).map(
      ({ id }) => id,
    )
  const removeSessions = async (): Promise<RemovedFamily[]> => {
    const removed: RemovedFamily[] = []
    await createRetention(house.database).removeSessions(monthAgo(), async (family) => void removed.push(family), goOn)
    return removed
  }

  it('of sessions that ended long ago is all but their events and activities', async () => {
    const [old, young] = [await run(31), await run(29)]
    const running = await house.start([{ key: 'a', input: { sleepMs: 60_000 } }])
    await house.until(running, ({ status }) => status === 'RUNNING')
    const before = await events(young)
    expect(await activities(young)).toBeGreaterThan(0)
    expect(await activities(old)).toBe(await activities(young))
    const retention = createRetention(house.database)
    expect(await retention.removeEvents(monthAgo(), goOn)).toBe(1)
    expect([await events(old), await activities(old)]).toEqual([0, 0])
    expect(await count(`"Artifact" WHERE "sessionId" = $1`, old)).toBe(2)
    expect(await count(`"Checkpoint" WHERE "sessionId" = $1`, old)).toBeGreaterThan(0)
    expect(await events(young)).toBe(before)
    expect(await activities(young)).toBeGreaterThan(0)
    expect(await events(running)).toBeGreaterThan(0)
    expect(await retention.removeEvents(monthAgo(), goOn)).toBe(0)
    // Time passes.
    expect(await retention.removeEvents(new Date(Date.now() - 28 * DAY_MS), goOn)).toBe(1)
    expect(await events(young)).toBe(0)
    await house.coordinator.cancel(running, 'enough')
    await house.end(running)
  })

  it('stays where it is told to stop, and the next one goes on', async () => {
    const id = await run(31)
    const [execution] = await house.database.query<{ id: string }>(
      'SELECT id FROM "Execution" WHERE "sessionId" = $1',
      [id],
    )
    await house.database.query(
      `INSERT INTO "Activity" ("executionId", seq, attempt, kind, text, at)
       SELECT $1, n, 1, 'OUTPUT', 'x', now() FROM generate_series(1001, 6000) AS n`,
      [execution?.id],
    )
    const all = await activities(id)
    expect(await createRetention(house.database).removeEvents(monthAgo(), async () => false)).toBe(0)
    expect(await activities(id)).toBe(all - 2_000)
    // Whoever reads them meanwhile sees how they began.
    expect(await count(`"Activity" WHERE "executionId" = $1 AND seq = 1001`, execution?.id ?? '')).toBe(1)
    expect(await events(id)).toBeGreaterThan(0)
    let asked = 0
    expect(await createRetention(house.database).removeEvents(monthAgo(), async () => ++asked > 0)).toBe(1)
    expect(asked).toBeGreaterThan(1)
    expect([await events(id), await activities(id)]).toEqual([0, 0])
  })

  it('is nothing of a session that ended too long ago, nor of its children; its task stays', async () => {
    const child = { key: 'c', session: { pattern: 'SEQUENTIAL' as const, parts: [part] }, capabilities: [] }
    const old = await run(31, [{ key: 'a' }, child], { pattern: 'HIERARCHICAL' })
    const family = await sessions()
    expect(family).toHaveLength(2)
    const young = await run(29)
    expect(await removeSessions()).toEqual([{ sessions: family, projectId: house.projectId }])
    expect(await sessions()).toEqual([young])
    for (const table of TABLES) {
      const rows = await house.database.query(`SELECT FROM "${table}" WHERE "sessionId" = ANY($1::uuid[])`, [family])
      expect({ table, rows: rows.length }).toEqual({ table, rows: 0 })
    }
    expect(await house.coordinator.retry(old)).toMatchObject({ kind: 'NOT_FOUND' })
    expect(await house.database.prisma.task.count()).toBeGreaterThan(2)
  })

  it('is a child whose parent has not ended for as long, and a parent with such a child', async () => {
    const child = { key: 'c', session: { pattern: 'SEQUENTIAL' as const, parts: [part] }, capabilities: [] }
    const root = await run(31, [child], { pattern: 'HIERARCHICAL' })
    const [, below = ''] = await sessions()
    await ended(below, 29)
    expect(await removeSessions()).toEqual([])
    await ended(below, 31)
    await house.database.query(`UPDATE "Session" SET "endedAt" = NULL WHERE id = $1`, [root])
    expect(await removeSessions()).toEqual([])
    await house.database.query(`UPDATE "Session" SET "endedAt" = now() - interval '31 days' WHERE id = $1`, [root])
    expect(await removeSessions()).toMatchObject([{ sessions: [root, below] }])
  })

  it('is a session as long as one that is kept was forked from it or tries it again', async () => {
    const id = await run(60)
    const follow = async (started: object): Promise<string> => {
      const { sessionId } = started as { sessionId: string }
      await house.end(sessionId)
      return sessionId
    }
    const fork = await follow(await house.coordinator.fork({ sessionId: id }))
    const forkOfFork = await follow(await house.coordinator.fork({ sessionId: fork }))
    await ended(fork, 50)
    expect(await removeSessions()).toEqual([])
    await ended(forkOfFork, 40)
    // The last one first: each of them frees the one before it.
    for (const gone of [forkOfFork, fork, id]) {
      expect((await removeSessions()).map(({ sessions }) => sessions)).toEqual([[gone]])
    }
  })

  it('is no idempotency key that stands for something that is no more', async () => {
    const first = await run(31, [{ key: 'a' }], { idempotencyKey: 'once' })
    const kept = await run(1, [{ key: 'a' }], { idempotencyKey: 'twice' })
    expect(await removeSessions()).toHaveLength(1)
    const keys = await house.database.query('SELECT "subjectId" FROM "IdempotencyKey"')
    expect(keys).toEqual([{ subjectId: kept }])
    expect(await run(1, [{ key: 'a' }], { idempotencyKey: 'once' })).not.toBe(first)
  })
})
