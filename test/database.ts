import { randomUUID } from 'node:crypto'
import { rmSync } from 'node:fs'
import { afterAll, inject } from 'vitest'
import { openDatabase, type Database } from '../src/store/db.ts'
import { type EventRow, eventsBetween } from '../src/store/journal.ts'
import { scratch } from './servers/process.ts'
import { POSTGRES_TEMPLATE } from './services.ts'

/** The kinds of database that can be tested here: without an installed PostgreSQL only the embedded one. */
export const DATABASES: readonly Database['kind'][] =
  inject('postgresUrl') === undefined ? ['pglite'] : ['pglite', 'postgres']

const cleanups: (() => Promise<void>)[] = []
afterAll(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

/** An empty, migrated database of this test file's own. It is closed and deleted after the file's last test. */
export async function freshDatabase(kind: Database['kind']): Promise<Database> {
  if (kind === 'pglite') {
    const dataDir = scratch('pglite')
    cleanups.push(async () => rmSync(dataDir, { recursive: true, force: true }))
    return closedAtTheEnd(await openDatabase({ dataDir, template: inject('pgliteTemplate') }))
  }
  return closedAtTheEnd(await openDatabase({ url: await freshPostgres(POSTGRES_TEMPLATE) }))
}

/**
 * Makes a database on the test server and returns its address. It is dropped after the file's last test.
 *
 * @param template what to copy; 'template0' is an empty one
 */
export async function freshPostgres(template: string): Promise<string> {
  const url = new URL(inject('postgresUrl') ?? '')
  const name = `test_${randomUUID().replaceAll('-', '')}`
  await maintain(url.href, `CREATE DATABASE ${name} TEMPLATE ${template}`)
  cleanups.push(() => maintain(inject('postgresUrl') ?? '', `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`))
  url.pathname = name
  return url.href
}

function closedAtTheEnd(database: Database): Database {
  // In front: it must be closed before what it lies on is deleted.
  cleanups.unshift(() => database.close())
  return database
}

async function maintain(url: string, sql: string): Promise<void> {
  const server = await openDatabase({ url, poolSize: 1 })
  await server.script(sql).finally(() => server.close())
}

/** All events of a session, in order. */
export function eventsOf({ query }: Pick<Database, 'query'>, sessionId: string): Promise<EventRow[]> {
  const all = { after: 0, before: 2 ** 31 - 1, limit: 100_000, descending: false }
  return eventsBetween(query, sessionId, all)
}
