import { realpathSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compile } from 'json-schema-to-typescript'
import { readText } from '../repository/files.ts'
import type { Repository, RepositoryFile } from '../repository/files.ts'
import { exportedTypes, oneLine } from './generated.ts'
import type { Generated } from './generated.ts'

/** Schema files beyond these are counted only. */
const MAX_SCHEMAS = 300

type Schema = Parameters<typeof compile>[0]

/** Types from each JSON Schema of the repository. References may lead to other files of it, never to the network. */
export async function generateFromJsonSchemas(
  repository: Repository,
  timeLeft: () => number,
): Promise<{ generated: Generated[]; notes: string[] }> {
  const found = repository.files.flatMap((file) => {
    const schema = file.material ? undefined : readSchema(repository.root, file)
    return schema === undefined ? [] : [{ file, schema }]
  })
  const generated: Generated[] = []
  for (const { file, schema } of found.slice(0, MAX_SCHEMAS)) {
    if (timeLeft() === 0) break
    generated.push(await generate(repository.root, file, schema))
  }
  const notes =
    generated.length < found.length
      ? [`Only ${generated.length} of ${found.length} JSON Schema files were used (limit of number or time).`]
      : []
  return { generated, notes }
}

/** A file that says by its name or its `$schema` that it is a JSON Schema. A broken one counts if its name says so. */
function readSchema(root: string, file: RepositoryFile): Schema | string | undefined {
  const named = /[.-]schema\.json$/i.test(file.path)
  if (!named && !file.path.endsWith('.json')) return undefined
  const text = readText(root, file)
  if (text === undefined || (!named && !text.slice(0, 4_000).includes('json-schema.org/'))) return undefined
  try {
    const value = JSON.parse(text) as Schema & { $schema?: unknown }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    const says = typeof value.$schema === 'string' && value.$schema.includes('json-schema.org/')
    return says ||
      (named &&
        ['type', 'properties', '$ref', 'oneOf', 'anyOf', 'allOf', 'definitions', '$defs', 'enum'].some(
          (key) => key in value,
        ))
      ? value
      : undefined
  } catch (error) {
    return named ? `not valid JSON: ${(error as Error).message}` : undefined
  }
}

async function generate(root: string, file: RepositoryFile, schema: Schema | string): Promise<Generated> {
  const result: Generated = { sources: [file.path], kind: 'JSON Schema' }
  if (typeof schema === 'string') return { ...result, error: schema }
  const base = file.path.replace(/([.-]schema)?\.json$/i, '')
  const name = `types/${base}.ts`
  try {
    const content = await compile(schema, base.slice(base.lastIndexOf('/') + 1), {
      bannerComment: `/* Generated from ${file.path}; change that and generate anew. */`,
      cwd: join(root, dirname(file.path)),
      unreachableDefinitions: true,
      style: { singleQuote: true, semi: false, printWidth: 120 },
      $refOptions: {
        resolve: {
          http: false,
          file: { order: 1, canRead: true, read: ({ url }: { url: string }) => readInside(root, url) },
        },
      },
    })
    return { ...result, artifact: { name, content, types: exportedTypes(name, content) } }
  } catch (error) {
    return { ...result, error: oneLine(error, root) }
  }
}

/** The text of a referenced file, if it lies in the workspace. */
async function readInside(root: string, url: string): Promise<string> {
  const path = realpathSync(url.startsWith('file:') ? fileURLToPath(url) : decodeURI(url))
  if (!path.startsWith(realpathSync(root) + sep)) throw new Error(`the reference to ${url} leads out of the workspace`)
  return readFile(path, 'utf8')
}
