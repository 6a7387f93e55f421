import { expect, it } from 'vitest'
import { memoryBus } from '../../src/buses/memory.ts'
import { busContract } from '../contracts/bus.suite.ts'

busContract('memory', { create: async () => memoryBus(), reachesOthers: false })

it('names the topic whose ear threw in the log', async () => {
  const lines: unknown[] = []
  const bus = memoryBus({ log: { warn: (fields: object) => void lines.push(fields) } as never })
  bus.listen('a', () => {
    throw new Error('deaf')
  })
  bus.ring('a', 1)
  await expect.poll(() => lines).toEqual([{ topic: 'a', error: 'Error: deaf' }])
  await bus.close()
})
