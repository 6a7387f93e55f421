import {
  CheckpointsQuery,
  InputMutation,
  PauseMutation,
  ResumeMutation,
  RollbackMutation,
} from '../control-operations.ts'
import { Failure } from '../failure.ts'
import type { ServerOptions } from '../home.ts'
import { succeeded } from '../mutation.ts'
import { uuidOf } from '../result.ts'
import { openServer, type Server } from '../server.ts'
import { table } from '../table.ts'
import { typedFor } from '../typed.ts'
import { oneLine, sessionInWords } from '../words.ts'

export interface ControlOptions extends ServerOptions {
  json?: boolean
}

interface MovedSession {
  id: string
  status: string
}

/** `tutti pause`: lets nothing new begin in a session. Returns the exit code. */
export const pause = (id: string, options: ControlOptions & { reason?: string }): Promise<number> =>
  move(
    options,
    (session) => `resume ${session}`,
    async ({ client }) => {
      const input = { id, ...(options.reason !== undefined && { reason: options.reason }) }
      return succeeded((await client.ask(PauseMutation, { input })).pauseSession).session
    },
  )

/** `tutti resume`: goes on with a session that is paused. Returns the exit code. */
export const resume = (id: string, options: ControlOptions): Promise<number> =>
  move(
    options,
    (session) => `watch ${session}`,
    async ({ client }) => {
      return succeeded((await client.ask(ResumeMutation, { input: { id } })).resumeSession).session
    },
  )

/** `tutti input`: tells a session something while it runs. Returns the exit code. */
export const input = (sessionId: string, text: string, options: ControlOptions): Promise<number> =>
  move(
    options,
    (session) => `watch ${session}`,
    async ({ client }) => {
      return succeeded((await client.ask(InputMutation, { input: { sessionId, text } })).sendInput).session
    },
  )

/** `tutti rollback`: undoes what a session did since a checkpoint; without one it lists them. Returns the exit code. */
export const rollback = (
  id: string,
  options: ControlOptions & { toCheckpoint?: number; reason?: string },
): Promise<number> =>
  move(
    options,
    (session) => `watch ${session}`,
    async ({ client }) => {
      const { toCheckpoint: checkpoint, reason } = options
      if (checkpoint === undefined) throw await checkpointsOf({ client }, id, options)
      const input = { id, checkpoint, ...(reason !== undefined && { reason }) }
      return succeeded((await client.ask(RollbackMutation, { input })).rollbackSession).session
    },
  )

/** Moves a session and says how it is now and what comes next. */
export async function move(
  options: ControlOptions,
  next: (sessionId: string) => string,
  deed: (server: Server) => Promise<MovedSession>,
): Promise<number> {
  const server = await openServer(options, { embed: false, say: () => {} })
  try {
    const moved = await deed(server)
    const session = { id: uuidOf(moved.id), status: moved.status }
    if (options.json === true) process.stdout.write(`${JSON.stringify({ session }, null, 2)}\n`)
    else {
      const then = typedFor(options)(next(session.id))
      process.stdout.write(`The session is ${sessionInWords(session.status)}. Next: ${then}\n`)
    }
    return 0
  } finally {
    await server.close()
  }
}

/** What to say to somebody who has to name a checkpoint. */
async function checkpointsOf(
  { client }: Pick<Server, 'client'>,
  id: string,
  options: ControlOptions,
): Promise<Failure> {
  const { session } = await client.ask(CheckpointsQuery, { id })
  if (!session) return new Failure(`There is no session ${id}. \`tutti sessions\` lists the last ones.`)
  const rows = session.checkpoints.map(({ seq, createdAt, execution }) => [
    String(seq),
    createdAt.slice(0, 19).replace('T', ' '),
    execution.key,
    oneLine(execution.title),
  ])
  const typed = typedFor(options)
  return new Failure(
    [
      'Say what stays: everything up to a checkpoint, or nothing.',
      ...table(['CHECKPOINT', 'MADE (UTC)', 'AFTER', 'TITLE'], [['0', '-', '-', 'its beginning'], ...rows], undefined),
      `Then: ${typed(`rollback ${id} --to-checkpoint <number>`)}`,
    ].join('\n'),
  )
}
