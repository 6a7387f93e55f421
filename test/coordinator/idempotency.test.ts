import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { StartInput, StartResult } from '../../src/coordinator/coordinator.ts'
import type { Json } from '../../src/core/json.ts'
import { HOUSES, type House, openHouse } from '../house.ts'
import { faulty, writes } from './faulty.ts'
import { inside, ok, untilStopped } from './inside.ts'

describe.each(HOUSES)('an idempotency key on $store', (kind) => {
  const agent = inside()
  const faults = faulty()
  let house: House
  beforeAll(async () => {
    house = await openHouse(kind, { runtime: agent, between: faults.between })
  })
  afterAll(() => house.close())

  const input = (key: string, title = key): StartInput => {
    const part = { key: 'a', title: 'a', description: '', capabilities: ['inside'], dependsOn: [] }
    const task = { title, description: '', subTasks: [{ ...part, retry: { maxAttempts: 1 } }] }
    return { projectId: house.projectId, task, pattern: 'AUTO', idempotencyKey: key }
  }
  const idOf = (result: StartResult): string => {
    if (result.kind !== 'STARTED') throw new Error(JSON.stringify(result))
    return result.sessionId
  }
  const sixteen = <T>(act: () => Promise<T>): Promise<T[]> => Promise.all(Array.from({ length: 16 }, act))

  it('starts one session, whoever asks at once', async () => {
    const results = await sixteen(() => house.coordinator.start(input('once')))
    expect(new Set(results.map(idOf)).size).toBe(1)
    expect(results.filter((result) => result.kind === 'STARTED' && !result.replayed)).toHaveLength(1)
    expect(await house.database.prisma.task.count({ where: { title: 'once' } })).toBe(1)
    await house.end(idOf(results[0] as StartResult))
  })

  it('tries a session again once, whoever asks at once', async () => {
    agent.script = () => ({ kind: 'ERROR', error: { class: 'AGENT', message: 'no' }, evidence: [], usage: {} })
    const id = idOf(await house.coordinator.start(input('fails')))
    expect((await house.end(id)).status).toBe('FAILED')
    agent.script = () => ok()
    const results = await sixteen(() => house.coordinator.retry(id, 'again'))
    expect(new Set(results.map(idOf)).size).toBe(1)
    expect(await house.database.prisma.session.count({ where: { retryOfId: id } })).toBe(1)
    await house.end(idOf(results[0] as StartResult))
    expect(idOf(await house.coordinator.retry(id, 'again'))).toBe(idOf(results[0] as StartResult))
  })

  it('is free again after a start that failed', async () => {
    faults.breakAt(writes('SESSION_QUEUED'), 1)
    await expect(house.coordinator.start(input('failed'))).rejects.toThrow('terminated')
    const result = await house.coordinator.start(input('failed'))
    expect(result).toMatchObject({ kind: 'STARTED', replayed: false })
    await house.end(idOf(result))
  })

  it('finds the session of a start whose answer got lost', async () => {
    faults.breakAt(({ sql }) => sql === 'COMMIT', 1, 'after')
    await expect(house.coordinator.start(input('lost'))).rejects.toThrow('terminated')
    const result = await house.coordinator.start(input('lost'))
    expect(result).toMatchObject({ kind: 'STARTED', replayed: true })
    expect((await house.end(idOf(result))).status).toBe('SUCCEEDED')
  })

  it('is refused with another input, and one that nobody could read', async () => {
    const id = idOf(await house.coordinator.start(input('other')))
    expect(await house.coordinator.start(input('other', 'changed'))).toMatchObject({ kind: 'CONFLICT' })
    await house.end(id)
    let deep: Json = 1
    for (let level = 0; level < 20_000; level++) deep = [deep]
    const { task, ...rest } = input('deep')
    expect(await house.coordinator.start({ ...rest, task: { ...task, input: deep } as never })).toMatchObject({
      kind: 'INVALID',
      problems: [{ path: ['task', 'input'], message: expect.stringContaining('100 levels') }],
    })
  })

  it('moves a session once, though the first answer got lost, and is free again if nothing was written', async () => {
    agent.script = untilStopped
    const id = idOf(await house.coordinator.start(input('moves')))
    await house.until(id, ({ status }) => status === 'RUNNING')
    const pause = (key: string) =>
      house.coordinator.pause(id, 'wait', { operation: 'pauseSession', key, input: { id } })
    const ask = (key: string) => house.coordinator.moved({ operation: 'pauseSession', key, input: { id } })
    faults.breakAt(writes('SESSION_PAUSED'), 1)
    await expect(pause('broken')).rejects.toThrow('terminated')
    expect(await ask('broken')).toBeUndefined()
    faults.breakAt(({ sql }) => sql === 'COMMIT', 1, 'after')
    await expect(pause('lost')).rejects.toThrow('terminated')
    expect(await ask('lost')).toEqual({ kind: 'MOVED', sessionId: id })
    expect(await house.coordinator.resume(id)).toMatchObject({ kind: 'MOVED' })
    // It is done already: it is not done again, although it could be.
    expect(await pause('lost')).toMatchObject({ kind: 'CONFLICT' })
    expect(await house.database.prisma.session.findUnique({ where: { id } })).toMatchObject({ status: 'RUNNING' })
    const other = { operation: 'pauseSession', key: 'lost', input: { id: 'another' } }
    expect(await house.coordinator.moved(other)).toMatchObject({ kind: 'CONFLICT' })
    await house.coordinator.cancel(id, 'enough')
    await house.end(id)
    agent.script = () => ok()
  })

  it('is kept for a cancel that had nothing left to do', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>()
    agent.script = () => held.then(() => ok())
    const id = idOf(await house.coordinator.start(input('twice')))
    await house.until(id, ({ status }) => status === 'RUNNING')
    await house.coordinator.cancel(id, 'first')
    const once = { operation: 'cancelSession', key: 'second', input: { id } }
    expect(await house.coordinator.cancel(id, 'second', once)).toEqual({ kind: 'CANCELING' })
    expect(await house.coordinator.moved(once)).toEqual({ kind: 'MOVED', sessionId: id })
    expect(await house.coordinator.cancel(id, 'third', { ...once, input: {} })).toMatchObject({ kind: 'CONFLICT' })
    release()
    await house.end(id)
    agent.script = () => ok()
  })

  it('answers as it did although nobody could do it today; what is new is refused', async () => {
    agent.script = () => ({ kind: 'ERROR', error: { class: 'AGENT', message: 'no' }, evidence: [], usage: {} })
    const id = idOf(await house.coordinator.start(input('gone')))
    await house.end(id)
    const again = idOf(await house.coordinator.retry(id, 'gone'))
    await house.end(again)
    await house.database.prisma.agent.updateMany({ where: { name: 'inside' }, data: { archivedAt: new Date() } })
    let asked = 0
    await expect.poll(async () => (await house.coordinator.start(input(`new-${asked++}`))).kind).toBe('INVALID')
    expect(idOf(await house.coordinator.start(input('gone')))).toBe(id)
    expect(idOf(await house.coordinator.retry(id, 'gone'))).toBe(again)
    expect(await house.coordinator.retry(id)).toMatchObject({
      kind: 'INVALID',
      problems: [{ message: expect.stringContaining('inside') }],
    })
  })
})
