import { randomUUID } from 'node:crypto'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { openDatabase, type Database } from '../../src/store/db.ts'
import { migrate, MIGRATIONS } from '../../src/store/migrate.ts'
import { DATABASES, freshDatabase } from '../database.ts'
import { scratch } from '../servers/process.ts'

describe.each(DATABASES)('the database (%s)', (kind) => {
  let database: Database
  beforeAll(async () => {
    database = await freshDatabase(kind)
    await database.script('CREATE TABLE box (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)')
  })
  const count = async () => (await database.query<{ count: number }>('SELECT count(*) FROM box'))[0]?.count

  describe('hands out the same values whatever it runs on', () => {
    const at = new Date('2026-11-22T10:00:00.123Z')
    it.each([
      ['an int', 'int4', 7, 7],
      ['a bigint', 'int8', 9_007_199_254_740_991, 9_007_199_254_740_991],
      ['a bigint that came as one', 'int8', 5n, 5],
      ['a float', 'float8', 0.1, 0.1],
      ['a numeric', 'numeric', '0.10', '0.10'],
      ['true', 'bool', true, true],
      ['false', 'bool', false, false],
      ['a text', 'text', `it's "so" \\ {,}`, `it's "so" \\ {,}`],
      ['a uuid', 'uuid', '0197b1d6-2f7f-7c3f-8000-000000000000', '0197b1d6-2f7f-7c3f-8000-000000000000'],
      ['an instant', 'timestamptz', at, at],
      ['an instant as text', 'timestamptz', '2026-11-22T15:30:00.123+05:30', at],
      ['a timestamp, taken for UTC', 'timestamp', at, at],
      ['a date', 'date', '2026-02-03', '2026-02-03'],
      ['null', 'text', null, null],
      ['undefined', 'text', undefined, null],
      ['JSON', 'jsonb', '{"a":[1,null,"x"]}', { a: [1, null, 'x'] }],
      ['a JSON array', 'jsonb', '[{"a":1}]', [{ a: 1 }]],
      ['a JSON string', 'jsonb', '"x"', 'x'],
      ['JSON null', 'jsonb', 'null', null],
      ['an object for JSON', 'jsonb', { a: 1 }, { a: 1 }],
      ['bytes', 'bytea', Buffer.from([0, 255]), Buffer.from([0, 255])],
      ['an empty array', 'text[]', [], []],
      ['texts', 'text[]', ['a', null, 'NULL', '', 'b"c,\\'], ['a', null, 'NULL', '', 'b"c,\\']],
      ['ints', 'int4[]', [1, null], [1, null]],
      ['bigints', 'int8[]', [1, 2], [1, 2]],
      ['booleans', 'bool[]', [true, false, null], [true, false, null]],
      ['instants', 'timestamptz[]', [at, null], [at, null]],
      ['JSON texts', 'jsonb[]', ['{"a":"\\"}"}', '[1]', null], [{ a: '"}' }, [1], null]],
      [
        'arrays in an array',
        'int4[]',
        [
          [1, 2],
          [3, 4],
        ],
        [
          [1, 2],
          [3, 4],
        ],
      ],
      ['an enum', '"SessionStatus"', 'RUNNING', 'RUNNING'],
    ])('%s', async (_, type, param, value) => {
      const [row] = await database.query(`SELECT $1::${type} AS value`, [param])
      expect(row).toEqual({ value })
      // The same as an element of an array; an array there would be a second dimension.
      if (type.endsWith('[]')) return
      const [element] = await database.query(`SELECT value FROM unnest($1::${type}[]) AS value`, [[param]])
      expect(element).toEqual({ value })
    })

    it('any JSON and any texts', async () => {
      const text = fc.string({ unit: 'grapheme' }).filter((value) => !value.includes('\0'))
      const json = fc
        .jsonValue({ stringUnit: 'grapheme' })
        .filter((value) => !JSON.stringify(value).includes('\\u0000'))
      await fc.assert(
        fc.asyncProperty(json, fc.array(fc.option(text)), async (value, texts) => {
          const [row] = await database.query('SELECT $1::jsonb AS value, $2::text[] AS texts', [
            JSON.stringify(value),
            texts,
          ])
          expect(row).toEqual({
            value: JSON.parse(JSON.stringify(value)),
            texts,
          })
        }),
        { numRuns: 50 },
      )
    })

    it('counts as numbers', async () => {
      expect(await count()).toBe(0)
    })

    it('times to Prisma and to query alike', async () => {
      const createdAt = new Date('2026-11-22T10:00:00.123Z')
      const id = randomUUID()
      await database.prisma.project.create({ data: { id, name: id, workspace: '/', createdAt } })
      expect(await database.query('SELECT "createdAt" FROM "Project" WHERE id = $1', [id])).toEqual([{ createdAt }])
      await database.query('UPDATE "Project" SET "archivedAt" = $2 WHERE id = $1', [id, createdAt])
      expect(await database.prisma.project.findUnique({ where: { id } })).toMatchObject({
        createdAt,
        archivedAt: createdAt,
      })
    })
  })

  it('keeps what a transaction did, and hands on what it returned', async () => {
    const answer = await database.transaction(async (query, script) => {
      await query('INSERT INTO box (id) VALUES ($1)', [1])
      await script('INSERT INTO box (id) VALUES (2); INSERT INTO box (id) VALUES (3)')
      return 'done'
    })
    expect(answer).toBe('done')
    expect(await count()).toBe(3)
  })

  it('undoes all of a transaction that throws, and rethrows it', async () => {
    const before = await count()
    const failing = database.transaction(async (query) => {
      await query('INSERT INTO box (id) VALUES (100)')
      throw new Error('thought better of it')
    })
    await expect(failing).rejects.toThrow('thought better of it')
    expect(await count()).toBe(before)
  })

  it('undoes all of a script when one statement fails', async () => {
    const before = await count()
    await expect(database.script('INSERT INTO box (id) VALUES (200); SELECT 1/0')).rejects.toMatchObject({
      code: '22012',
    })
    expect(await count()).toBe(before)
  })

  it('tells a broken rule by its SQLSTATE', async () => {
    await database.query('INSERT INTO box (id) VALUES (300)')
    await expect(database.query('INSERT INTO box (id) VALUES (300)')).rejects.toMatchObject({ code: '23505' })
  })

  it('loses no update of transactions at once', async () => {
    await database.query('INSERT INTO box (id) VALUES (400)')
    await Promise.all(
      Array.from({ length: 25 }, () =>
        database.transaction(async (query) => {
          const [row] = await query<{ n: number }>('SELECT n FROM box WHERE id = 400 FOR UPDATE')
          await query('UPDATE box SET n = $1 WHERE id = 400', [(row?.n ?? 0) + 1])
        }),
      ),
    )
    expect(await database.query('SELECT n FROM box WHERE id = 400')).toEqual([{ n: 25 }])
  })
})

describe('the embedded database', () => {
  const dataDir = scratch('embedded')
  afterAll(() => rmSync(dataDir, { recursive: true, force: true }))
  const template = inject('pgliteTemplate')

  it('begins as its template, with nothing left to migrate', async () => {
    const database = await openDatabase({ dataDir: join(dataDir, 'one'), template })
    expect(await migrate(database, MIGRATIONS)).toEqual({ applied: [] })
    await database.close()
  })

  it('keeps what was written after it has been closed and opened again, whatever the template', async () => {
    const first = await openDatabase({ dataDir: join(dataDir, 'two'), template })
    const project = { id: randomUUID(), name: 'kept', workspace: '/' }
    await first.prisma.project.create({ data: project })
    await first.close()
    const second = await openDatabase({ dataDir: join(dataDir, 'two'), template })
    expect(await second.prisma.project.findMany()).toMatchObject([project])
    await second.close()
  })

  it('does not stumble over a beginning that was cut short', async () => {
    mkdirSync(join(dataDir, 'three', 'pglite.new', 'base'), { recursive: true })
    const database = await openDatabase({ dataDir: join(dataDir, 'three'), template })
    expect(await database.prisma.project.count()).toBe(0)
    await database.close()
  })

  it('never deletes what it does not know, and says what to do', async () => {
    mkdirSync(join(dataDir, 'four', 'pglite'), { recursive: true })
    writeFileSync(join(dataDir, 'four', 'pglite', 'mine.txt'), '')
    await expect(openDatabase({ dataDir: join(dataDir, 'four'), template })).rejects.toThrow(/four.*TUTTI_DATA_DIR/)
  })

  it('says what to do when its files are damaged', async () => {
    const damaged = join(dataDir, 'five')
    await (await openDatabase({ dataDir: damaged, template })).close()
    writeFileSync(join(damaged, 'pglite', 'PG_VERSION'), '9.1\n')
    await expect(openDatabase({ dataDir: damaged, template })).rejects.toThrow(/cannot be opened.*TUTTI_DATA_DIR/)
  })

  it('lives in memory alone when asked to', async () => {
    const database = await openDatabase({ dataDir: 'memory' })
    expect(await database.query('SELECT 1 AS one')).toEqual([{ one: 1 }])
    await database.close()
  })
})
