import DataLoader from 'dataloader'
import type { Prisma, PrismaClient } from '../generated/prisma/client.ts'
import type { Database } from '../store/db.ts'
import { NOBODY } from './ids.ts'
import type { Viewer } from './rights.ts'

type Where = Record<string, unknown>

/** Which rows of a table exist for whoever has some projects alone. */
interface Rule {
  /** For Prisma. */
  where(projects: readonly string[]): Where
  /** The same in SQL: $1 are the UUIDs of the projects. Undefined: such rows are read by Prisma alone. */
  sql?: string
}

const OWN: Rule = {
  where: (projects) => ({ projectId: { in: [...projects] } }),
  sql: `"projectId" = ANY($1::uuid[])`,
}
const OF_SESSION: Rule = {
  where: (projects) => ({ session: OWN.where(projects) }),
  sql: `"sessionId" IN (SELECT id FROM "Session" WHERE ${OWN.sql})`,
}

/** A table that is not here has no rows for them: asking for it fails. */
const VISIBLE: Partial<Record<string, Rule>> = {
  Project: { where: (projects) => ({ id: { in: [...projects] } }) },
  Task: OWN,
  Session: OWN,
  // Those without a project are offered to all of them.
  Agent: { where: (projects) => ({ OR: [OWN.where(projects), { projectId: null }] }) },
  Execution: OF_SESSION,
  Attempt: OF_SESSION,
  Artifact: OF_SESSION,
  Interrupt: OF_SESSION,
  Verdict: OF_SESSION,
  Checkpoint: OF_SESSION,
  Plan: OF_SESSION,
  Activity: { where: (projects) => ({ execution: OF_SESSION.where(projects) }) },
  Token: OWN,
  AuditEntry: OWN,
  Knowledge: OWN,
  KnowledgeSource: { where: (projects) => ({ knowledge: OWN.where(projects) }) },
} satisfies Partial<Record<Prisma.ModelName, Rule>>

/** The rule of a table for statements that narrow its rows themselves; undefined: they are left to Prisma. */
export const visibleInSql = (model: string): string | undefined => VISIBLE[model]?.sql

/** What Prisma asks for with a `where`; whatever else it can be asked is for those with all projects. */
const NARROWED = new Set([
  'findUnique',
  'findUniqueOrThrow',
  'findFirst',
  'findFirstOrThrow',
  'findMany',
  'count',
  'aggregate',
  'groupBy',
  'update',
  'updateMany',
])

/** Narrowed clients that are kept at once: one for each set of projects. */
const CLIENTS = 1_000

/** The one place that says which rows exist for whom. */
export interface Visibility {
  /** The database as it is for a viewer. Statements in SQL see all of it: they take `projectsMeant`. */
  databaseFor(viewer: Viewer): Database
  /** Whether the row with this UUID is there but not for this viewer. */
  isForeign(viewer: Viewer, id: string): Promise<boolean>
  /** UUID of the project that the row with this UUID belongs to; undefined: none. */
  projectOf(id: string): Promise<string | undefined>
}

export function createVisibility(database: Database): Visibility {
  const clients = new Map<string, Database>()

  /** Everything that has a UUID, with the project that it belongs to; one statement for all who ask at once. */
  const places = new DataLoader<string, { projectId: string | null; shared: boolean } | null>(
    async (ids) => {
      const rows = await database.query<{ id: string; projectId: string | null; shared: boolean }>(PLACES, [[...ids]])
      const found = new Map(rows.map((row) => [row.id, row]))
      return ids.map((id) => found.get(id) ?? null)
    },
    { cache: false, maxBatchSize: 1_000 },
  )

  async function isForeign({ projects }: Viewer, id: string): Promise<boolean> {
    if (projects === undefined) return false
    const place = await places.load(id)
    if (place === null || place.shared) return false
    return place.projectId === null || !projects.includes(place.projectId)
  }

  return {
    isForeign,
    projectOf: async (id) => (await places.load(id))?.projectId ?? undefined,
    databaseFor(viewer) {
      const { projects } = viewer
      if (projects === undefined) return database
      const key = projects.join()
      let known = clients.get(key)
      if (!known) {
        if (clients.size >= CLIENTS) clients.clear()
        const prisma = narrowed(database.prisma, projects, (id) => isForeign(viewer, id))
        known = { ...database, prisma }
        clients.set(key, known)
      }
      return known
    },
  }
}

function narrowed(
  prisma: PrismaClient,
  projects: readonly string[],
  isForeign: (id: string) => Promise<boolean>,
): PrismaClient {
  const client = prisma.$extends({
    query: {
      $allModels: {
        async $allOperations({ model, operation, args, query }) {
          const visible = VISIBLE[model]?.where(projects)
          if (!visible || !NARROWED.has(operation)) throw new Error(`${operation} of ${model} is not for some projects`)
          const { where, ...rest } = args as { where?: Where }
          // Views know no update, so that it is not among what all models do.
          const narrow = operation.startsWith('findUnique') || (operation as string) === 'update'
          const cursors = await withoutForeignCursors(rest, isForeign)
          // A unique `where` has to name its row on the highest level.
          const narrower = narrow ? { ...where, AND: [visible] } : { AND: [where ?? {}, visible] }
          return query({ ...cursors, where: narrower } as never)
        },
      },
    },
  })
  return client as unknown as PrismaClient
}

/** A cursor is the id of a row: that of a row that does not exist for the viewer leads nowhere, at whatever depth. */
async function withoutForeignCursors<Args extends object>(
  args: Args,
  isForeign: (id: string) => Promise<boolean>,
): Promise<Args> {
  const entries = await Promise.all(
    Object.entries(args).map(async ([name, value]: [string, unknown]) => {
      if (name === 'cursor') {
        const { id } = (value ?? {}) as { id?: string }
        return [name, id !== undefined && (await isForeign(id)) ? { id: NOBODY } : value]
      }
      const isTree = (name === 'include' || name === 'select' || isRelation(value)) && value !== null
      return [
        name,
        isTree && typeof value === 'object' ? await withoutForeignCursors(value as object, isForeign) : value,
      ]
    }),
  )
  return Object.fromEntries(entries) as Args
}

const isRelation = (value: unknown): boolean =>
  value !== null && typeof value === 'object' && ('include' in value || 'select' in value || 'cursor' in value)

const ofSessions = (table: string): string =>
  `SELECT r.id, s."projectId", false AS shared FROM "${table}" r JOIN "Session" s ON s.id = r."sessionId" WHERE r.id = ANY($1::uuid[])`
const ofProjects = (table: string, shared = 'false'): string =>
  `SELECT id, "projectId", ${shared} AS shared FROM "${table}" WHERE id = ANY($1::uuid[])`

const PLACES = [
  `SELECT id, id AS "projectId", false AS shared FROM "Project" WHERE id = ANY($1::uuid[])`,
  ofProjects('Task'),
  ofProjects('Session'),
  ofProjects('Agent', '"projectId" IS NULL'),
  ofProjects('Token'),
  ofProjects('AuditEntry'),
  ofProjects('Knowledge'),
  ...['Execution', 'Attempt', 'Artifact', 'Interrupt'].map(ofSessions),
].join(' UNION ALL ')
