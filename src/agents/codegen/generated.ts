import { parseSource } from '../repository/source.ts'

/** Types made from one or more schema files, or why there are none. */
export interface Generated {
  /** The schema files, relative to the workspace. */
  sources: string[]
  kind: 'JSON Schema' | 'GraphQL'
  /** Name of the artifact and its text; undefined if it failed. */
  artifact?: { name: string; content: string; types: string[] }
  /** What is wrong with the schema, in one line. */
  error?: string
}

/** Names of the types that a TypeScript text exports; throws if it is not valid TypeScript. */
export function exportedTypes(name: string, content: string): string[] {
  const parsed = parseSource(name, content)
  if (parsed.errors[0]) throw new Error(`the generated TypeScript does not parse: ${parsed.errors[0].message}`)
  return parsed.module.staticExports
    .flatMap((statement) => statement.entries.map((entry) => entry.exportName.name))
    .filter((found) => found !== null)
}

/** A message in one line without the workspace's place on this machine. */
export function oneLine(error: unknown, root: string): string {
  const message = error instanceof Error ? error.message : String(error)
  return message.replaceAll(`${root}/`, '').replace(/\s+/g, ' ').slice(0, 400)
}
