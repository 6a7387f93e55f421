import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HOUSES, type House, openHouse } from '../house.ts'

describe.each(HOUSES)('five executions of one second each, on $store with a bus in $bus', (kind) => {
  let house: House
  beforeAll(async () => {
    house = await openHouse(kind)
  })
  afterAll(() => house.close())

  const sleeps = Array.from({ length: 5 }, () => ({ capabilities: ['sleep-a-second'] }))
  const took = ({ startedAt = 0, endedAt = 0 }): number => endedAt - startedAt

  it('are all under way at once in parallel, and end in less than two seconds', async () => {
    const session = await house.end(await house.start(sleeps, { pattern: 'PARALLEL' }))
    expect(session.status).toBe('SUCCEEDED')
    const slept = Object.values(session.executions).filter(({ attempt }) => attempt > 0)
    expect(slept).toHaveLength(5)
    const lastStart = Math.max(...slept.map(({ startedAt = 0 }) => startedAt))
    expect(lastStart).toBeLessThan(Math.min(...slept.map(({ endedAt = 0 }) => endedAt)))
    expect(took(session)).toBeGreaterThanOrEqual(1_000)
    expect(took(session)).toBeLessThan(2_000)
  })
})
