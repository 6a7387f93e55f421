import type { Context } from './context.ts'
import { builder } from './builder.ts'

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

const Part = builder.enumType('PartStatus', {
  description: 'Whether a part of the server works.',
  values: { UP: { description: 'It works.' }, DOWN: { description: 'It does not.' } } as const,
})

const Health = builder.objectRef<object>('Health').implement({
  description: 'How the server is.',
  fields: (t) => ({
    version: t.string({ description: 'Version of Tutti.', resolve: (_root, _args, { version }) => version }),
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
      description: 'Sessions that have not ended, over all projects.',
      resolve: (_root, _args, { database }) => database.prisma.session.count({ where: { endedAt: null } }),
    }),
  }),
})

builder.queryField('health', (t) => t.field({ type: Health, description: 'How the server is.', resolve: () => ({}) }))
