import type { TestProject } from 'vitest/node'
import { openDatabase } from '../src/store/db.ts'
import { migrate, MIGRATIONS } from '../src/store/migrate.ts'
import { makeTemplate } from '../src/store/template.ts'
import { findPostgres, startPostgres, type Postgres } from './servers/postgres.ts'
import { createRunFolder } from './servers/process.ts'
import { findRedis, startRedis, type RedisServer } from './servers/redis.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Folder of a migrated embedded database to copy. */
    pgliteTemplate: string
    /** Address of a PostgreSQL server's maintenance database; undefined when PostgreSQL is not installed. */
    postgresUrl: string | undefined
    /** Address of a Redis that every test file shares; undefined when Redis is not installed. */
    redisUrl: string | undefined
    /** The program, for tests that stop their own Redis. */
    redisProgram: string | undefined
  }
}

/** Name of the migrated database that fresh ones are copied from. */
export const POSTGRES_TEMPLATE = 'tutti_template'

/** Vitest calls it once before the tests that need databases and servers, and what it returns after them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const bin = findPostgres()
  const redisProgram = findRedis()
  missing([...(bin === undefined ? ['postgresql'] : []), ...(redisProgram === undefined ? ['redis-server'] : [])])

  const removeFolder = createRunFolder()
  const servers = await Promise.allSettled([
    bin === undefined ? undefined : preparedPostgres(bin),
    redisProgram === undefined ? undefined : startRedis(redisProgram),
  ])
  // Not beside them: while it is made this process hears nothing, and a connection may be given up meanwhile.
  const started = [...servers, ...(await Promise.allSettled([makeTemplate(MIGRATIONS)]))]
  const [postgres, redis, template] = started.map((result) =>
    result.status === 'fulfilled' ? result.value : undefined,
  ) as [Postgres | undefined, RedisServer | undefined, string | undefined]
  const stop = async () => {
    await Promise.all([postgres?.stop(), redis?.stop()])
    removeFolder()
  }
  const failed = started.find((result) => result.status === 'rejected')
  if (failed || template === undefined) {
    await stop()
    throw failed?.reason
  }
  project.provide('pgliteTemplate', template)
  project.provide('postgresUrl', postgres?.url)
  project.provide('redisUrl', redis?.url)
  project.provide('redisProgram', redisProgram)
  return stop
}

async function preparedPostgres(bin: string): Promise<Postgres> {
  const postgres = await startPostgres(bin)
  try {
    const maintenance = await openDatabase({ url: postgres.url })
    await maintenance.script(`CREATE DATABASE ${POSTGRES_TEMPLATE}`)
    await maintenance.close()
    const url = new URL(postgres.url)
    url.pathname = POSTGRES_TEMPLATE
    const template = await openDatabase({ url: url.href })
    await migrate(template, MIGRATIONS)
    await template.close()
    return postgres
  } catch (error) {
    await postgres.stop()
    throw error
  }
}

/** Nobody should believe that everything was tested when it was not; where it must be, it is an error. */
function missing(packages: readonly string[]): void {
  if (packages.length === 0) return
  const install = `apt-get install ${packages.join(' ')}`
  if (process.env['CI']) throw new Error(`In CI nothing may go untested for want of a server: ${install}`)
  process.stderr.write(`\n!!! NOT TESTED: what needs ${packages.join(' and ')} is skipped. To test it: ${install}\n\n`)
}
