import { existsSync, mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createArtifactStore } from '../../src/store/artifacts.ts'
import type { Database } from '../../src/store/db.ts'
import { sweepArtifacts } from '../../src/store/sweep.ts'
import { DATABASES, freshDatabase } from '../database.ts'
import { openHouse } from '../house.ts'
import { scratch } from '../servers/process.ts'

const HOURS = 3_600_000

describe.each(DATABASES)('sweeping artifacts, on %s', (store) => {
  const folders: string[] = []
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  })

  /** Keeps files and makes them two hours old; returns where they lie. */
  async function keep(dataDir: string, texts: readonly string[]): Promise<string[]> {
    const artifacts = createArtifactStore(dataDir)
    return Promise.all(
      texts.map(async (text, index) => {
        const file = join(dataDir, `given-${index}`)
        writeFileSync(file, text)
        const path = artifacts.path((await artifacts.keep(file)).sha256)
        utimesSync(path, new Date(), new Date(Date.now() - 2 * HOURS))
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
      utimesSync(fresh, new Date(), new Date(Date.now() - HOURS / 2))
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
})
