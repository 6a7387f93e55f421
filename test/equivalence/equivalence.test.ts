import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type House, openHouse } from '../house.ts'
import { durableOf } from './durable.ts'
import { COMMANDS, placeIn, PROGRAMS, WORKLOADS } from './workloads.ts'

const isSkipped = inject('postgresUrl') === undefined || inject('redisUrl') === undefined

describe.skipIf(isSkipped)('alone on an embedded database and over queues on a server the same is left of', () => {
  const houses: House[] = []
  beforeAll(async () => {
    const common = { commands: COMMANDS, programs: PROGRAMS }
    houses.push(await openHouse({ store: 'pglite', bus: 'memory' }, { ...common, engine: 'embedded' }))
    houses.push(await openHouse({ store: 'postgres', bus: 'redis' }, { ...common, engine: 'bullmq' }))
  })
  afterAll(async () => {
    for (const house of houses) await house.close()
  })

  /** Does one workload in one house. */
  async function leftBy(name: string, house: House): ReturnType<typeof durableOf> {
    const [status, run] = WORKLOADS[name] as (typeof WORKLOADS)[string]
    const place = await placeIn(house, name)
    expect(await run(place)).toBe(status)
    return durableOf(house.database, place.projectId, house.dataDir)
  }

  it.concurrent.each(Object.keys(WORKLOADS))('%s', async (name) => {
    const [alone, shared] = await Promise.all(houses.map((house) => leftBy(name, house)))
    expect(shared).toEqual(alone)
  })
})
