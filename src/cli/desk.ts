import type { Config } from '../config.ts'
import type { Role } from '../core/gate.ts'
import { newId } from '../ids.ts'
import { writeAudit } from '../store/audit.ts'
import { type Database, openDatabase } from '../store/db.ts'
import { acquireLock } from '../store/lock.ts'
import { migrate, MIGRATIONS } from '../store/migrate.ts'
import { findTemplate } from '../store/template.ts'
import { createToken, listTokens, revokeToken } from '../store/token.ts'
import type { Client } from './client.ts'
import { succeeded } from './mutation.ts'
import { everyPage } from './pages.ts'
import { uuidOf } from './result.ts'
import { CreateTokenMutation, ProjectQuery, RevokeTokenMutation, TokensQuery } from './token-operations.ts'

/** A token, as it is listed. */
export interface TokenLine {
  id: string
  name: string
  roles: readonly string[]
  /** Name of the one project that it is for; null: all. */
  project: string | null
  createdBy: string
  createdAt: string
  expiresAt: string | null
  revokedAt: string | null
  lastUsedAt: string | null
}

export interface Wanted {
  name: string
  roles: readonly Role[]
  /** UUID; undefined: all projects. */
  projectId: string | undefined
  expiresAt: Date | undefined
}

/** Where tokens are made: a server that runs, or the database of one that does not. */
export interface Desk {
  /** UUID of a project by its id or its name; undefined: there is none. */
  project(given: { id: string } | { name: string }): Promise<string | undefined>
  create(wanted: Wanted): Promise<{ id: string; secret: string }>
  list(): Promise<TokenLine[]>
  /** @param id UUID */
  revoke(id: string): Promise<void>
  close(): Promise<void>
}

export function deskOf(client: Client): Desk {
  return {
    async project(given) {
      const { project } = await client.ask(ProjectQuery, given)
      return project ? uuidOf(project.id) : undefined
    },
    async create({ name, roles, projectId, expiresAt }) {
      const input = {
        name,
        roles: [...roles],
        ...(projectId !== undefined && { project: projectId }),
        ...(expiresAt && { expiresAt: expiresAt.toISOString() }),
      }
      const { secret, token } = succeeded((await client.ask(CreateTokenMutation, { input })).createToken)
      return { id: uuidOf(token.id), secret }
    },
    async list() {
      const tokens = await everyPage((after) => client.ask(TokensQuery, { after }).then((answer) => answer.tokens))
      return tokens.map(({ id, project, expiresAt, revokedAt, lastUsedAt, ...rest }) => ({
        ...rest,
        id: uuidOf(id),
        project: project?.name ?? null,
        expiresAt: expiresAt ?? null,
        revokedAt: revokedAt ?? null,
        lastUsedAt: lastUsedAt ?? null,
      }))
    },
    async revoke(id) {
      succeeded((await client.ask(RevokeTokenMutation, { input: { id } })).revokeToken)
    },
    close: async () => client.close(),
  }
}

/**
 * The database itself, for whoever has it: so nobody can ever lock themselves out.
 *
 * @throws DataDirectoryInUse if a server has it, and what opening and migrating throw
 */
export async function openDesk({ dataDir, databaseUrl }: Pick<Config, 'dataDir' | 'databaseUrl'>): Promise<Desk> {
  const lock = databaseUrl === undefined ? await acquireLock(dataDir) : undefined
  let database: Database | undefined
  const close = async (): Promise<void> => {
    await database?.close()
    await lock?.release()
  }
  try {
    const template = databaseUrl === undefined ? await findTemplate(MIGRATIONS) : undefined
    database = await openDatabase({ url: databaseUrl, dataDir, template })
    await migrate(database, MIGRATIONS)
    return deskAt(database, close)
  } catch (error) {
    await close()
    throw error
  }
}

/** Whose deeds these are in the audit log. */
const LOCAL = 'local'

function deskAt({ query }: Database, close: () => Promise<void>): Desk {
  async function note(act: string, id: string): Promise<void> {
    const [row] = await query<{ projectId: string | null }>(`SELECT "projectId" FROM "Token" WHERE id = $1`, [id])
    const at = new Date()
    const nothing = { code: null, tokenId: null, detail: null, requestId: null }
    const entry = { id: newId(), at, lastAt: at, count: 1, outcome: 'DONE', viewer: LOCAL, peer: 'cli', act } as const
    await writeAudit(query, [{ ...entry, ...nothing, projectId: row?.projectId ?? null, subject: `Token:${id}` }])
  }
  return {
    async project(given) {
      const [where, value] = 'id' in given ? ['id::text = $1', uuidOf(given.id)] : ['name = $1', given.name]
      const [row] = await query<{ id: string }>(`SELECT id FROM "Project" WHERE ${where}`, [value])
      return row?.id
    },
    async create({ projectId = null, ...wanted }) {
      const made = await createToken(query, newId(), { ...wanted, projectId, createdBy: LOCAL })
      await note('createToken', made.id)
      return made
    },
    async list() {
      const iso = (time: Date | null): string | null => time?.toISOString() ?? null
      return (await listTokens(query)).map(({ id, name, roles, project, createdBy, ...times }) => ({
        id,
        name,
        roles,
        project,
        createdBy,
        createdAt: times.createdAt.toISOString(),
        expiresAt: iso(times.expiresAt),
        revokedAt: iso(times.revokedAt),
        lastUsedAt: iso(times.lastUsedAt),
      }))
    },
    async revoke(id) {
      await revokeToken(query, id)
      await note('revokeToken', id)
    },
    close,
  }
}
