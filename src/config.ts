import { access, stat } from 'node:fs/promises'
import { isAbsolute, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import type { A2aServerDefinition } from './a2a/definition.ts'
import { type ConfiguredAgents, fileShape, unknownNames } from './configFile.ts'
import type { Limits } from './graphql/limits.ts'
import type { SandboxConfig } from './processes/sandbox/settings.ts'
import { DEFAULT_PULL_LIMITS } from './runtimes/pull.ts'
import { SERVER_ROLES, type ServerRole } from './store/servers.ts'

/** What the operator has configured, checked once. */
export interface Config extends ConfiguredAgents {
  host: string
  /** 0: any free one. */
  port: number
  /** Absolute path of what the server keeps: embedded database, artifacts, lock. */
  dataDir: string
  databaseUrl?: string
  redisUrl?: string
  /** Others than `all` are for servers that share a database. */
  role: ServerRole
  /** Among servers that share a database: whoever is silent for so long is dead to the others, in milliseconds. */
  leaseMs: number
  /** How long what runs may go on once the server has been asked to stop, in milliseconds. */
  drainMs: number
  /** How long work may wait for a worker of the runtime pull, in milliseconds. */
  claimMs: number
  /** How many days after the end of a session its events and activities are kept; undefined: for ever. */
  keepEventsDays?: number
  /** The same for the session with everything that belongs to it. */
  keepSessionsDays?: number
  /** Days that the audit log is kept; undefined: for ever. */
  keepAuditDays?: number
  /** Whose signed tokens are taken; undefined: nobody's. */
  jwt?: JwtConfig
  /** Foreign origins that browsers may call from; none by default. */
  origins: string[]
  /** Folders below which projects may have their workspaces; undefined: any that the server's user can read. */
  workspaces?: string[]
  logLevel: (typeof LOG_LEVELS)[number]
  /** What the programs of agents may do on this machine, where it is other than usual. */
  sandbox: SandboxConfig
  /** The repository agents that come with Tutti. */
  builtinAgents: boolean
  /** What one caller may ask for, where it is other than usual. */
  limits: Partial<Limits>
  /** Folders in which attempts change a workspace. */
  worktrees: { files?: number; bytes?: number; shared?: string[] }
  /** Whether browsers are sent GraphiQL. */
  graphiql: boolean
  /** What Tutti is as an agent for others; undefined: it is none. */
  a2aServer?: A2aServerDefinition
  /** Whether it is an MCP server for others. */
  mcpServer: boolean
  /** The only documents that clients may ask for, by id, beside those of Tutti's own programs; undefined: any. */
  trustedDocuments?: Readonly<Record<string, string>>
  /** The server's own environment, from which commands are given what is allowed. */
  environment: Record<string, string | undefined>
}

/** Whose signed tokens (JWT) are taken. */
export interface JwtConfig {
  /** Where the public keys are. */
  keys: { url: string } | { file: string }
  issuer: string
  audience: string
  /** Paths of the claims that say what somebody may do, and in which projects. */
  rolesClaim: string
  projectsClaim: string
}

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

const list = (text: string | undefined): string[] =>
  (text ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')

const environmentShape = z.object({
  TUTTI_HOST: z.string().min(1).default('127.0.0.1'),
  TUTTI_PORT: z.coerce.number().int().min(0).max(65_535).default(4000),
  TUTTI_DATA_DIR: z.string().min(1).default('.tutti'),
  TUTTI_CONFIG: z.string().min(1).optional(),
  TUTTI_ORIGINS: z.string().optional(),
  TUTTI_WORKSPACES: z.string().optional(),
  TUTTI_LOG_LEVEL: z.enum(LOG_LEVELS).default('info'),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }).optional(),
  REDIS_URL: z.url({ protocol: /^rediss?$/ }).optional(),
  TUTTI_ROLE: z.enum(SERVER_ROLES).default('all'),
  TUTTI_LEASE_MS: z.coerce.number().int().min(1_000).max(600_000).default(15_000),
  TUTTI_DRAIN_MS: z.coerce.number().int().min(0).max(3_600_000).default(30_000),
  TUTTI_CLAIM_MS: z.coerce.number().int().min(1_000).max(2_592_000_000).default(DEFAULT_PULL_LIMITS.claimMs),
  TUTTI_KEEP_EVENTS_DAYS: z.coerce.number().int().min(1).max(36_500).optional(),
  TUTTI_KEEP_SESSIONS_DAYS: z.coerce.number().int().min(1).max(36_500).optional(),
  TUTTI_KEEP_AUDIT_DAYS: z.coerce.number().int().min(1).max(36_500).optional(),
  TUTTI_JWKS_URL: z.url({ protocol: /^https?$/ }).optional(),
  TUTTI_JWKS_FILE: z.string().min(1).optional(),
  TUTTI_JWT_ISSUER: z.string().min(1).optional(),
  TUTTI_JWT_AUDIENCE: z.string().min(1).optional(),
  TUTTI_JWT_ROLES: z.string().min(1).default('roles'),
  TUTTI_JWT_PROJECTS: z.string().min(1).default('projects'),
})

/** The configuration cannot be used. The message says what is wrong where. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

/**
 * Reads the configuration: the environment, then the configuration file.
 *
 * @param environment usually process.env; an empty variable counts as not set
 * @param cwd what relative paths are relative to
 * @throws ConfigError
 */
export async function readConfig(environment: Record<string, string | undefined>, cwd: string): Promise<Config> {
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''))
  const env = parse(environmentShape, set, 'environment')
  if (env.TUTTI_ROLE !== 'all' && !(env.DATABASE_URL && env.REDIS_URL)) {
    const missing = (['DATABASE_URL', 'REDIS_URL'] as const).filter((name) => env[name] === undefined).join(' and ')
    throw new ConfigError(
      `TUTTI_ROLE=${env.TUTTI_ROLE} is for servers that share a database, but ${missing} is not set. ` +
        'Set both DATABASE_URL and REDIS_URL, or leave TUTTI_ROLE out: then one server does everything.',
    )
  }
  const path = await findFile(env.TUTTI_CONFIG, cwd)
  const file = parse(fileShape, path === undefined ? {} : await load(path), path ?? '')
  const [unknown] = unknownNames(file)
  if (unknown !== undefined) throw new ConfigError(`${path}: ${unknown}`)
  const origins = list(env.TUTTI_ORIGINS)
  const workspaces = list(env.TUTTI_WORKSPACES).map((folder) => resolve(cwd, folder))
  return {
    host: env.TUTTI_HOST,
    port: env.TUTTI_PORT,
    dataDir: await dataDirAt(resolve(cwd, env.TUTTI_DATA_DIR)),
    ...(env.DATABASE_URL !== undefined && { databaseUrl: env.DATABASE_URL }),
    ...(env.REDIS_URL !== undefined && { redisUrl: env.REDIS_URL }),
    role: env.TUTTI_ROLE,
    leaseMs: env.TUTTI_LEASE_MS,
    drainMs: env.TUTTI_DRAIN_MS,
    claimMs: env.TUTTI_CLAIM_MS,
    ...(env.TUTTI_KEEP_EVENTS_DAYS !== undefined && { keepEventsDays: env.TUTTI_KEEP_EVENTS_DAYS }),
    ...(env.TUTTI_KEEP_SESSIONS_DAYS !== undefined && { keepSessionsDays: env.TUTTI_KEEP_SESSIONS_DAYS }),
    ...(env.TUTTI_KEEP_AUDIT_DAYS !== undefined && { keepAuditDays: env.TUTTI_KEEP_AUDIT_DAYS }),
    ...jwtIn(env, cwd),
    origins,
    ...(workspaces.length > 0 && { workspaces }),
    logLevel: env.TUTTI_LOG_LEVEL,
    ...file,
    environment,
  }
}

/** @throws ConfigError if only some of it is set */
function jwtIn(env: z.infer<typeof environmentShape>, cwd: string): Pick<Config, 'jwt'> {
  const { TUTTI_JWKS_URL: url, TUTTI_JWKS_FILE: file, TUTTI_JWT_ISSUER: issuer, TUTTI_JWT_AUDIENCE: audience } = env
  if (url === undefined && file === undefined && issuer === undefined && audience === undefined) return {}
  const refuse = (why: string) =>
    new ConfigError(
      `${why}. Signed tokens take TUTTI_JWKS_URL or TUTTI_JWKS_FILE, TUTTI_JWT_ISSUER and TUTTI_JWT_AUDIENCE: set all three, or none.`,
    )
  if (url !== undefined && file !== undefined) throw refuse('TUTTI_JWKS_URL and TUTTI_JWKS_FILE are both set')
  const keys = url === undefined ? file !== undefined && { file: resolve(cwd, file) } : { url }
  if (!keys) throw refuse('It is not said where the keys are')
  if (issuer === undefined || audience === undefined) throw refuse('It is not said who signs for whom')
  // Whoever can change the keys on their way can sign anything.
  if (url?.startsWith('http:') && !['localhost', '127.0.0.1', '[::1]'].includes(new URL(url).hostname)) {
    throw refuse('TUTTI_JWKS_URL has to be https, but on this machine')
  }
  return { jwt: { keys, issuer, audience, rolesClaim: env.TUTTI_JWT_ROLES, projectsClaim: env.TUTTI_JWT_PROJECTS } }
}

/**
 * The path of a data directory, which need not be there yet.
 *
 * @throws ConfigError if something else is in its place
 */
export async function dataDirAt(path: string): Promise<string> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    // Where nothing is a folder can be made, but not below a file. Other troubles show when it is used.
    (error: NodeJS.ErrnoException) => error.code !== 'ENOTDIR',
  )
  if (isFolder) return path
  throw new ConfigError(
    `the data directory ${path} is a file, or below one. Name a folder with --data-dir or TUTTI_DATA_DIR; it need not be there yet.`,
  )
}

const FILES = ['tutti.config.ts', 'tutti.config.js', 'tutti.config.mjs', 'tutti.config.json']

async function findFile(named: string | undefined, cwd: string): Promise<string | undefined> {
  const exists = (path: string): Promise<boolean> =>
    access(path).then(
      () => true,
      () => false,
    )
  if (named !== undefined) {
    const path = isAbsolute(named) ? named : join(cwd, named)
    if (!(await exists(path))) throw new ConfigError(`the configuration file ${path} does not exist`)
    return path
  }
  for (const name of FILES) if (await exists(join(cwd, name))) return join(cwd, name)
  return undefined
}

async function load(path: string): Promise<unknown> {
  try {
    const options = path.endsWith('.json') ? { with: { type: 'json' } } : {}
    const module = (await import(pathToFileURL(path).href, options)) as { default?: unknown }
    return module.default ?? {}
  } catch (error) {
    throw new ConfigError(`${path} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}

function parse<T>(shape: z.ZodType<T>, value: unknown, where: string): T {
  const result = shape.safeParse(value)
  if (result.success) return result.data
  const lines = result.error.issues.map(({ path, message }) => `  ${path.join('.')}: ${message}`)
  throw new ConfigError(`the configuration (${where}) cannot be used:\n${lines.join('\n')}`)
}
