import { randomUUID } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Pattern } from '../../core/plan.ts'
import type { StartOrchestrationInput } from '../../generated/gql/graphql.ts'
import { conclude, type ShowOptions, speaker } from '../conclude.ts'
import { Failure } from '../failure.ts'
import type { ServerOptions } from '../home.ts'
import { listenForInterruption } from '../interrupt.ts'
import { succeeded } from '../mutation.ts'
import { StartMutation } from '../operations.ts'
import { ensureProject } from '../project.ts'
import { openServer, type Server } from '../server.ts'
import { readTask, type TaskFile } from '../task-file.ts'
import { oneLine } from '../words.ts'
import { cancelSession } from './cancel.ts'

interface RunOptions extends ServerOptions, ShowOptions {
  repo: string
  /** Path of a file that says what is to be done, instead of words. */
  task?: string
  title?: string
  pattern: Pattern | 'AUTO'
  concurrency?: number
  /** Milliseconds. */
  timeout?: number
  /** False: no closing report. */
  report: boolean
}

/** Titles are at most this long. */
const TITLE_MAX = 200

/** `tutti run`: has a task done and follows it to its end. Returns the exit code. */
export async function run(words: string | undefined, options: RunOptions): Promise<number> {
  const wanted = await wantedIn(words, options)
  const workspace = await workspaceOf(options)
  const interruption = listenForInterruption(() => process.stderr.write('left at once\n'))
  const server = await openServer(options, { embed: true, say: speaker(options) })
  try {
    const project = await ensureProject(server.client, workspace)
    // Nobody wants a session any more that has not begun.
    if (interruption.signal.aborted) return interruption.exitCode() ?? 1
    const sessionId = await start(server, project, wanted, options)
    const cancel = (): Promise<void> => cancelSession(server.client, sessionId, 'canceled with Ctrl-C')
    return await conclude(server, sessionId, options, interruption, { cancel })
  } finally {
    await server.close()
    interruption.stopListening()
  }
}

/** Absolute path of the repository. The files of a server elsewhere cannot be seen from here. */
async function workspaceOf({ repo, server }: RunOptions): Promise<string> {
  const workspace = resolve(repo)
  if (server !== undefined && !isLocal(server)) return workspace
  const found = await stat(workspace).catch(() => undefined)
  if (found?.isDirectory() !== true) throw new Failure(`${workspace} is no folder. Name one with --repo.`)
  return workspace
}

const isLocal = (server: string): boolean => ['localhost', '127.0.0.1', '[::1]'].includes(new URL(server).hostname)

/** What is to be started, from a file or from the words of a person. */
async function wantedIn(words: string | undefined, options: RunOptions): Promise<TaskFile> {
  const { task, pattern, report, title } = options
  if (task !== undefined && words !== undefined) throw new Failure('Give the task in words or with --task, not both.')
  if (task !== undefined) return readTask(task)
  if (words === undefined)
    throw new Failure('Say what is to be done: `tutti run "<task>"`, or name a file with --task.')
  if (words.trim() === '') throw new Failure('The task is empty: say what is to be done.')
  return {
    task: { title: title ?? titleOf(words), description: words.trim() },
    pattern,
    aggregate: report ? 'AGENT' : 'NONE',
  }
}

async function start(server: Server, project: string, wanted: TaskFile, options: RunOptions): Promise<string> {
  const { concurrency, timeout, task: path } = options
  const limits = {
    ...wanted.limits,
    ...(concurrency !== undefined && { concurrency }),
    ...(timeout !== undefined && { totalMs: timeout }),
  }
  try {
    const { startOrchestration } = await server.client.ask(StartMutation, {
      // What is wrong with a file beyond its shape, the server says.
      input: { ...(wanted as object), project, limits, idempotencyKey: randomUUID() } as StartOrchestrationInput,
    })
    return succeeded(startOrchestration).session.id
  } catch (error) {
    if (path === undefined || !(error instanceof Failure)) throw error
    throw new Failure(`${path} cannot be used:\n${error.message}`)
  }
}

/** The beginning of the task, up to the end of a word. */
function titleOf(task: string): string {
  const line = oneLine(task.trim().split('\n')[0] ?? '') || 'Task'
  if (line.length <= TITLE_MAX) return line
  const cut = line.slice(0, TITLE_MAX - 1)
  return `${cut.slice(0, Math.max(cut.lastIndexOf(' '), TITLE_MAX / 2)).toWellFormed()}…`
}
