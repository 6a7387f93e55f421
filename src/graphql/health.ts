import type { LivingServer, ServerRole } from '../store/servers.ts'
import { builder } from './builder.ts'
import type { Context } from './context.ts'
import { LOOK } from './forbidden.ts'

/** How long the database may take to answer, in milliseconds. */
const ANSWER_MS = 2_000

/** Undefined if the database answers in time; else why not. */
export async function databaseTrouble({ database }: Pick<Context, 'database'>): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`it did not answer within ${ANSWER_MS} ms`), ANSWER_MS)
  })
  const answer = database.query('SELECT 1').then(
    () => undefined,
    () => 'it cannot be reached',
  )
  return Promise.race([answer, late]).finally(() => clearTimeout(timer))
}

/** What is not as it should be though the server works, in words. */
export function troublesOf({ bus, condition }: Pick<Context, 'bus' | 'condition'>): string[] {
  return [
    ...(bus.status() === 'down'
      ? [
          'The bus is polling: Redis is away, so what other servers do is seen by looking every second. Nothing is lost.',
        ]
      : []),
    ...(condition.engine() === 'down'
      ? [
          'The engine waits: Redis is away, so no execution begins until it is back. What runs goes on, nothing is lost.',
        ]
      : []),
    ...(condition.unprotected === undefined ? [] : [condition.unprotected]),
  ]
}

const Part = builder.enumType('PartStatus', {
  description: 'Whether a part of the server works.',
  values: { UP: { description: 'It works.' }, DOWN: { description: 'It does not.' } } as const,
})

const ServerRoleEnum = builder.enumType('ServerRole', {
  description: 'What a server process does.',
  values: {
    ALL: { value: 'all', description: 'Takes requests and does work.' },
    API: { value: 'api', description: 'Takes requests; others do the work.' },
    WORKER: { value: 'worker', description: 'Does work and takes no requests.' },
  } as const satisfies Record<Uppercase<ServerRole>, { value: ServerRole; description: string }>,
})

const LivingServerType = builder.objectRef<LivingServer>('Server').implement({
  description: 'A server process that works on this database.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Host and process number.' }),
    role: t.expose('role', { type: ServerRoleEnum, description: 'What it does.' }),
    version: t.exposeString('version', { description: 'Its version of Tutti.' }),
    startedAt: t.expose('startedAt', { type: 'DateTime', description: 'When it began.' }),
    draining: t.exposeBoolean('draining', { description: 'Whether it is stopping and takes nothing more.' }),
  }),
})

const Health = builder.objectRef<object>('Health').implement({
  description: 'How the server is.',
  fields: (t) => ({
    version: t.string({ description: 'Version of Tutti.', resolve: (_root, _args, { version }) => version }),
    role: t.field({
      type: ServerRoleEnum,
      description: 'What this server process does.',
      resolve: (_root, _args, { condition }) => condition.role,
    }),
    database: t.field({
      type: Part,
      description: 'Whether the database answers.',
      resolve: async (_root, _args, context) => ((await databaseTrouble(context)) === undefined ? 'UP' : 'DOWN'),
    }),
    databaseKind: t.string({
      description: 'pglite: embedded in the server; postgres: a server of its own.',
      resolve: (_root, _args, { database }) => database.kind,
    }),
    bus: t.field({
      type: Part,
      description: 'Whether other server processes can be heard. DOWN loses nothing, it delays by seconds.',
      resolve: (_root, _args, { bus }) => (bus.status() === 'up' ? 'UP' : 'DOWN'),
    }),
    engine: t.field({
      type: Part,
      description: 'Whether work can be brought to agents. DOWN loses nothing: what runs goes on, the rest waits.',
      resolve: (_root, _args, { condition }) => (condition.engine() === 'up' ? 'UP' : 'DOWN'),
    }),
    troubles: t.stringList({
      description:
        'What is not as it should be though the server works, in words; a short list, empty when all is well.',
      resolve: (_root, _args, context) => troublesOf(context),
    }),
    draining: t.boolean({
      description: 'Whether this server process is stopping and takes nothing more.',
      resolve: (_root, _args, { stopping }) => stopping.aborted,
    }),
    servers: t.field({
      type: [LivingServerType],
      description: 'The server processes that live, this one among them, the oldest first; a short list.',
      resolve: (_root, _args, { condition }) => condition.servers(),
    }),
    runtimes: t.stringList({
      description: 'Names of the runtimes that agents can be registered for; a short list.',
      resolve: (_root, _args, { runtimes }) => Object.keys(runtimes),
    }),
    uptimeMs: t.field({
      type: 'Duration',
      description: 'Milliseconds since this server process began.',
      resolve: (_root, _args, { startedAt }) => Date.now() - startedAt,
    }),
    sessionsRunning: t.int({
      description: 'Sessions that have not ended, over all projects that you may see.',
      resolve: (_root, _args, { database }) => database.prisma.session.count({ where: { endedAt: null } }),
    }),
  }),
})

builder.queryField('health', (t) =>
  t.field({ type: Health, authScopes: LOOK, description: 'How the server is.', resolve: () => ({}) }),
)
