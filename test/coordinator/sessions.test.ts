import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventsOf } from '../database.ts'
import { HOUSES, type House, openHouse } from '../house.ts'

/** Lines "key attempt pid" that the fixture worker has written. */
function logged(path: string): { key: string; attempt: number; pid: number }[] {
  if (!existsSync(path)) return []
  return readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' '))
    .map(([key = '', attempt, pid]) => ({ key, attempt: Number(attempt), pid: Number(pid) }))
}

const lives = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe.each(HOUSES)('the life of a session on $store with a bus in $bus', (kind) => {
  let house: House
  beforeAll(async () => {
    house = await openHouse(kind)
  })
  afterAll(() => house.close())

  const logFile = (name: string): string => join(house.dataDir, `${name}.log`)
  /** All of them have a worker that has begun to work: its first line has been stored. */
  async function working(sessionId: string, keys: string[], log: string): Promise<void> {
    const state = await house.until(sessionId, ({ executions }) =>
      keys.every((k) => executions[k]?.status === 'RUNNING'),
    )
    for (const key of keys) {
      const { id } = state.executions[key] as { id: string }
      await house.shown(id)
    }
    expect(logged(log).map(({ key }) => key)).toEqual(expect.arrayContaining(keys))
  }

  it('E76: leaves no process behind when it is canceled, and ends CANCELED', async () => {
    const log = logFile('cancel')
    const input = { sleepMs: 60_000, log }
    const parts = [
      { key: 'a', input },
      { key: 'b', input },
      { key: 'c', dependsOn: ['a'], input },
    ]
    const id = await house.start(parts)
    await working(id, ['a', 'b'], log)
    expect(await house.coordinator.cancel(id, 'a person said so')).toEqual({ kind: 'CANCELING' })
    const session = await house.end(id)
    expect(session).toMatchObject({ status: 'CANCELED', reason: 'a person said so' })
    expect(Object.values(session.executions).map(({ status }) => status)).toEqual(Array(4).fill('CANCELED'))
    expect(logged(log).filter(({ pid }) => lives(pid))).toEqual([])
    expect(logged(log).map(({ key }) => key)).not.toContain('c')
  })

  it('E5: cannot be canceled once it has ended: terminal is for good', async () => {
    const id = await house.start([{}])
    await house.end(id)
    expect(await house.coordinator.cancel(id, 'too late')).toMatchObject({ kind: 'CONFLICT' })
    expect((await house.end(id)).status).toBe('SUCCEEDED')
  })

  it('goes on after a restart of the server: nothing that was accepted runs again', async () => {
    const log = logFile('restart')
    const parts = [
      { key: 'quick', input: { log } },
      { key: 'slow', input: { sleepMs: 1_500, log } },
      { key: 'last', dependsOn: ['quick', 'slow'], input: { log } },
    ]
    const id = await house.start(parts)
    await house.until(id, ({ executions }) => executions['quick']?.status === 'ACCEPTED')
    await working(id, ['slow'], log)
    house = await house.reopen()
    const session = await house.end(id)
    expect(session.status).toBe('SUCCEEDED')
    expect(logged(log).map(({ key, attempt }) => `${key} ${attempt}`)).toEqual([
      ...(logged(log)[0]?.key === 'quick' ? ['quick 1', 'slow 1'] : ['slow 1', 'quick 1']),
      'slow 2',
      'last 1',
    ])
    expect(session.executions['slow']).toMatchObject({ attempt: 2, counted: 0, lost: 0 })
    const events = await eventsOf(house.database, id)
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1))
  })

  it('E71: can be tried again: a new session goes on from what was accepted', async () => {
    const log = logFile('retry')
    const parts = [
      { key: 'good', input: { log } },
      { key: 'bad', dependsOn: ['good'], input: { log, failTimes: 1 }, retry: { maxAttempts: 1 } },
    ]
    const id = await house.start(parts, { pattern: 'SEQUENTIAL' })
    const failed = await house.end(id)
    expect(failed.status).toBe('FAILED')
    const retried = await house.coordinator.retry(id)
    if (retried.kind !== 'STARTED') throw new Error(JSON.stringify(retried))
    const session = await house.end(retried.sessionId)
    // The new session counts its attempts anew, so the worker is told to fail once more.
    expect(session).toMatchObject({ status: 'FAILED', retryOfId: id })
    expect(session.executions['good']).toMatchObject({
      status: 'ACCEPTED',
      attempt: 0,
      carriedId: failed.executions['good']?.id,
    })
    expect(logged(log).filter(({ key }) => key === 'good')).toHaveLength(1)
    expect(session.executions['bad']?.error?.message).toContain('told to fail')
  })

  it('is not tried again while it runs, or when nothing is missing', async () => {
    const id = await house.start([{ input: { sleepMs: 200 } }])
    expect(await house.coordinator.retry(id)).toMatchObject({ kind: 'CONFLICT' })
    await house.end(id)
    expect(await house.coordinator.retry(id)).toMatchObject({ kind: 'CONFLICT' })
  })

  it('is made once for an idempotency key, however many ask at once', async () => {
    const task = {
      title: 'once',
      description: 'x',
      subTasks: [{ key: 'x', title: 'x', description: '', capabilities: [], dependsOn: [] }],
    }
    const input = { projectId: house.projectId, task, pattern: 'AUTO' as const, idempotencyKey: 'k-1' }
    const results = await Promise.all(Array.from({ length: 16 }, () => house.coordinator.start(input)))
    const ids = new Set(
      results.map((result) => (result.kind === 'STARTED' ? result.sessionId : JSON.stringify(result))),
    )
    expect(ids.size).toBe(1)
    expect(await house.database.prisma.task.count({ where: { title: 'once' } })).toBe(1)
    const other = await house.coordinator.start({ ...input, pattern: 'PARALLEL' })
    expect(other).toMatchObject({
      kind: 'CONFLICT',
      message: expect.stringContaining('idempotency key was used before'),
    })
    await house.end([...ids][0] as string)
  })

  it('is refused with every reason when its plan cannot be done', async () => {
    const part = { description: '', capabilities: [] as string[], dependsOn: [] as string[] }
    const start = (subTasks: object[]) =>
      house.coordinator.start({
        projectId: house.projectId,
        task: { title: 't', description: '', subTasks: subTasks as never },
        pattern: 'AUTO',
      })
    expect(
      await start([
        { ...part, key: 'a', title: 'a', dependsOn: ['b'] },
        { ...part, key: 'b', title: 'b', dependsOn: ['a', 'nobody'] },
      ]),
    ).toMatchObject({
      kind: 'INVALID',
      problems: [{ message: expect.stringContaining('nobody') }, { message: expect.stringContaining('a -> b -> a') }],
    })
    expect(await start([{ ...part, key: 'a', title: 'a', capabilities: ['play-the-violin'] }])).toMatchObject({
      kind: 'INVALID',
      problems: [{ message: expect.stringContaining('play-the-violin') }],
    })
  })
})
