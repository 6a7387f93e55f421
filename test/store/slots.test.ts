import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { takeSlot, visitAbandoned } from '../../src/store/slots.ts'
import { scratch } from '../servers/process.ts'

describe('the slots of a data directory', () => {
  let dataDir: string
  beforeEach(() => {
    dataDir = scratch('slots')
  })
  afterEach(() => rmSync(dataDir, { recursive: true, force: true }))

  const work = (number: number): string => join(dataDir, 'work', String(number), 'attempts')
  /** As a server leaves a slot that was killed. */
  function abandon(number: number, server: string): void {
    mkdirSync(work(number), { recursive: true })
    writeFileSync(join(work(number), '..', 'server'), server)
  }
  async function abandoned(isClean = true): Promise<string[]> {
    const found: string[] = []
    await visitAbandoned(dataDir, async ({ server, work }) => {
      expect(existsSync(work)).toBe(true)
      found.push(server)
      return isClean
    })
    return found
  }

  it('belong to one server each, the first free one to the next', async () => {
    const [one, two] = [await takeSlot(dataDir, 'one'), await takeSlot(dataDir, 'two')]
    expect([one.work, two.work]).toEqual([work(1), work(2)])
    expect(await abandoned()).toEqual([])
    await one.release()
    const three = await takeSlot(dataDir, 'three')
    expect(three).toMatchObject({ work: work(1) })
    expect(three.predecessor).toBeUndefined()
    await three.release()
    await two.release()
    await two.release()
    expect(await abandoned()).toEqual([])
  })

  it('tell who ended without giving one free to whoever takes it', async () => {
    abandon(1, 'killed')
    const slot = await takeSlot(dataDir, 'next')
    expect(slot).toMatchObject({ work: work(1), predecessor: 'killed' })
    expect(await abandoned()).toEqual([])
    await slot.release()
  })

  it('are visited until nothing is left in them, and nobody takes one meanwhile', async () => {
    const own = await takeSlot(dataDir, 'own')
    abandon(2, 'killed')
    await visitAbandoned(dataDir, async () => {
      const other = await takeSlot(dataDir, 'other')
      expect(other.work).toBe(work(3))
      await other.release()
      return false
    })
    expect(await abandoned(false)).toEqual(['killed'])
    expect(await abandoned()).toEqual(['killed'])
    expect(await abandoned()).toEqual([])
    await own.release()
  })
})
