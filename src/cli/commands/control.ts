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
  /** What was done, where the status does not show it: for people, and for programs. */
  done?: { words: string; facts: object }
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

/** `tutti input`: tells a session something while it runs, and says who hears it. Returns the exit code. */
export const input = (sessionId: string, text: string, options: ControlOptions): Promise<number> =>
  move(
    options,
    (session) => `watch ${session}`,
    async ({ client }) => {
      const { sendInput } = await client.ask(InputMutation, { input: { sessionId, text } })
      const { policy, ...session } = succeeded(sendInput).session
      const hearers =
        policy.input === 'INTERRUPT'
          ? 'whatever has not begun yet, and to what runs, which begins anew'
          : 'whatever has not begun yet'
      const words = `"${oneLine(text)}" is told to ${hearers}.`
      return { ...session, done: { words, facts: { input: { text, policy: policy.input } } } }
    },
  )

/** `tutti rollback`: undoes what a session did since a checkpoint; without one it lists them. Returns the exit code. */
export async function rollback(
  id: string,
  options: ControlOptions & { toCheckpoint?: number; reason?: string },
): Promise<number> {
  const { toCheckpoint: checkpoint, reason } = options
  if (checkpoint === undefined) return listCheckpoints(id, options)
  const input = { id, checkpoint, ...(reason !== undefined && { reason }) }
  return move(
    options,
    (session) => `watch ${session}`,
    async ({ client }) => succeeded((await client.ask(RollbackMutation, { input })).rollbackSession).session,
  )
}

/** Moves a session and says how it is now and what comes next. */
export async function move(
  options: ControlOptions,
  next: (sessionId: string) => string,
  deed: (server: Server) => Promise<MovedSession>,
): Promise<number> {
  const server = await openServer(options, { embed: false, say: () => {} })
  try {
    const { id, status, done } = await deed(server)
    const session = { id: uuidOf(id), status }
    if (options.json === true) process.stdout.write(`${JSON.stringify({ ...done?.facts, session }, null, 2)}\n`)
    else {
      const words = [...(done ? [done.words] : []), `The session is ${sessionInWords(status)}.`]
      process.stdout.write(`${words.join(' ')} Next: ${typedFor(options)(next(session.id))}\n`)
    }
    return 0
  } finally {
    await server.close()
  }
}

/** Shows somebody who has to name a checkpoint which ones there are. Nothing is undone, so it is a failure. */
async function listCheckpoints(id: string, options: ControlOptions): Promise<number> {
  const server = await openServer(options, { embed: false, say: () => {} })
  try {
    const { session } = await server.client.ask(CheckpointsQuery, { id })
    if (!session) throw new Failure(`There is no session ${id}. \`tutti sessions\` lists the last ones.`)
    if (options.json === true) {
      const checkpoints = session.checkpoints.map(({ seq, ...made }) => ({ checkpoint: seq, ...made }))
      process.stdout.write(`${JSON.stringify({ checkpoints }, null, 2)}\n`)
    } else {
      const rows = session.checkpoints.map(({ seq, createdAt, execution }) => [
        String(seq),
        createdAt.slice(0, 19).replace('T', ' '),
        execution.key,
        oneLine(execution.title),
      ])
      const beginning = ['0', '-', '-', 'its beginning']
      const lines = table(['CHECKPOINT', 'MADE (UTC)', 'AFTER', 'TITLE'], [beginning, ...rows], undefined)
      process.stdout.write(`${lines.join('\n')}\n`)
    }
    const typed = typedFor(options)(`rollback ${id} --to-checkpoint <number>`)
    process.stderr.write(
      `tutti: Nothing was undone, since no checkpoint was named. Say up to which one everything stays, 0 for nothing: ${typed}\n`,
    )
    return 1
  } finally {
    await server.close()
  }
}
