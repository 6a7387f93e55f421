/**
 * Writes the SQL that leads from the migrations to prisma/schema.prisma: `npm run migration -- <name>`.
 *
 * Uses Prisma's schema engine as WebAssembly with an in-memory PGlite as its shadow database, so nothing is downloaded
 * and no server is needed. `--check` writes nothing and exits 1 if the migrations and the schema differ.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils'
import { PGlite } from '@electric-sql/pglite'
import { PrismaPGlite } from 'pglite-prisma-adapter'

// Node has it; its types come with those of the browser, which nothing else here needs.
declare const WebAssembly: {
  instantiate(bytes: Uint8Array, imports: object): Promise<{ instance: { exports: object } }>
}

const root = fileURLToPath(new URL('../prisma/', import.meta.url))
const check = process.argv.includes('--check')
const name = process.argv[2]?.replaceAll(/[^a-z0-9]+/gi, '_').toLowerCase()
if (!name) {
  process.stderr.write('usage: npm run migration -- <name of the change>\n')
  process.exit(2)
}

const schema = await readFile(`${root}schema.prisma`, 'utf8')
const folders = (await readdir(`${root}migrations`, { withFileTypes: true }))
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)
  .toSorted()
const migrationDirectories = await Promise.all(
  folders.map(async (path) => ({
    path,
    migrationFile: {
      path: 'migration.sql',
      content: { tag: 'ok' as const, value: await readFile(`${root}migrations/${path}/migration.sql`, 'utf8') },
    },
  })),
)

// The package's entry expects a bundler to load its .wasm; the glue module takes the bytes instead.
const glue = await import('@prisma/schema-engine-wasm/schema_engine_bg')
const wasm = createRequire(import.meta.url)
  .resolve('@prisma/schema-engine-wasm')
  .replace('schema_engine.js', 'schema_engine_bg.wasm')
const { instance } = await WebAssembly.instantiate(await readFile(wasm), {
  './schema_engine_bg.js': glue,
})
;(glue as unknown as { __wbg_set_wasm(exports: unknown): void }).__wbg_set_wasm(instance.exports)
;(instance.exports as { __wbindgen_start?: () => void }).__wbindgen_start?.()
const { SchemaEngine } = glue as unknown as typeof import('@prisma/schema-engine-wasm')

const adapter = bindMigrationAwareSqlAdapterFactory(new PrismaPGlite(new PGlite('memory://')) as never)
const engine = await SchemaEngine.new({ datamodels: [['schema.prisma', schema]] }, () => {}, adapter as never)
const { stdout } = await engine.diff({
  from: {
    tag: 'migrations',
    baseDir: `${root}migrations`,
    lockfile: { path: 'migration_lock.toml', content: 'provider = "postgresql"\n' },
    shadowDatabaseUrl: null,
    migrationDirectories,
    shadowDbInitScript: '',
  } as never,
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
