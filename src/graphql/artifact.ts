import { open } from 'node:fs/promises'
import type { Prisma } from '../generated/prisma/client.ts'
import { bounded } from './bound.ts'
import { builder } from './builder.ts'
import { connectionOf, pageCost } from './connection.ts'
import { ArtifactKindEnum, orderInput } from './enums.ts'
import { badInput } from './errors.ts'
import { LOOK } from './forbidden.ts'
import { idOf } from './ids.ts'

const MAX_TEXT = 1_048_576
const DEFAULT_TEXT = 65_536
const TEXTUAL = /^text\/|^application\/(.*\+)?(json|xml|yaml|toml|javascript|x-sh|sql|x-ndjson)\b|^image\/svg/

export const Artifact = builder.prismaNode('Artifact', {
  description: 'A result by reference. Its bytes never change.',
  id: { field: 'id', description: 'Global id.' },
  nullable: true,
  fields: (t) => ({
    session: t.relation('session', { description: 'The session that it was made in.' }),
    execution: t.relation('execution', { description: 'The execution that made it.' }),
    name: t.exposeString('name', { description: 'Path relative to the folder of results, with /.' }),
    kind: t.expose('kind', { type: ArtifactKindEnum, description: 'What it is.' }),
    mediaType: t.exposeString('mediaType', { description: 'For instance text/markdown.' }),
    size: t.exposeInt('size', { description: 'Bytes.' }),
    sha256: t.exposeString('sha256', { description: 'SHA-256 of the bytes, in hexadecimal.' }),
    url: t.string({
      description: 'Path on this server where GET downloads the bytes.',
      select: { id: true },
      resolve: ({ id }) => `/artifacts/${id}`,
    }),
    text: t.string({
      nullable: true,
      description: 'The beginning of the bytes as UTF-8; null if they are no text or are gone.',
      args: {
        maxBytes: t.arg.int({
          defaultValue: DEFAULT_TEXT,
          description: `How many bytes to read at most: 1 to ${MAX_TEXT}, ${DEFAULT_TEXT} unless told.`,
        }),
      },
      // A page of texts must not fill the memory.
      complexity: ({ maxBytes }) => ({ field: 1 + Math.ceil((maxBytes ?? DEFAULT_TEXT) / 2_048) }),
      select: { sha256: true, mediaType: true },
      resolve: ({ sha256, mediaType }, { maxBytes }, { artifacts }) => {
        const limit = maxBytes ?? DEFAULT_TEXT
        if (limit < 1 || limit > MAX_TEXT) throw badInput(`maxBytes is ${limit}; it must be from 1 to ${MAX_TEXT}`)
        return TEXTUAL.test(mediaType) ? readText(artifacts.path(sha256), limit) : null
      },
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was kept.' }),
  }),
})

/** As much text as fits; a character cut in two at the end is left out. */
async function readText(path: string, maxBytes: number): Promise<string | null> {
  try {
    await using file = await open(path)
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.allocUnsafe(maxBytes), position: 0 })
    return new TextDecoder().decode(buffer.subarray(0, bytesRead), { stream: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

export const ArtifactConnection = connectionOf(Artifact, 'artifacts')
export const artifactOrder = orderInput(
  'Artifact',
  { CREATED_AT: 'When they were kept.', NAME: 'Their names.', SIZE: 'Their sizes in bytes.' },
  { CREATED_AT: 'createdAt', NAME: 'name', SIZE: 'size' },
)
const ArtifactFilter = builder.inputType('ArtifactFilter', {
  description: 'Which artifacts are wanted; all conditions hold at once.',
  fields: (t) => ({
    project: t.id({ description: 'Those of the project with this id.' }),
    session: t.id({ description: 'Those of the session with this id.' }),
    execution: t.id({ description: 'Those of the execution with this id.' }),
    kind: t.field({ type: ArtifactKindEnum, description: 'Those of this kind.' }),
    name: t.string({ description: 'Part of the name; upper and lower case are the same.' }),
    sha256: t.string({ description: 'Those with exactly these bytes, by their hash in hexadecimal.' }),
  }),
})

function whereOf(filter: typeof ArtifactFilter.$inferInput | null | undefined): Prisma.ArtifactWhereInput {
  const { project, session, execution, kind, name, sha256 } = filter ?? {}
  return {
    ...(project != null && { session: { projectId: idOf('Project', project) } }),
    ...(session != null && { sessionId: idOf('Session', session) }),
    ...(execution != null && { executionId: idOf('Execution', execution) }),
    ...(kind && { kind }),
    ...(name && { name: { contains: name, mode: 'insensitive' } }),
    ...(sha256 && { sha256 }),
  }
}

builder.queryField('artifacts', (t) =>
  t.prismaConnection(
    {
      type: 'Artifact',
      cursor: 'id',
      authScopes: LOOK,
      description: 'Artifacts, the newest first unless ordered otherwise.',
      complexity: pageCost,
      args: {
        filter: t.arg({ type: ArtifactFilter, description: 'Which ones; all if left out.' }),
        orderBy: t.arg({ type: artifactOrder.input, description: 'In which order; the newest first if left out.' }),
      },
      totalCount: (_root, { filter }, { database }) => database.prisma.artifact.count({ where: whereOf(filter) }),
      resolve: async (query, _root, { filter, orderBy: wanted }, { database }) => {
        const orderBy = artifactOrder.orderBy(wanted, 'desc')
        const where = await bounded(query, database.prisma.artifact, whereOf(filter), orderBy)
        return database.prisma.artifact.findMany({ ...query, where, orderBy: orderBy as never })
      },
    },
    ArtifactConnection,
  ),
)
