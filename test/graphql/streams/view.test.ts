import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Log, type Shelf } from '../../../src/graphql/streams/log.ts'
import { createLogs } from '../../../src/graphql/streams/logs.ts'
import { type Subscriber, View } from '../../../src/graphql/streams/view.ts'
import '../../core/seed.ts'

interface Row {
  seq: number
}

const upTo = (n: number): number[] => Array.from({ length: n }, (_, index) => index + 1)
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
const turns = async (count: number): Promise<void> => {
  for (let left = count; left > 0; left--) await turn()
}

/** A table that rows are added to, and a doorbell that may be lost. Reading it takes some turns. */
function createTable(delays: () => number) {
  const rows: Row[] = []
  const bells = new Set<() => void>()
  let closed = false
  let failing: Error | undefined
  let reads = 0
  let following = 0
  const read = async (after: number): Promise<Row[]> => {
    reads++
    const error = failing
    await turns(delays())
    if (error) throw error
    return rows.filter(({ seq }) => seq > after).slice(0, 7)
  }
  const shelf: Shelf<Row> = {
    keeps: true,
    read,
    async *follow(after) {
      following++
      try {
        for (let last = after; ;) {
          const isLast = closed
          const found = await read(last)
          if (found.length > 0) yield found
          last = found.at(-1)?.seq ?? last
          if (found.length > 0) continue
          if (isLast) return
          if (!closed) await new Promise<void>((resolve) => bells.add(resolve))
        }
      } finally {
        following--
      }
    },
  }
  const ring = () => {
    for (const bell of bells) bell()
    bells.clear()
  }
  return {
    rows,
    shelf,
    add: (count: number) => {
      for (let left = count; left > 0; left--) rows.push({ seq: rows.length + 1 })
    },
    ring,
    close() {
      closed = true
      ring()
    },
    fail(error: Error) {
      failing = error
      ring()
    },
    get reads() {
      return reads
    },
    get following() {
      return following
    },
  }
}

/** Somebody who keeps what they are sent, and has room or not. */
class Reader implements Subscriber {
  gone = false
  seen: number[] = []
  ended: 'completed' | 'failed' | undefined
  position: number
  #open = true
  #wake: (() => void)[] = []

  constructor(after: number) {
    this.position = after
  }

  hasRoom(): boolean {
    return this.#open
  }

  room(): Promise<void> {
    return this.#open ? Promise.resolve() : new Promise((resolve) => this.#wake.push(resolve))
  }

  stall(): void {
    this.#open = false
  }

  goOn(): void {
    this.#open = true
    for (const wake of this.#wake.splice(0)) wake()
  }

  next(results: readonly Buffer[]): void {
    if (this.gone) throw new Error('sent to somebody who has left')
    this.seen.push(...results.map(Number))
  }

  complete(): void {
    this.ended = 'completed'
    this.gone = true
  }

  fail(): void {
    this.ended = 'failed'
    this.gone = true
  }
}

type Act =
  | { do: 'add'; count: number; rings: boolean }
  | { do: 'join'; back: number }
  | { do: 'stall' | 'goOn' | 'leave'; reader: number }
  | { do: 'wait'; turns: number }

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('add' as const),
      count: fc.integer({ min: 1, max: 12 }),
      rings: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('join' as const), back: fc.nat(30) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('stall' as const, 'goOn' as const, 'leave' as const),
      reader: fc.nat(10),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('wait' as const), turns: fc.integer({ min: 1, max: 8 }) }) },
)

describe('a view', () => {
  it('sends everybody each row behind their cursor once and in order, whoever comes, stalls and leaves', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(act, { minLength: 5, maxLength: 60 }),
        fc.infiniteStream(fc.nat(3)),
        fc.integer({ min: 0, max: 3_000 }),
        async (acts, delays, ringBytes) => {
          const delay = () => delays.next().value as number
          const table = createTable(delay)
          const logs = createLogs(ringBytes)
          const executed: object[] = []
          let view: View | undefined
          const readers: { reader: Reader; after: number }[] = []
          const join = (after: number) => {
            view ??= new View(
              logs.source({ key: 'log', shelf: table.shelf, head: table.rows.length, after }).open(),
              async (row) => {
                executed.push(row)
                await turns(delay())
                return Buffer.from(String((row as Row).seq))
              },
              () => {
                view = undefined
                // A view that follows has nothing of this one.
                executed.splice(0)
              },
            )
            const reader = new Reader(after)
            readers.push({ reader, after })
            view.join(reader, undefined)
          }
          const at = (index: number) => readers[index % Math.max(1, readers.length)]?.reader
          for (const one of acts) {
            if (one.do === 'add') {
              table.add(one.count)
              if (one.rings) table.ring()
            } else if (one.do === 'join') join(Math.max(0, table.rows.length - one.back))
            else if (one.do === 'wait') await turns(one.turns)
            else if (one.do === 'stall') at(one.reader)?.stall()
            else if (one.do === 'goOn') at(one.reader)?.goOn()
            else {
              const reader = at(one.reader)
              if (reader && !reader.gone) {
                reader.gone = true
                view?.leave(reader)
                reader.goOn()
              }
            }
          }
          table.close()
          for (const { reader } of readers) reader.goOn()
          const total = table.rows.length
          for (let left = 3_000; readers.some(({ reader }) => !reader.gone) && left > 0; left--) {
            await turn()
            expect(new Set(executed).size).toBe(executed.length)
          }
          for (const { reader, after } of readers) {
            const whole = upTo(total).slice(after)
            // Whoever has left has seen the beginning of it.
            const most = reader.ended === 'completed' ? total : reader.seen.length
            expect(reader.seen).toEqual(whole.slice(0, most))
            expect(reader.gone).toBe(true)
          }
          await turns(10)
          expect(table.following).toBe(0)
          expect(view).toBeUndefined()
        },
      ),
      { numRuns: 300 },
    )
  })

  it('executes a row once for a hundred who are up to date', async () => {
    const table = createTable(() => 0)
    let executions = 0
    const log = new Log(
      table.shelf,
      0,
      () => 10_000,
      () => {},
    )
    const view = new View(
      log,
      async (row) => {
        executions++
        return Buffer.from(String((row as Row).seq))
      },
      () => {},
    )
    const readers = upTo(100).map(() => new Reader(0))
    for (const reader of readers) view.join(reader, undefined)
    await turns(5)
    table.add(5)
    table.ring()
    await turns(20)
    for (const { seen } of readers) expect(seen).toEqual(upTo(5))
    expect(executions).toBe(5)
    for (const reader of readers) view.leave(reader)
  })

  it('lets a reader who stalls miss nothing, and others wait for nothing', async () => {
    const table = createTable(() => 0)
    const log = new Log(
      table.shelf,
      0,
      () => 2_000,
      () => {},
    )
    const view = new View(
      log,
      async (row) => Buffer.from(String((row as Row).seq)),
      () => {},
    )
    const [slow, quick] = [new Reader(0), new Reader(0)]
    for (const reader of [slow, quick]) view.join(reader, undefined)
    await turns(5)
    slow.stall()
    for (let round = 0; round < 10; round++) {
      table.add(10)
      table.ring()
      await turns(20)
    }
    expect(quick.seen).toEqual(upTo(100))
    expect(slow.seen.length).toBeLessThan(20)
    slow.goOn()
    await turns(100)
    expect(slow.seen).toEqual(upTo(100))
    for (const reader of [slow, quick]) view.leave(reader)
  })

  it('tells everybody when its log cannot be read any more, and those who come later begin anew', async () => {
    const table = createTable(() => 0)
    const logs = createLogs(10_000)
    const open = () => logs.source({ key: 'log', shelf: table.shelf, head: 0, after: 0 }).open()
    const log = open()
    expect(open()).toBe(log)
    const view = new View(
      log,
      async () => Buffer.alloc(0),
      () => {},
    )
    const [live, behind] = [new Reader(0), new Reader(0)]
    behind.stall()
    for (const reader of [live, behind]) view.join(reader, undefined)
    await turns(5)
    table.fail(new Error('the database is away'))
    await turns(10)
    behind.goOn()
    await turns(10)
    expect([live.ended, behind.ended]).toEqual(['failed', 'failed'])
    expect(open()).not.toBe(log)
  })
})

describe('a log', () => {
  it('hands out its last rows from memory, within its bytes, and reads older ones', async () => {
    const table = createTable(() => 0)
    const log = new Log(
      table.shelf,
      0,
      () => 10 * 330,
      () => {},
    )
    const leave = log.enter(() => {})
    table.add(50)
    table.ring()
    await turns(30)
    const before = table.reads
    expect((await log.read(45)).map(({ seq }) => seq)).toEqual([46, 47, 48, 49, 50])
    expect(await log.read(50)).toEqual([])
    expect(table.reads).toBe(before)
    expect((await log.read(3)).map(({ seq }) => seq)[0]).toBe(4)
    expect(table.reads).toBe(before + 1)
    leave()
  })
})
