import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { openDatabase, type Database } from '../../src/store/db.ts'
import { migrate, MigrationRefused, MIGRATIONS } from '../../src/store/migrate.ts'
import { findTemplate, makeTemplate } from '../../src/store/template.ts'
import { createSchemaEngine, migrationList } from '../../scripts/schema-engine.ts'
import { openPglite } from '../../src/store/drivers/pglite.ts'
import { openServer } from '../../src/store/drivers/server.ts'
import { DATABASES, freshDatabase, freshPostgres } from '../database.ts'
import { scratch } from '../servers/process.ts'

let folder: string
beforeEach(() => {
  folder = scratch('migrations')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const write = (name: string, sql: string) => {
  mkdirSync(join(folder, name), { recursive: true })
  writeFileSync(join(folder, name, 'migration.sql'), sql)
}
const tablesOf = async (database: Database) => {
  const rows = await database.query<{ name: string }>(
    "SELECT table_name::text AS name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1",
  )
  return rows.map((row) => row.name).filter((name) => name !== '_prisma_migrations')
}

describe.each(DATABASES)('migrating a database (%s)', (kind) => {
  let database: Database
  beforeAll(async () => {
    database = await freshDatabase(kind)
  })
  beforeEach(() => database.script('DROP SCHEMA public CASCADE; CREATE SCHEMA public'))

  it('applies what is missing, in the order of the names, and says what it applied', async () => {
    write('2_second', 'ALTER TABLE one ADD COLUMN b int;')
    write('1_first', 'CREATE TABLE one (a int); INSERT INTO one VALUES (1);')
    expect(await migrate(database, folder)).toEqual({ applied: ['1_first', '2_second'] })
    expect(await migrate(database, folder)).toEqual({ applied: [] })
    write('3_third', 'CREATE TABLE three (a int);')
    expect(await migrate(database, folder)).toEqual({ applied: ['3_third'] })
    expect(await tablesOf(database)).toEqual(['one', 'three'])
  })

  it('leaves nothing of a migration that fails, keeps those before, and goes on once it is mended', async () => {
    write('1_first', 'CREATE TABLE one (a int);')
    write('2_second', 'CREATE TABLE two (a int); SELECT no_such_function();')
    const refusal = migrate(database, folder)
    await expect(refusal).rejects.toThrow(MigrationRefused)
    await expect(refusal).rejects.toThrow(/2_second failed and was rolled back.*no_such_function/)
    expect(await tablesOf(database)).toEqual(['one'])
    write('2_second', 'CREATE TABLE two (a int);')
    expect(await migrate(database, folder)).toEqual({ applied: ['2_second'] })
  })

  it('keeps checkpoints that were rows of their own', async () => {
    const follow = '20261123072716_checkpoints_follow'
    for (const name of readdirSync(MIGRATIONS)) {
      if (name < follow) cpSync(join(MIGRATIONS, name), join(folder, name), { recursive: true })
    }
    await migrate(database, folder)
    const [session, first, second] = [1, 2, 3].map((n) => `00000000-0000-7000-8000-00000000000${n}`)
    // Without the session, its task and its project: this is about other tables.
    await database.script(`BEGIN; SET LOCAL session_replication_role = replica;
      INSERT INTO "Execution" (id, "sessionId", key, position, title, status, "acceptedSeq", "endedAt", "createdAt") VALUES
        ('${first}', '${session}', 'a', 0, 'A', 'ACCEPTED', 7, '2026-01-01T00:00:01Z', '2026-01-01'),
        ('${second}', '${session}', 'b', 1, 'B', 'ACCEPTED', 4, '2026-01-01T00:00:00Z', '2026-01-01');
      INSERT INTO "Checkpoint" ("sessionId", seq, "executionId", accepted, commit, "createdAt") VALUES
        ('${session}', 5, '${second}', '{${second}}', NULL, '2026-01-01T00:00:00Z'),
        ('${session}', 8, '${first}', '{${first},${second}}', 'c1', '2026-01-01T00:00:01Z');
      COMMIT`)
    const all = 'SELECT * FROM "Checkpoint" ORDER BY seq'
    const before = await database.query(all)
    cpSync(join(MIGRATIONS, follow), join(folder, follow), { recursive: true })
    expect(await migrate(database, folder)).toEqual({ applied: [follow] })
    expect(await database.query(all)).toEqual(before)
  })

  it('takes semicolons in strings and functions for what they are', async () => {
    write('1_first', `CREATE FUNCTION f() RETURNS text AS $$ BEGIN RETURN 'a;b'; END; $$ LANGUAGE plpgsql; SELECT ';';`)
    await migrate(database, folder)
    expect(await database.query('SELECT f() AS text')).toEqual([{ text: 'a;b' }])
  })

  it('refuses a database that is newer than the server', async () => {
    write('1_first', 'SELECT 1;')
    write('2_later', 'SELECT 2;')
    await migrate(database, folder)
    rmSync(join(folder, '2_later'), { recursive: true })
    await expect(migrate(database, folder)).rejects.toThrow(/newer than this server: it has 2_later/)
  })

  it('refuses a migration that was changed after it had been applied', async () => {
    write('1_first', 'SELECT 1;')
    await migrate(database, folder)
    write('1_first', 'SELECT 2;')
    await expect(migrate(database, folder)).rejects.toThrow(/1_first was changed/)
  })

  it('takes other line ends for no change', async () => {
    write('1_first', 'SELECT 1;\nSELECT 2;\n')
    await migrate(database, folder)
    write('1_first', 'SELECT 1;\r\nSELECT 2;\r\n')
    expect(await migrate(database, folder)).toEqual({ applied: [] })
  })

  it('refuses to go on after one that began and never finished', async () => {
    write('1_first', 'SELECT 1;')
    await migrate(database, folder)
    await database.query('UPDATE _prisma_migrations SET finished_at = NULL')
    await expect(migrate(database, folder)).rejects.toThrow(/1_first began and never finished/)
  })

  it('applies one again that was marked as rolled back', async () => {
    write('1_first', 'CREATE TABLE one (a int);')
    await migrate(database, folder)
    await database.script('DROP TABLE one; UPDATE _prisma_migrations SET finished_at = NULL, rolled_back_at = now()')
    expect(await migrate(database, folder)).toEqual({ applied: ['1_first'] })
  })

  it('makes the tables that Prisma expects', async () => {
    const { applied } = await migrate(database, MIGRATIONS)
    expect(applied).toEqual(
      readdirSync(MIGRATIONS)
        .filter((name) => !name.endsWith('.toml'))
        .toSorted(),
    )
    expect(await database.prisma.session.findMany({ include: { executions: true } })).toEqual([])
  })

  it('keeps its books as Prisma itself does', async () => {
    const driver =
      kind === 'pglite'
        ? await openPglite({ folder: join(folder, 'database'), template: inject('pgliteTemplate') })
        : await openServer({ url: await freshPostgres('template0') })
    await driver.script('DROP SCHEMA public CASCADE; CREATE SCHEMA public')
    await migrate(driver, MIGRATIONS)
    const schema = readFileSync(join(MIGRATIONS, '..', 'schema.prisma'), 'utf8')
    const engine = await createSchemaEngine(schema, driver.adapter)
    const diagnosis = await engine.diagnoseMigrationHistory({
      migrationsList: (await migrationList(MIGRATIONS)) as never,
      optInToShadowDatabase: false,
      filters: { externalTables: [], externalEnums: [] },
    })
    expect(diagnosis).toMatchObject({
      history: null,
      failedMigrationNames: [],
      editedMigrationNames: [],
      hasMigrationsTable: true,
    })
    await driver.close()
  })
})

describe('the template of the embedded database', () => {
  it('is made once for each state of the migrations, and the older one is removed', async () => {
    const cache = join(folder, 'cache')
    const migrations = join(folder, 'migrations')
    mkdirSync(join(cache, 'pglite-older'), { recursive: true })
    write('migrations/1_first', 'CREATE TABLE one (a int);')
    expect(await findTemplate(migrations, cache)).toBeUndefined()
    const template = await makeTemplate(migrations, cache)
    expect(await findTemplate(migrations, cache)).toBe(template)
    expect(await makeTemplate(migrations, cache)).toBe(template)
    expect(readdirSync(cache)).toEqual([template.slice(cache.length + 1)])

    const database = await openDatabase({ dataDir: join(folder, 'data'), template })
    expect(await tablesOf(database)).toEqual(['one'])
    expect(await migrate(database, migrations)).toEqual({ applied: [] })
    await database.close()

    write('migrations/2_second', 'CREATE TABLE two (a int);')
    expect(await findTemplate(migrations, cache)).toBeUndefined()
  })
})
