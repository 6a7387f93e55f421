import { setTimeout as pause } from 'node:timers/promises'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { registerAgent } from '../../src/store/agent.ts'
import { HOUSES, type House, openHouse } from '../house.ts'
import { inside, ok } from './inside.ts'

describe.each(HOUSES)('the agents of sessions on $store', (kind) => {
  const agent = inside()
  let house: House
  beforeAll(async () => {
    house = await openHouse(kind, { runtime: agent, slots: 1 })
  })
  afterAll(() => house.close())

  const part = { capabilities: ['inside'] }
  const change = (data: object) =>
    house.database.prisma.agent.updateMany({ where: { name: 'inside', archivedAt: null }, data })

  /** One execution runs, another waits for the only slot; then something happens, and the first one ends. */
  async function oneWaits(meanwhile: () => Promise<unknown>): Promise<string> {
    const first = Promise.withResolvers<void>()
    agent.begun.length = 0
    agent.script = async ({ key }) => {
      if (key === 'first') await first.promise
      return ok()
    }
    const running = await house.start([{ ...part, key: 'first' }])
    await expect.poll(() => agent.begun).toEqual(['first 1'])
    const waiting = await house.start([{ ...part, key: 'second' }])
    await meanwhile()
    // The directory believes itself for a quarter of a second.
    await pause(300)
    first.resolve()
    expect((await house.end(running)).status).toBe('SUCCEEDED')
    return waiting
  }

  it('may be switched off while work waits for them: it waits on until they are switched on', async () => {
    const id = await oneWaits(() => change({ status: 'DISABLED' }))
    expect(agent.begun).toEqual(['first 1'])
    await change({ status: 'ONLINE' })
    expect((await house.end(id)).status).toBe('SUCCEEDED')
    expect(agent.begun).toEqual(['first 1', 'second 1'])
  })

  it('may go for good: another one that comes later takes over', async () => {
    const id = await oneWaits(() => change({ archivedAt: new Date() }))
    expect(agent.begun).toEqual(['first 1'])
    await house.database.transaction((query) =>
      registerAgent(
        query,
        {
          projectId: house.projectId,
          name: 'successor',
          type: 'GENERAL',
          description: '',
          capabilities: ['inside'],
          runtime: 'inside',
          runtimeConfig: {},
          slots: 1,
          timeouts: null,
          origin: 'API',
        },
        uuid(),
        Date.now(),
      ),
    )
    const session = await house.end(id)
    expect(session.executions['second']).toMatchObject({ status: 'ACCEPTED', attempt: 1 })
  })
})
