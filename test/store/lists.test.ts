import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database } from '../../src/store/db.ts'
import { type Column, paramOf, tableOf, valueIn } from '../../src/store/lists.ts'
import '../core/seed.ts'
import { DATABASES, freshDatabase } from '../database.ts'

const COLUMNS: readonly Column[] = [
  ['id', 'uuid'],
  ['words', 'text'],
  ['told', 'jsonb'],
  ['verbatim', 'json'],
  ['number', 'int'],
  ['at', 'timestamptz'],
  ['status', '"ExecutionStatus"'],
]

/** What PostgreSQL can hold: no NUL, and nothing that is half a character. */
const words = fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', ''))
const controls = fc
  .array(fc.constantFrom('\u001e', '\u001f', '"', '\\', '{', '}', ',', '\n', 'NULL', ''))
  .map((parts) => parts.join(''))
const json = fc.oneof(
  words,
  controls,
  fc.integer(),
  fc.boolean(),
  fc.dictionary(fc.string({ unit: 'grapheme-ascii', minLength: 1 }), words),
  fc.array(controls),
)
const row = fc.record({
  id: fc.uuid(),
  words: fc.option(fc.oneof(words, controls)),
  told: fc.option(json),
  verbatim: fc.option(json),
  number: fc.option(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })),
  at: fc.option(fc.integer({ min: 0, max: Date.parse('2100-01-01') })),
  status: fc.option(fc.constantFrom('READY', 'ACCEPTED')),
})

describe.each(DATABASES)('rows as parameters, on %s', (kind) => {
  let database: Database
  beforeAll(async () => {
    database = await freshDatabase(kind)
  })
  afterAll(() => database.close())

  it.each([
    ['MANY', 20],
    ['ONE', 1],
  ] as const)('come back as they were, whatever they contain: %s', async (form, maxLength) => {
    const names = COLUMNS.map((column) => `${valueIn(column)} AS "${column[0]}"`).join(', ')
    const sql = `SELECT ${names} FROM ${tableOf(COLUMNS, 1, form)}`
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength }), async (rows) => {
        const listed = rows.map(({ id, ...rest }) => ({ state: rest, more: { id } }))
        const read = await database.query(
          sql,
          COLUMNS.map((column) => paramOf(listed, column, form)),
        )
        expect(read).toEqual(rows.map(({ at, ...rest }) => ({ ...rest, at: at === null ? null : new Date(at) })))
      }),
      { numRuns: 200 },
    )
  })
})
