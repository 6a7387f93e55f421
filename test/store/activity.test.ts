import { setTimeout as pause } from 'node:timers/promises'
import pino from 'pino'
import { describe, expect, it } from 'vitest'
import { memoryBus } from '../../src/buses/memory.ts'
import type { Query } from '../../src/store/driver.ts'
import { openActivityLog } from '../../src/store/activity.ts'

interface Row {
  seq: number
  text: string
}

/** A log on a database that is slow, or breaks: the statements that arrive are kept, and what they hold. */
async function slowLog(answer: (statement: number) => Promise<void>, first = 0) {
  const stored: Row[] = []
  let statements = 0
  let atOnce = 0
  let most = 0
  const query: Query = async <T>(sql: string, params: readonly unknown[] = []) => {
    if (sql.startsWith('SELECT')) return [{ seq: first }] as T[]
    most = Math.max(most, ++atOnce)
    try {
      await answer(++statements)
    } finally {
      atOnce -= 1
    }
    for (const row of JSON.parse(String(params[0])) as Row[]) stored.push(row)
    return []
  }
  const log = pino({ level: 'silent' })
  const activities = await openActivityLog({ query, bus: memoryBus(), log }, 'execution', 1)
  return { activities, stored, most: () => most, statements: () => statements }
}

describe('what an agent shows', () => {
  const show = (text: string) => ({ kind: 'OUTPUT' as const, text })

  it('waits for a slow database, however fast it comes: no more than two batches are in memory', async () => {
    const { activities, stored } = await slowLog(() => pause(2))
    let ahead = 0
    for (let line = 1; line <= 100_000; line++) {
      await activities.add(show(`${line}`), 0)
      ahead = Math.max(ahead, line - stored.length)
    }
    await activities.close()
    expect(ahead).toBeLessThanOrEqual(1_000)
    expect(stored.map(({ seq }) => seq)).toEqual(Array.from({ length: 100_000 }, (_, at) => at + 1))
  })

  it('gathers while the database is busy, so that it has one statement at a time', async () => {
    const { activities, stored, most, statements } = await slowLog(() => pause(400))
    for (let line = 0; line < 20; line++) {
      await activities.add(show('now and then'), 0)
      await pause(60)
    }
    await activities.close()
    expect(stored).toHaveLength(20)
    expect(most()).toBe(1)
    expect(statements()).toBeLessThanOrEqual(6)
  })

  it('is stored, in order, when the connection breaks for a moment', async () => {
    const { activities, stored } = await slowLog(async (statement) => {
      if (statement <= 3) throw Object.assign(new Error('Connection terminated'), { code: 'ECONNRESET' })
    }, 7)
    for (const text of ['a', 'b']) await activities.add(show(text), 0)
    await activities.close()
    expect(stored).toMatchObject([
      { seq: 8, text: 'a' },
      { seq: 9, text: 'b' },
    ])
  })

  it('is given up when the database refuses it, and what follows is stored', async () => {
    const { activities, stored } = await slowLog(async (statement) => {
      if (statement === 1) throw Object.assign(new Error('invalid'), { code: '22P05' })
    })
    await activities.add(show('refused'), 0)
    await pause(150)
    await activities.add(show('good'), 0)
    await activities.close()
    expect(stored).toMatchObject([{ seq: 2, text: 'good' }])
  })
})
