import { describe, expect, it } from 'vitest'
import { installationOf } from '../../src/store/installation.ts'
import { DATABASES, freshDatabase } from '../database.ts'

describe.each(DATABASES)('the name of an installation, on %s', (kind) => {
  it('stays when the database is migrated further, whatever ids the migrations have', async () => {
    const { query } = await freshDatabase(kind)
    const name = await installationOf(query)
    expect(name).toMatch(/^[0-9a-f]{8}$/)
    for (const id of ['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff']) {
      await query(
        `INSERT INTO "_prisma_migrations" (id, checksum, migration_name, finished_at) VALUES ($1, '', $2, now())`,
        [id, `9_${id}`],
      )
      expect(await installationOf(query)).toBe(name)
    }
  })
})
