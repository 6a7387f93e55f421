import { expect, it } from 'vitest'
import { timers } from '../../src/coordinator/timers.ts'
import { createEmbeddedEngine } from '../../src/engines/embedded.ts'
import { createWorld, engineContract } from '../contracts/engine.suite.ts'

engineContract('embedded', {
  create: async (_world, log) => createEmbeddedEngine({ log, timers }),
  reachesOthers: false,
  queued: () => Promise.resolve(undefined),
})

it('asks the crew with all that it holds, and not about what is in hand still', async () => {
  const world = createWorld()
  const engine = createEmbeddedEngine({ log: world.log, timers })
  const asked: { ready: string[]; held: string[] }[] = []
  const ids = (items: readonly { executionId: string }[]): string[] => items.map(({ executionId }) => executionId)
  const crew = world.crew('one')
  engine.start({
    ...crew,
    assign(ready, held) {
      asked.push({ ready: ids(ready), held: ids(held) })
      return crew.assign(ready, held)
    },
  })
  world.ring(engine, 'a')
  await world.until(() => world.running.has('a'))
  world.ring(engine, 'a')
  world.ring(engine, 'b')
  await world.until(() => world.running.has('b'))
  expect(asked.at(-1)).toEqual({ ready: ['b'], held: ['a'] })
  world.end('a')
  await world.until(() => world.begun.length === 3)
  for (const id of ['a', 'b']) world.end(id)
  await engine.stop()
})

it('does not begin what was withdrawn while the crew was thinking', async () => {
  const world = createWorld()
  const engine = createEmbeddedEngine({ log: world.log, timers })
  const thinking = Promise.withResolvers<void>()
  const thought = Promise.withResolvers<void>()
  const crew = world.crew('one')
  engine.start({
    ...crew,
    async assign(ready, held) {
      thinking.resolve()
      await thought.promise
      return crew.assign(ready, held)
    },
  })
  world.ring(engine, 'a')
  world.ring(engine, 'b')
  await thinking.promise
  engine.withdraw('a')
  thought.resolve()
  await world.until(() => world.running.has('b'))
  expect(world.begun).toEqual(['b'])
  world.end('b')
  await engine.stop()
})
