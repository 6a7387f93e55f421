import { describe, expect, it, onTestFinished } from 'vitest'
import { HOUSES, openHouse } from '../house.ts'
import { inside, ok } from './inside.ts'

const SESSIONS = 40

describe.each(HOUSES)('many sessions at once on $store', (kind) => {
  it('all end, each of their parts performed once', async () => {
    const agent = inside()
    agent.script = () => ok()
    const house = await openHouse(kind, { runtime: agent, slots: 20 })
    onTestFinished(() => house.close())
    const part = { capabilities: ['inside'] }
    const parts = [
      { ...part, key: 'a' },
      { ...part, key: 'b' },
      { ...part, key: 'c', dependsOn: ['a', 'b'] },
    ]
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const before = timers()
    const started = await Promise.all(
      Array.from({ length: SESSIONS }, () => house.start(parts, { aggregate: 'COLLECT' })),
    )
    await Promise.all(started.map((id) => house.coordinator.ended(id)))
    const statuses = await house.database.prisma.session.groupBy({ by: ['status'], _count: true })
    expect(statuses).toEqual([{ status: 'SUCCEEDED', _count: SESSIONS }])
    expect(agent.begun).toHaveLength(3 * SESSIONS)
    expect(await house.database.prisma.attempt.count()).toBe(3 * SESSIONS)
    const [gaps] = await house.database.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM "Session" s WHERE s.seq <> (SELECT sum(j.last - j.first + 1) FROM "Journal" j WHERE j."sessionId" = s.id)`,
    )
    expect(gaps?.n).toBe(0)
    // Each session had a timer of its own; what is left are those of database connections.
    await expect.poll(timers).toBeLessThanOrEqual(before + 20)
  })
})
