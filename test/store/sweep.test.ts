import { existsSync, mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createArtifactStore } from '../../src/store/artifacts.ts'
import type { Database } from '../../src/store/db.ts'
import { sweepArtifacts } from '../../src/store/sweep.ts'
import { DATABASES, freshDatabase } from '../database.ts'
import { openHouse } from '../house.ts'
import { scratch } from '../servers/process.ts'

const DAYS = 86_400_000

describe.each(DATABASES)('sweeping artifacts, on %s', (store) => {
  const folders: string[] = []
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  })

  /** Keeps files and makes them two days old; returns where they lie. */
  async function keep(dataDir: string, texts: readonly string[]): Promise<string[]> {
    const artifacts = createArtifactStore(dataDir)
    return Promise.all(
      texts.map(async (text, index) => {
        const file = join(dataDir, `given-${index}`)
        writeFileSync(file, text)
        const path = artifacts.path((await artifacts.keep(file)).sha256)
        utimesSync(path, new Date(), new Date(Date.now() - 2 * DAYS))
        return path
      }),
    )
  }
  const sweep = (database: Database, dataDir: string) => sweepArtifacts(database.query, dataDir, Date.now())

  it('removes old files that no artifact refers to, and nothing else', async () => {
    const house = await openHouse({ store, bus: 'memory' })
    try {
      const id = await house.start([{ key: 'a' }, { key: 'b' }])
      await house.end(id)
      const rows = await house.database.prisma.artifact.findMany()
      expect(rows).toHaveLength(2)
      const known = await keep(house.dataDir, ['a note of a', 'a note of b'])
      expect(known.toSorted()).toEqual(rows.map(({ sha256 }) => house.artifacts.path(sha256)).toSorted())
      const [orphan, fresh] = (await keep(house.dataDir, ['orphan', 'fresh'])) as [string, string]
      utimesSync(fresh, new Date(), new Date(Date.now() - DAYS / 2))
      const foreign = join(house.dataDir, 'artifacts', 'README')
      writeFileSync(foreign, 'put here by somebody')
      utimesSync(foreign, new Date(0), new Date(0))
      expect(await sweep(house.database, house.dataDir)).toEqual({ removed: 1, doubtful: 0 })
      expect([...known, orphan, fresh, foreign].map((path) => existsSync(path))).toEqual([
        true,
        true,
        false,
        true,
        true,
      ])
      expect(await sweep(house.database, house.dataDir)).toEqual({ removed: 0, doubtful: 0 })
    } finally {
      await house.close()
    }
  })

  it('removes nothing when the database does not know most of them: it may be another one', async () => {
    const dataDir = scratch('sweep')
    folders.push(dataDir)
    const database = await freshDatabase(store)
    expect(await sweep(database, dataDir)).toEqual({ removed: 0, doubtful: 0 })
    mkdirSync(join(dataDir, 'artifacts', '00'), { recursive: true })
    const paths = await keep(dataDir, ['a', 'b', 'c'])
    expect(await sweep(database, dataDir)).toEqual({ removed: 0, doubtful: 3 })
    expect(paths.every((path) => existsSync(path))).toBe(true)
  })

  it('removes all of them once the database was seen to know most: they are of sessions that are no more', async () => {
    const house = await openHouse({ store, bus: 'memory' })
    try {
      const id = await house.start([{ key: 'a' }, { key: 'b' }])
      await house.end(id)
      const known = await keep(house.dataDir, ['a note of a', 'a note of b'])
      expect(await sweep(house.database, house.dataDir)).toEqual({ removed: 0, doubtful: 0 })
      await house.database.query('DELETE FROM "Session"')
      const other = await freshDatabase(store)
      await other.query(`UPDATE "_prisma_migrations" SET id = '0' || left(id, 35)`)
      expect(await sweep(other, house.dataDir)).toEqual({ removed: 0, doubtful: 2 })
      expect(await sweep(house.database, house.dataDir)).toEqual({ removed: 2, doubtful: 0 })
      expect(known.map((path) => existsSync(path))).toEqual([false, false])
    } finally {
      await house.close()
    }
  })

  it('puts back what a killed server was about to remove though it had been kept once more', async () => {
    const house = await openHouse({ store, bus: 'memory' })
    try {
      await house.end(await house.start([{ key: 'a' }]))
      const [known, orphan] = (await keep(house.dataDir, ['a note of a', 'orphan'])) as [string, string]
      for (const path of [known, orphan]) renameSync(path, `${path}.going`)
      expect(await sweep(house.database, house.dataDir)).toEqual({ removed: 1, doubtful: 0 })
      expect([known, orphan, `${known}.going`, `${orphan}.going`].map((path) => existsSync(path))).toEqual([
        true,
        false,
        false,
        false,
      ])
    } finally {
      await house.close()
    }
  })

  it('never takes the bytes of who keeps them at the same time', async () => {
    const house = await openHouse({ store, bus: 'memory' })
    try {
      await house.end(await house.start([{ key: 'a' }]))
      await keep(house.dataDir, ['a note of a'])
      const file = join(house.dataDir, 'given')
      for (let round = 0; round < 20; round++) {
        const [path] = (await keep(house.dataDir, ['orphan'])) as [string]
        writeFileSync(file, 'orphan')
        await Promise.all([house.artifacts.keep(file), sweep(house.database, house.dataDir)])
        expect(existsSync(path)).toBe(true)
      }
    } finally {
      await house.close()
    }
  })
})
