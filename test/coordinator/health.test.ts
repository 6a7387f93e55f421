import { pino } from 'pino'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkAgents } from '../../src/coordinator/health.ts'
import { createStore } from '../../src/store/store.ts'
import { HOUSES, type House, openHouse } from '../house.ts'
import { inside, ok } from './inside.ts'

describe.each(HOUSES)('the health of agents on $store', (kind) => {
  const agent = inside()
  let house: House
  beforeAll(async () => {
    house = await openHouse(kind, { runtime: agent })
  })
  afterAll(() => house.close())

  const work = async (attempts: number): Promise<string> => {
    const id = await house.start([{ key: 'a', capabilities: ['inside'] }], {
      pattern: 'SEQUENTIAL',
      maxAttempts: attempts,
    })
    return (await house.end(id)).status
  }
  const look = async (): Promise<unknown> => {
    const { database, bus, runtimes } = house
    const store = createStore({ database, bus, log: pino({ level: 'silent' }), newId: uuid })
    await checkAgents({ store, runtimes, now: Date.now })
    return database.prisma.agent.findFirst({ where: { name: 'inside' }, select: { status: true, statusReason: true } })
  }

  it('E113: is DEGRADED after three attempts that failed through their own fault, and well again after one that did not', async () => {
    expect(await look()).toEqual({ status: 'ONLINE', statusReason: null })
    agent.renew(() => {
      return { kind: 'ERROR', error: { class: 'UNAVAILABLE', message: 'no socket' }, evidence: [], usage: {} }
    })
    for (let tries = 0; tries < 2; tries++) expect(await work(1)).toBe('FAILED')
    expect(await look()).toMatchObject({ status: 'ONLINE' })
    expect(await work(1)).toBe('FAILED')
    expect(await look()).toEqual({
      status: 'DEGRADED',
      statusReason: expect.stringContaining('UNAVAILABLE: no socket'),
    })
    agent.renew(() => ok())
    expect(await work(1)).toBe('SUCCEEDED')
    expect(await look()).toEqual({ status: 'ONLINE', statusReason: null })
  })
})
