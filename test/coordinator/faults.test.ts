import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { SessionState } from '../../src/core/state.ts'
import { eventsOf } from '../database.ts'
import { HOUSES, type House, openHouse } from '../house.ts'
import { faulty, type Statement, writes } from './faulty.ts'
import { inside, ok } from './inside.ts'

/** Not the first one, which is written with the session. */
const claims = (statement: Statement): boolean =>
  writes('ATTEMPT_STARTED')(statement) && !writes('SESSION_QUEUED')(statement)
const reports = writes('ATTEMPT_ENDED')

describe.each(HOUSES)('when the connection to $store breaks', (kind) => {
  const faults = faulty()
  const agent = inside()
  const unhandled: unknown[] = []
  const note = (error: unknown): void => void unhandled.push(error)
  let house: House
  beforeAll(async () => {
    process.on('unhandledRejection', note)
    house = await openHouse(kind, { between: faults.between, runtime: agent })
  })
  afterAll(async () => {
    faults.heal()
    await house.close()
    process.off('unhandledRejection', note)
  })
  beforeEach(() => {
    faults.heal()
    agent.renew()
  })

  const part = { capabilities: ['inside'] }
  /** Two in a sequence; the session ends, whatever broke, and each was performed once. */
  async function both(times: number): Promise<SessionState> {
    const id = await house.start(
      [
        { ...part, key: 'a' },
        { ...part, key: 'b' },
      ],
      { pattern: 'SEQUENTIAL' },
    )
    const session = await house.end(id)
    expect(session.status).toBe('SUCCEEDED')
    expect(faults.broken).toHaveLength(times)
    const events = await eventsOf(house.database, id)
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1))
    return session
  }

  describe.each(['before', 'after'] as const)('%s a statement', (when) => {
    it.each([
      ['a claim', claims, 1],
      ['two claims', claims, 2],
      ['a report', reports, 1],
      ['two reports', reports, 2],
    ])('goes on after the loss of %s, and does nothing twice', async (_, where, times) => {
      faults.breakAt(where, times, when)
      // What was claimed though nobody heard so is found out by reading: there is no second claim to be lost.
      const { executions } = await both(where === claims && when === 'after' ? 1 : times)
      expect(agent.begun).toEqual(['a 1', 'b 1'])
      expect(Object.values(executions).map(({ attempt, counted }) => [attempt, counted])).toEqual([
        [1, 0],
        [1, 0],
      ])
    })
  })

  it.each([
    ['the numbers of activities', ({ sql }: Statement) => sql.includes('max(seq)')],
    ['the task', ({ sql }: Statement) => sql.includes('FROM "Task" t JOIN')],
    ['the artifacts', ({ sql }: Statement) => sql.startsWith('SELECT * FROM "Artifact"')],
  ])('reads %s again: the agent is not blamed', async (_, where) => {
    agent.script = async function* ({ outputDir }) {
      yield { kind: 'MESSAGE', text: 'at work' }
      writeFileSync(join(outputDir, 'left.txt'), 'something')
      return ok('done', [{ name: 'left.txt', kind: 'FILE', mediaType: 'text/plain' }])
    }
    faults.breakAt(where, 2)
    const { executions } = await both(2)
    expect(agent.begun).toEqual(['a 1', 'b 1'])
    expect(executions['b']?.attempt).toBe(1)
  })

  it('leaves nothing of a start that failed', async () => {
    faults.breakAt(writes('SESSION_QUEUED'), 1)
    const tasks = await house.database.prisma.task.count()
    await expect(house.start([part])).rejects.toThrow('terminated')
    expect(await house.database.prisma.task.count()).toBe(tasks)
    expect(agent.begun).toEqual([])
  })

  it('begins a session whose start was committed though nobody heard so', async () => {
    faults.breakAt(({ sql }) => sql === 'COMMIT', 1, 'after')
    await expect(house.start([part])).rejects.toThrow('terminated')
    const { id } = await house.database.prisma.session.findFirstOrThrow({ orderBy: { createdAt: 'desc' } })
    expect((await house.end(id)).status).toBe('SUCCEEDED')
  })

  it('stops what runs when a cancel was committed though nobody heard so', async () => {
    const stopped = Promise.withResolvers<void>()
    agent.script = async (_, signal) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      stopped.resolve()
      return { kind: 'CANCELED', usage: {} }
    }
    const id = await house.start([part])
    await house.until(id, ({ executions }) => executions['part-1']?.status === 'RUNNING')
    faults.breakAt(writes('SESSION_CANCELING'), 1, 'after')
    await expect(house.coordinator.cancel(id, 'a person said so')).rejects.toThrow('terminated')
    await stopped.promise
    expect((await house.end(id)).status).toBe('CANCELED')
  })
  it('leaves no rejection unhandled in any of this', () => {
    expect(unhandled).toEqual([])
  })
})
