/**
 * Writes the SQL that leads from the migrations to prisma/schema.prisma: `npm run migration -- <name>`.
 *
 * Uses Prisma's schema engine as WebAssembly with an in-memory PGlite as its shadow database, so nothing is downloaded
 * and no server is needed. `--check` writes nothing and exits 1 if the migrations and the schema differ.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { PGlite } from '@electric-sql/pglite'
import { PrismaPGlite } from 'pglite-prisma-adapter'
import { createSchemaEngine, migrationList } from './schema-engine.ts'

const root = fileURLToPath(new URL('../prisma/', import.meta.url))
const check = process.argv.includes('--check')
const name = process.argv[2]?.replaceAll(/[^a-z0-9]+/gi, '_').toLowerCase()
if (!name) {
  process.stderr.write('usage: npm run migration -- <name of the change>\n')
  process.exit(2)
}

const schema = await readFile(`${root}schema.prisma`, 'utf8')
const engine = await createSchemaEngine(schema, new PrismaPGlite(new PGlite('memory://')))
const { stdout } = await engine.diff({
  from: { tag: 'migrations', ...(await migrationList(`${root}migrations`)) } as never,
  to: { tag: 'schemaDatamodel', files: [{ path: 'schema.prisma', content: schema }] },
  script: true,
  exitCode: null,
  filters: { externalTables: [], externalEnums: [] },
})
const sql = stdout ?? ''
const empty = sql.trim() === '' || sql.includes('This is an empty migration')
if (check) {
  process.stdout.write(
    empty ? 'migrations and schema agree\n' : `schema.prisma has changes without a migration:\n${sql}\n`,
  )
  process.exit(empty ? 0 : 1)
}
if (empty) {
  process.stdout.write('nothing to migrate: the migrations already lead to this schema\n')
  process.exit(0)
}
const stamp = new Date().toISOString().replaceAll(/\D/g, '').slice(0, 14)
const folder = `${root}migrations/${stamp}_${name}`
await mkdir(folder)
await writeFile(`${folder}/migration.sql`, sql)
process.stdout.write(`wrote prisma/migrations/${stamp}_${name}/migration.sql\n`)
process.exit(0)
