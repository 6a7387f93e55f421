import { randomUUID } from 'node:crypto'
import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { resolve } from 'node:path'
import {
  ArchiveAgentMutation,
  ArchiveProjectMutation,
  RegisterAgentMutation,
  RegistrationQuery,
} from '../agent-operations.ts'
import { type AgentLine, agentsOf, takesWork } from '../agents.ts'
import type { Client } from '../client.ts'
import { attend, type ShowOptions, speaker } from '../conclude.ts'
import { Failure } from '../failure.ts'
import type { ServerOptions } from '../home.ts'
import { type Interruption, listenForInterruption } from '../interrupt.ts'
import { succeeded } from '../mutation.ts'
import { CreateProjectMutation, StartMutation } from '../operations.ts'
import { makeProbe, type ProbeTask, probeTask } from '../probe.ts'
import { notTried, probeLines, type ProbeResult, probeResult } from '../probe-result.ts'
import { paintFor } from '../render/paint.ts'
import { uuidOf } from '../result.ts'
import { openServer, type Server } from '../server.ts'
import { typedFor } from '../typed.ts'
import { duration, oneLine } from '../words.ts'
import { cancelSession } from './cancel.ts'

interface TestOptions extends ServerOptions, Omit<ShowOptions, 'out'> {
  /** What is to be done, instead of what fits its type. */
  task?: string
  /** Milliseconds. */
  timeout: number
  /** Folder in which the throw-away repository is made. */
  in?: string
  /** Name of the project whose agent is meant, where several have the name. */
  project?: string
}

/** How much longer than the session's own limit of time somebody who waits for it has patience, in milliseconds. */
const PATIENCE_MS = 5_000

/** `tutti agents test`: has an agent do a real task on a throw-away repository. Returns the exit code. */
export async function testAgent(name: string, options: TestOptions): Promise<number> {
  let folder: string | undefined
  const interruption = listenForInterruption(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
    process.stderr.write('left at once\n')
  })
  const server = await openServer(options, { embed: true, say: speaker(options) })
  try {
    const agent = named(name, await agentsOf(server.client), options)
    if (!takesWork(agent)) return show(notTried(agent), options)
    const probe = await makeProbe(resolve(options.in ?? tmpdir()))
    folder = probe.folder
    try {
      const result = await tried(server, agent, probe.folder, options, interruption)
      const code = show(result, options)
      return interruption.exitCode() ?? code
    } finally {
      await probe.remove().catch((error: Error) => {
        // What was found out stands.
        process.stderr.write(`The throw-away repository could not be removed: ${error.message}\n`)
      })
    }
  } finally {
    await server.close()
    interruption.stopListening()
  }
}

/** The agent that is meant. */
function named(given: string, all: readonly AgentLine[], options: TestOptions): AgentLine {
  const found = all.filter(
    ({ id, name, project }) =>
      (name === given || id === uuidOf(given)) && (options.project === undefined || project === options.project),
  )
  const [first, ...others] = found
  if (!first) {
    const names = [...new Set(all.map(({ name }) => oneLine(name)))].join(', ') || 'none'
    const where = options.project === undefined ? '' : ` of the project ${options.project}`
    throw new Failure(`There is no agent ${given}${where}. There are: ${names}.`)
  }
  if (others.length === 0) return first
  const ofAll = found.find(({ project }) => project === null)
  if (ofAll) return ofAll
  const projects = found.map(({ project }) => project).join(', ')
  throw new Failure(`Several projects have an agent ${given}: say with --project which one is meant: ${projects}.`)
}

async function tried(
  server: Server,
  agent: AgentLine,
  folder: string,
  options: TestOptions,
  interruption: Interruption,
): Promise<ProbeResult> {
  const task = probeTask(agent.type, options.task)
  const project = await projectIn(server.client, folder)
  let copy: string | undefined
  try {
    if (agent.project !== null) copy = await copied(server.client, agent, project)
    const sessionId = await start(server.client, { project, agent, task, timeout: options.timeout })
    await followed(server, sessionId, options, interruption)
    const now = (await agentsOf(server.client)).find(({ id }) => id === (copy ?? agent.id))
    const result = await probeResult(server.client, sessionId, { ...agent, ...now, name: agent.name }, task.leaves)
    return copy === undefined
      ? result
      : { ...result, notes: [...result.notes, `It is for one project: a copy of its registration was tried.`] }
  } finally {
    await putAway(server.client, project, copy)
  }
}

/** A project for the throw-away repository alone. */
async function projectIn(client: Client, workspace: string): Promise<string> {
  const { createProject: result } = await client.ask(CreateProjectMutation, {
    input: { name: `probe-${randomUUID()}`, workspace },
  })
  if (result.__typename !== 'InvalidInputError') return succeeded(result).project.id
  const advice = 'Name a folder in which it may work and that the server can see: --in <folder>.'
  throw new Failure(`The throw-away repository is refused: ${result.message}\n${advice}`)
}

/** An agent of one project cannot work in another one: so it is registered there too. Its UUID. */
async function copied(client: Client, agent: AgentLine, project: string): Promise<string> {
  if (agent.runtime === 'pull') {
    throw new Failure(
      `${agent.name} is for the project ${agent.project} alone, and its workers fetch work from there alone. Start a session there that names it in a sub-task.`,
    )
  }
  const { node } = await client.ask(RegistrationQuery, { id: `Agent:${agent.id}` })
  if (node?.__typename !== 'Agent') throw new Failure(`${agent.name} has just been archived.`)
  const { __typename: _, timeouts, capabilities, ...rest } = node
  const input = { ...rest, capabilities: [...capabilities], project, ...(timeouts && { timeouts }) }
  return uuidOf(succeeded((await client.ask(RegisterAgentMutation, { input })).registerAgent).agent.id)
}

async function start(
  client: Client,
  { project, agent, task, timeout }: { project: string; agent: AgentLine; task: ProbeTask; timeout: number },
): Promise<string> {
  const { title, description } = task
  const { startOrchestration } = await client.ask(StartMutation, {
    input: {
      project,
      task: {
        title: `Try ${agent.name}`,
        description: '',
        subTasks: [{ key: 'probe', title, description, agent: agent.name, maxAttempts: 1 }],
      },
      pattern: 'SEQUENTIAL',
      aggregate: 'NONE',
      // What it changes is to be seen, whatever it does with a workspace otherwise.
      policy: { isolation: 'WORKTREES' },
      limits: { totalMs: timeout },
      idempotencyKey: randomUUID(),
    },
  })
  return succeeded(startOrchestration).session.id
}

/** Follows the session to its end; whatever it waits for, it is stopped when its time is over. */
async function followed(
  server: Server,
  sessionId: string,
  options: TestOptions,
  interruption: Interruption,
): Promise<void> {
  const late = AbortSignal.timeout(options.timeout + PATIENCE_MS)
  const reason = (): string =>
    interruption.signal.aborted ? 'canceled with Ctrl-C' : `it was not done within ${duration(options.timeout)}`
  const signal = AbortSignal.any([interruption.signal, late])
  const cancel = (): Promise<void> => cancelSession(server.client, sessionId, reason())
  await attend(server, sessionId, options, { signal }, { cancel })
}

/** Nothing of it is listed any more; its history stays. */
async function putAway(client: Client, project: string, copy: string | undefined): Promise<void> {
  try {
    if (copy !== undefined) succeeded((await client.ask(ArchiveAgentMutation, { input: { id: copy } })).archiveAgent)
    succeeded((await client.ask(ArchiveProjectMutation, { input: { id: project } })).archiveProject)
  } catch (error) {
    process.stderr.write(`The project of the probe could not be archived: ${(error as Error).message}\n`)
  }
}

function show(result: ProbeResult, options: TestOptions): number {
  if (options.json === true) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`)
  else {
    const lines = probeLines(result, paintFor(process.stdout, options.color))
    const { session, works } = result
    const more = session && !works ? [`${'More:'.padEnd(10)} ${typedFor(options)(`watch ${session.id}`)}`] : []
    process.stdout.write(`${['', ...lines, ...more].join('\n')}\n`)
  }
  return result.works ? 0 : 1
}
