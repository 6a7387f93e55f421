import { codegen } from '@graphql-codegen/core'
import * as typescript from '@graphql-codegen/typescript'
import { Kind, buildASTSchema, concatAST, isTypeSystemDefinitionNode, isTypeSystemExtensionNode, parse } from 'graphql'
import type { DocumentNode } from 'graphql'
import { readText } from '../repository/files.ts'
import type { Repository } from '../repository/files.ts'
import { exportedTypes, oneLine } from './generated.ts'
import type { Generated } from './generated.ts'

/** Schemas that do not fit together beyond these are left out. */
const MAX_SCHEMAS = 300

interface SchemaFile {
  path: string
  document: DocumentNode
}

/**
 * Types from the GraphQL schema files of a repository. All files make one schema if they fit together; else each
 * folder makes one; else each file.
 */
export async function generateFromGraphql(repository: Repository): Promise<Generated[]> {
  const files: SchemaFile[] = []
  const broken: Generated[] = []
  for (const file of repository.files) {
    if (file.material || !/\.(graphqls?|gql)$/i.test(file.path)) continue
    const text = readText(repository.root, file)
    if (text === undefined || text.trim() === '') continue
    try {
      const document = parse(text, { noLocation: true })
      const definitions = document.definitions.filter(
        (node) => isTypeSystemDefinitionNode(node) || isTypeSystemExtensionNode(node),
      )
      // Files of queries only are not a schema.
      if (definitions.length > 0) files.push({ path: file.path, document: { kind: Kind.DOCUMENT, definitions } })
    } catch (error) {
      broken.push({ sources: [file.path], kind: 'GraphQL', error: oneLine(error, repository.root) })
    }
  }
  const generated: Generated[] = []
  for (const group of groups(files).slice(0, MAX_SCHEMAS)) generated.push(await generate(repository.root, group))
  return [...generated, ...broken]
}

/** The largest groups of files that are one valid schema each. */
function groups(files: readonly SchemaFile[]): SchemaFile[][] {
  if (files.length === 0) return []
  if (problem(files) === undefined) return [[...files]]
  const folders = Map.groupBy(files, ({ path }) => path.slice(0, Math.max(0, path.lastIndexOf('/'))))
  return [...folders.values()].flatMap((group) =>
    problem(group) === undefined ? [group] : group.map((file) => [file]),
  )
}

function problem(files: readonly SchemaFile[]): unknown {
  try {
    buildASTSchema(concatAST(files.map(({ document }) => document)))
    return undefined
  } catch (error) {
    return error
  }
}

async function generate(root: string, files: readonly SchemaFile[]): Promise<Generated> {
  const sources = files.map(({ path }) => path)
  const result: Generated = { sources, kind: 'GraphQL' }
  const name = `types/${artifactName(sources)}.ts`
  try {
    const content = await codegen({
      filename: name,
      documents: [],
      schema: concatAST(files.map(({ document }) => document)),
      config: { enumsAsTypes: true, useTypeImports: true, skipTypename: true },
      plugins: [{ typescript: {} }],
      pluginMap: { typescript },
    })
    const text = `/* Generated from ${sources.length > 3 ? `${sources.length} files` : sources.join(', ')}; change that and generate anew. */\n${content}`
    return { ...result, artifact: { name, content: text, types: exportedTypes(name, text) } }
  } catch (error) {
    return { ...result, error: oneLine(problem(files) ?? error, root) }
  }
}

/** The file's own name for one file, else the folder that holds all of them. */
function artifactName(sources: readonly string[]): string {
  if (sources.length === 1) return `${sources[0]!.replace(/\.\w+$/, '')}.graphql`
  const parts = sources[0]!.split('/').slice(0, -1)
  while (parts.length > 0 && !sources.every((path) => path.startsWith(`${parts.join('/')}/`))) parts.pop()
  return [...parts, 'schema.graphql'].join('/')
}
