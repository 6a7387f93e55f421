import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Bus, Ear } from '../../src/bus.ts'

/** How to get what is tested. */
export interface BusHarness {
  /** A bus that is up. Those with the same world hear each other if this kind of bus reaches other processes. */
  create(world: string): Promise<Bus>
  /** Whether rings reach other buses of the same world. */
  reachesOthers: boolean
}

/** What every bus does. */
export function busContract(name: string, harness: BusHarness): void {
  describe(`a bus (${name})`, () => {
    const buses: Bus[] = []
    const listening = new Map<string, number>()
    let world: string
    let bus: Bus
    beforeEach(async () => {
      world = crypto.randomUUID()
      bus = await create()
    })
    afterEach(async () => {
      await Promise.all(buses.splice(0).map((each) => each.close()))
      listening.clear()
    })
    const create = async () => {
      const created = await harness.create(world)
      buses.push(created)
      return created
    }
    /** An ear that writes down what it hears, once it can hear everything. */
    const listen = async (on: Bus, topic: string) => {
      const heard: (number | undefined)[] = []
      const name = `${buses.indexOf(on)} ${topic}`
      const before = listening.get(name) ?? 0
      listening.set(name, before + 1)
      const stop = on.listen(topic, (seq) => void heard.push(seq))
      // The first ear of a topic is told to look as soon as other processes can be heard.
      if (harness.reachesOthers && before === 0) await expect.poll(() => heard.includes(undefined)).toBe(true)
      heard.length = 0
      return {
        heard,
        stop() {
          stop()
          listening.set(name, (listening.get(name) ?? 1) - 1)
        },
      }
    }
    /** Waits until everything rung so far has been heard, by ringing once more on a topic of its own. */
    const settle = async (from: Bus = bus, at: Bus = bus) => {
      const topic = crypto.randomUUID()
      const { heard } = await listen(at, topic)
      from.ring(topic, 1)
      await expect.poll(() => heard.includes(1)).toBe(true)
    }

    it('tells every ear of the topic, and no other', async () => {
      const [one, two, other] = [await listen(bus, 'a'), await listen(bus, 'a'), await listen(bus, 'b')]
      bus.ring('a', 7)
      await settle()
      expect([one.heard, two.heard, other.heard]).toEqual([[7], [7], []])
    })

    it('may make one of many rings close together, never losing the highest', async () => {
      const { heard } = await listen(bus, 'a')
      for (const seq of [3, 1, 9, 2]) bus.ring('a', seq)
      await settle()
      expect(Math.max(...heard.map(Number))).toBe(9)
      expect(heard.length).toBeLessThanOrEqual(4)
    })

    it('calls no ear from within ring or listen', async () => {
      const { heard } = await listen(bus, 'a')
      bus.ring('a', 1)
      bus.listen('b', (seq) => void heard.push(seq))
      expect(heard).toEqual([])
      await settle()
      expect(heard).toContain(1)
    })

    it('is silent for an ear that was taken away, also when it had rung already', async () => {
      const { heard, stop } = await listen(bus, 'a')
      bus.ring('a', 1)
      stop()
      bus.ring('a', 2)
      await settle()
      expect(heard).toEqual([])
    })

    it('goes on for the ears that stay when another is taken away', async () => {
      const [one, two] = [await listen(bus, 'a'), await listen(bus, 'a')]
      one.stop()
      bus.ring('a', 1)
      await settle()
      expect([one.heard, two.heard]).toEqual([[], [1]])
    })

    it('hears a topic again that nobody listened to for a while', async () => {
      const first = await listen(bus, 'a')
      first.stop()
      const second = await listen(bus, 'a')
      bus.ring('a', 5)
      await settle()
      expect([first.heard, second.heard]).toEqual([[], [5]])
    })

    it('takes the same function twice for two ears', async () => {
      await listen(bus, 'a')
      const heard: (number | undefined)[] = []
      const ear: Ear = (seq) => void (seq !== undefined && heard.push(seq))
      const stop = bus.listen('a', ear)
      bus.listen('a', ear)
      bus.ring('a', 1)
      await settle()
      stop()
      bus.ring('a', 2)
      await settle()
      expect(heard).toEqual([1, 1, 2])
    })

    it('lets no ear suffer from one that throws, or whose promise fails', async () => {
      bus.listen('a', () => {
        throw new Error('thrown by an ear')
      })
      bus.listen('a', (async () => {
        await settle()
        throw new Error('rejected by an ear')
      }) as unknown as Ear)
      const { heard } = await listen(bus, 'a')
      bus.ring('a', 1)
      await settle()
      expect(heard).toContain(1)
    })

    it('survives an ear that listens, rings and stops listening', async () => {
      await listen(bus, 'a')
      const heard: string[] = []
      const stop = bus.listen('a', (seq) => {
        heard.push(`a${seq}`)
        stop()
        bus.listen('b', () => void heard.push('b'))
        bus.ring('b', 1)
      })
      bus.ring('a', 1)
      await expect.poll(() => heard.slice(0, 2)).toEqual(['a1', 'b'])
    })

    it('takes topics of any letters', async () => {
      for (const topic of ['session:0197b1d6', 'ä *?[x]', 'two words', '']) {
        const { heard } = await listen(bus, topic)
        bus.ring(topic, 4)
        await settle()
        expect(heard).toEqual([4])
      }
    })

    it('is up', () => {
      expect(bus.status()).toBe('up')
    })

    it('says nothing after it has been closed, and takes no offence at being used', async () => {
      const { heard } = await listen(bus, 'a')
      bus.ring('a', 1)
      await bus.close()
      bus.ring('a', 2)
      bus.listen('a', (seq) => void heard.push(seq))()
      await bus.close()
      await settle(await create(), buses.at(-1) as Bus)
      expect(heard).toEqual([])
    })

    it(`${harness.reachesOthers ? 'reaches' : 'does not reach'} the ears of other processes`, async () => {
      const other = await create()
      const { heard } = await listen(other, 'a')
      bus.ring('a', 3)
      await settle()
      if (harness.reachesOthers) await settle(bus, other)
      expect(heard).toEqual(harness.reachesOthers ? [3] : [])
    })

    it('never reaches another installation', async () => {
      const stranger = await harness.create(crypto.randomUUID())
      buses.push(stranger)
      const { heard } = await listen(stranger, 'a')
      bus.ring('a', 3)
      await settle()
      await settle(stranger, stranger)
      expect(heard).toEqual([])
    })
  })
}
