import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils'
import type { SchemaEngine } from '@prisma/schema-engine-wasm'

// Node has it; its types come with those of the browser, which nothing else here needs.
declare const WebAssembly: {
  instantiate(bytes: Uint8Array, imports: object): Promise<{ instance: { exports: object } }>
}

let engineClass: Promise<typeof SchemaEngine> | undefined

/** Prisma's schema engine as WebAssembly: nothing is downloaded. */
export async function createSchemaEngine(schema: string, adapter: object): Promise<SchemaEngine> {
  // Once for a process: the glue module has room for one instance.
  engineClass ??= loadEngine()
  const aware = bindMigrationAwareSqlAdapterFactory(adapter as never)
  return (await engineClass).new({ datamodels: [['schema.prisma', schema]] }, () => {}, aware as never)
}

async function loadEngine(): Promise<typeof SchemaEngine> {
  // The package's entry expects a bundler to load its .wasm; the glue module takes the bytes instead.
  const glue: object = await import('@prisma/schema-engine-wasm/schema_engine_bg')
  const wasm = createRequire(import.meta.url)
    .resolve('@prisma/schema-engine-wasm')
    .replace('schema_engine.js', 'schema_engine_bg.wasm')
  const { instance } = await WebAssembly.instantiate(await readFile(wasm), { './schema_engine_bg.js': glue })
  ;(glue as { __wbg_set_wasm(exports: unknown): void }).__wbg_set_wasm(instance.exports)
  ;(instance.exports as { __wbindgen_start?: () => void }).__wbindgen_start?.()
  return (glue as { SchemaEngine: typeof SchemaEngine }).SchemaEngine
}

/** A folder of migrations as the engine takes it. */
export async function migrationList(folder: string) {
  const names = (await readdir(folder, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .toSorted()
  const migrationDirectories = await Promise.all(
    names.map(async (path) => ({
      path,
      migrationFile: {
        path: 'migration.sql',
        content: { tag: 'ok' as const, value: await readFile(join(folder, path, 'migration.sql'), 'utf8') },
      },
    })),
  )
  return {
    baseDir: folder,
    lockfile: { path: 'migration_lock.toml', content: 'provider = "postgresql"\n' },
    shadowDatabaseUrl: null,
    shadowDbInitScript: '',
    migrationDirectories,
  }
}
