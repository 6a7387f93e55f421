import type { Role } from '../../core/gate.ts'
import { type Desk, deskOf, openDesk, type TokenLine } from '../desk.ts'
import { Failure } from '../failure.ts'
import { environmentOf, type ServerOptions } from '../home.ts'
import { projectCalled } from '../project.ts'
import { uuidOf } from '../result.ts'
import { keepOutOfGit, openServer } from '../server.ts'
import { table } from '../table.ts'
import { oneLine } from '../words.ts'

interface CreateOptions extends ServerOptions {
  role: readonly Role[]
  /** Id or name. */
  project?: string
  expires?: Date
  json?: boolean
}

/** `tutti tokens create`: makes a token and shows its secret, this once. Returns the exit code. */
export async function createToken(name: string, options: CreateOptions): Promise<number> {
  return at(options, async (desk) => {
    const { role: roles, project, expires: expiresAt, json } = options
    const projectId = project === undefined ? undefined : await projectCalled(project, desk.project)
    const { id, secret } = await desk.create({ name, roles, projectId, expiresAt })
    const facts = { id, name, roles, project: project ?? null, expiresAt: expiresAt?.toISOString() ?? null }
    if (json === true) process.stdout.write(`${JSON.stringify({ ...facts, secret }, null, 2)}\n`)
    else {
      const where = project === undefined ? 'all projects' : oneLine(project)
      const until = expiresAt ? `until ${expiresAt.toISOString()}` : 'until it is revoked'
      process.stderr.write(`${oneLine(name)}: ${roles.join(', ')} in ${where}, ${until}. It is shown this once:\n`)
      process.stdout.write(`${secret}\n`)
    }
    return 0
  })
}

/** `tutti tokens list`. Returns the exit code. */
export async function tokens(options: ServerOptions & { json?: boolean }): Promise<number> {
  return at(options, async (desk) => {
    const list = await desk.list()
    if (options.json === true) process.stdout.write(`${JSON.stringify(list, null, 2)}\n`)
    else if (list.length === 0) {
      process.stdout.write('No tokens: everybody on the machine of the server comes in, and nobody else.\n')
    } else {
      const day = (time: string | null): string => time?.slice(0, 16).replace('T', ' ') ?? '-'
      const rows = list.map((token) => [
        token.id,
        oneLine(token.name),
        token.roles.join(','),
        oneLine(token.project ?? 'all'),
        stateOf(token),
        day(token.expiresAt),
        day(token.lastUsedAt),
      ])
      const headings = ['TOKEN', 'NAME', 'ROLES', 'PROJECT', 'STATE', 'EXPIRES (UTC)', 'LAST USED (UTC)']
      process.stdout.write(`${table(headings, rows, process.stdout.columns || undefined).join('\n')}\n`)
    }
    return 0
  })
}

/** `tutti tokens revoke`. Returns the exit code. */
export async function revokeToken(given: string, options: ServerOptions & { json?: boolean }): Promise<number> {
  return at(options, async (desk) => {
    const token = named(given, await desk.list())
    await desk.revoke(token.id)
    if (options.json === true) process.stdout.write(`${JSON.stringify({ id: token.id, name: token.name }, null, 2)}\n`)
    else process.stdout.write(`${oneLine(token.name)} lets nobody in any more.\n`)
    return 0
  })
}

const stateOf = ({ revokedAt, expiresAt }: TokenLine): string => {
  if (revokedAt !== null) return 'revoked'
  return expiresAt !== null && Date.parse(expiresAt) <= Date.now() ? 'expired' : 'valid'
}

/** The token with this id, or the only one that is not revoked and has this name. */
function named(given: string, list: readonly TokenLine[]): TokenLine {
  const byId = list.find(({ id }) => id === uuidOf(given))
  if (byId) return byId
  const [first, ...others] = list.filter(({ name, revokedAt }) => name === given && revokedAt === null)
  if (!first) throw new Failure(`There is no token ${given} that is not revoked. \`tutti tokens list\` lists all.`)
  if (others.length === 0) return first
  const ids = [first, ...others].map(({ id }) => id)
  throw new Failure(`${ids.length} tokens are called ${given}: say which one by its id: ${ids.join(', ')}`)
}

/** At the server that is named, or has the data directory; else at the database, which then nobody has. */
async function at(options: ServerOptions, use: (desk: Desk) => Promise<number>): Promise<number> {
  const desk = await deskFor(options)
  try {
    return await use(desk)
  } finally {
    await desk.close()
  }
}

async function deskFor(options: ServerOptions): Promise<Desk> {
  const viaServer = async (): Promise<Desk> => {
    const server = await openServer(options, { embed: false, say: () => {} })
    return { ...deskOf(server.client), close: () => server.close() }
  }
  if (options.server !== undefined) return viaServer()
  const [{ readConfig }, { readLock }] = await Promise.all([import('../../config.ts'), import('../../store/lock.ts')])
  const config = await readConfig(environmentOf(options), process.cwd())
  for (;;) {
    // A database on a server can be shared; an embedded one is its server's alone.
    if (config.databaseUrl === undefined && (await readLock(config.dataDir))) return viaServer()
    keepOutOfGit(config.dataDir)
    try {
      return await openDesk(config)
    } catch (error) {
      if ((error as Error).name !== 'DataDirectoryInUse') throw error
    }
  }
}
