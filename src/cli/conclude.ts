import type { SessionStatus } from '../core/session.ts'
import { answer } from './answer.ts'
import { follow } from './follow.ts'
import { reportsOf, type ServerOptions } from './home.ts'
import type { Interruption } from './interrupt.ts'
import { type Paint, paintFor } from './render/paint.ts'
import { plainRenderer } from './render/plain.ts'
import { quietRenderer, type Renderer } from './render/renderer.ts'
import { loadResult, uuidOf } from './result.ts'
import { save } from './save.ts'
import type { Server } from './server.ts'
import { summary } from './summary.ts'
import { typedFor } from './typed.ts'
import { sessionInWords } from './words.ts'

/** How a session is shown, and where its results go. */
export interface ShowOptions {
  out?: string
  json?: boolean
  quiet?: boolean
  /** False: no colours. */
  color: boolean
}

/** Where words for a person go while a command works: stdout belongs to the answer when a program reads it. */
export const speaker =
  ({ json, quiet }: Pick<ShowOptions, 'json' | 'quiet'>) =>
  (text: string): void => {
    if (quiet !== true) (json === true ? process.stderr : process.stdout).write(`${text}\n`)
  }

/**
 * Follows a session to its end, saves what it made and prints what it came to.
 *
 * @param stop what the first Ctrl-C does: cancel the session and see its end, or leave it alone
 * @returns the exit code of the process
 */
export async function conclude(
  server: Server,
  sessionId: string,
  options: ShowOptions & ServerOptions,
  interruption: Interruption,
  stop: Stop,
): Promise<number> {
  const { status, left } = await attend(server, sessionId, options, interruption, stop)
  if (left) {
    speaker(options)(
      `The session goes on: ${sessionInWords(status)}. Show it again with: ${typedFor(options)(`watch ${uuidOf(sessionId)}`)}`,
    )
    return interruption.exitCode() ?? 1
  }
  const session = await loadResult(server.client, sessionId)
  const folder = options.out ?? reportsOf(server.dataDir, session.id)
  const result = await save(session, folder, server.client)
  if (options.json === true) process.stdout.write(`${JSON.stringify(answer(result), null, 2)}\n`)
  else {
    const paint = paintFor(process.stdout, options.color)
    const lines = summary(result, paint, process.stdout.columns || undefined)
    process.stdout.write(`${['', ...lines].join('\n')}\n`)
  }
  return interruption.exitCode() ?? (session.status === 'SUCCEEDED' || session.status === 'PARTIAL' ? 0 : 1)
}

type Stop = { cancel: () => Promise<void> } | 'LEAVE'

/**
 * Follows a session to its end, or until whoever follows it leaves.
 *
 * @param stop as for `conclude`
 */
export async function attend(
  server: Server,
  sessionId: string,
  options: Omit<ShowOptions, 'out'> & ServerOptions,
  interruption: Pick<Interruption, 'signal'>,
  stop: Stop,
): Promise<{ status: SessionStatus; left: boolean }> {
  const renderer = await rendererFor(options)
  const left = new AbortController()
  const hear = async (): Promise<void> => {
    if (stop === 'LEAVE') return left.abort()
    renderer.notice('canceling; waiting for what runs to stop. Ctrl-C again leaves at once.')
    await stop.cancel().catch((error: Error) => renderer.notice(`it cannot be canceled: ${error.message}`))
  }
  interruption.signal.addEventListener('abort', () => void hear())
  if (interruption.signal.aborted) void hear()
  const { status } = await follow(server, sessionId, renderer, left.signal)
  return { status, left: left.signal.aborted }
}

async function rendererFor(options: ShowOptions & ServerOptions): Promise<Renderer> {
  const typed = typedFor(options)
  if (options.quiet === true) return quietRenderer((line) => process.stderr.write(`${line}\n`), typed)
  const stream = options.json === true ? process.stderr : process.stdout
  const paint: Paint = paintFor(stream, options.color)
  if (options.json !== true) {
    const { canDraw, terminalRenderer } = await import('./render/terminal.ts')
    if (canDraw(stream, process.env)) return terminalRenderer(stream, paint, Date.now, typed)
  }
  return plainRenderer((line) => stream.write(`${line}\n`), paint, Date.now, typed)
}
