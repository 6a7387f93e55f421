/**
 * Generates TypeScript types from a repository's JSON Schema and GraphQL schema files. They are artifacts; the
 * repository itself is not changed.
 */
import { generateFromGraphql } from './codegen/graphql.ts'
import { generateFromJsonSchemas } from './codegen/json-schema.ts'
import { runAgent } from './protocol/agent.ts'
import { count } from './protocol/wording.ts'
import { readRepository } from './repository/files.ts'

/** Names of types listed for each file. */
const LISTED = 100

await runAgent(async ({ work, say, keep, timeLeft }) => {
  const repository = await readRepository(work.workspace)
  say(`found ${count(repository.files.length, 'file')}`)
  const fromJson = await generateFromJsonSchemas(repository, timeLeft)
  const all = [...fromJson.generated, ...(await generateFromGraphql(repository))]
  for (const { sources, artifact, error } of all) {
    if (artifact) await keep(artifact.name, artifact.content, 'FILE', 'text/typescript')
    say(artifact ? `${sources[0]}: ${count(artifact.types.length, 'type')}` : `${sources[0]}: ${error}`)
  }
  const made = all.filter(({ artifact }) => artifact !== undefined)
  const types = made.reduce((sum, { artifact }) => sum + artifact!.types.length, 0)
  const failed = all.length - made.length
  return {
    summary:
      all.length === 0
        ? 'There are no JSON Schema or GraphQL schema files, so there was nothing to generate.'
        : `${count(types, 'type')} in ${count(made.length, 'file')} from ${count(all.flatMap(({ sources }) => sources).length, 'schema file')}${failed > 0 ? `; ${failed} failed` : '.'}`,
    output: {
      format: 'generated-types',
      types,
      files: made.map(({ artifact, kind, sources }) => ({
        name: artifact!.name,
        kind,
        sources,
        types: artifact!.types.slice(0, LISTED),
        typeCount: artifact!.types.length,
      })),
      failed: all.flatMap(({ sources, kind, error }) => (error === undefined ? [] : [{ sources, kind, error }])),
      ...(all.length === 0 && { reason: 'no schema files' }),
      notes: [...repository.notes, ...fromJson.notes],
    },
    evidence: [
      {
        name: 'generated types parse as TypeScript',
        kind: 'ARTIFACT',
        passed: failed === 0,
        detail: { files: made.length, failed },
      },
    ],
  }
})
