import type { McpServer } from '@agentclientprotocol/sdk'
import { failureOf } from '../../processes/failure.ts'
import type { Failure } from '../../processes/failure.ts'
import type { OutputLimits } from '../../processes/output.ts'
import { startProgram } from '../../processes/program.ts'
import type { Program } from '../../processes/program.ts'
import type { Command, Enclosed } from '../../processes/sandbox.ts'
import type { Activity, Outcome, Usage, Work } from '../../runtime.ts'
import { changesBetween, look } from './changes.ts'
import { openConversation } from './conversation.ts'
import type { Conversation, Ended } from './conversation.ts'
import type { Permissions } from './definition.ts'
import { createGatekeeper } from './gatekeeper.ts'
import { judge } from './judge.ts'
import { openPlace } from './place.ts'
import { promptOf } from './prompt.ts'
import { createShown } from './shown.ts'
import { listen } from './speech.ts'
import type { SpeechLimits } from './speech.ts'
import { openTerminals } from './terminals.ts'
import { layWire } from './wire.ts'
import type { Wire, WireLimits } from './wire.ts'

export interface AttemptLimits extends OutputLimits, WireLimits, SpeechLimits {
  /** Milliseconds that an agent has to end its turn by itself once it is asked to. */
  cancelGraceMs: number
  /** Milliseconds from SIGTERM to SIGKILL. */
  killGraceMs: number
  /** Files of a workspace; in a larger one it is not known what changed. */
  workspaceFiles: number
}

/** One attempt with everything that was decided before it. */
export interface AcpAttempt {
  work: Work
  signal: AbortSignal
  limits: AttemptLimits
  /** What the configuration calls the agent. */
  name: string
  program: Command
  /** NAME=value in the environment of all its processes. */
  marker: string
  /** What to start in a command's stead, so that it is kept apart; undefined where nothing is. */
  enclose(command: Command): Promise<Enclosed | undefined>
  permissions: Permissions
  mode: string | undefined
  mcpServers: McpServer[]
  readsMissingAsEmpty: boolean
  /** Whether work that changes no file has failed, whatever the agent tried. */
  mustChange: boolean
  /** Takes down which process it is. */
  onStart(root: { pid: number; started?: string | undefined }): Promise<void>
  /** Nothing of it is left. */
  onEnd(): Promise<void>
}

const REASON_LENGTH = 500

/** Starts an agent, has it do the work, and ends it with everything that it has started. */
export async function* runAttempt(attempt: AcpAttempt): AsyncGenerator<Activity, Outcome> {
  const { work, signal, limits, name } = attempt
  const began = performance.now()
  const [sdk, before, place] = await Promise.all([
    // Takes 0.15 s, which only those wait for who have such an agent.
    import('@agentclientprotocol/sdk'),
    look(work.workspace, limits.workspaceFiles),
    openPlace(work.workspace, new Set(work.upstream.flatMap(({ artifacts }) => artifacts.map(({ path }) => path)))),
  ])
  const shown = createShown(limits)
  const speech = listen(limits, (activity) => shown.add(activity))
  let wire: Wire | undefined
  const enclosed = await attempt.enclose(attempt.program)
  const program = await startProgram({
    ...(enclosed ?? attempt.program),
    enclosed,
    marker: attempt.marker,
    cwd: work.workspace,
    stdin(streams) {
      wire = layWire(streams, shown, limits, (params) => {
        speech.hear(params)
        if (isSpent(speech.usage(), work.allowance)) endTurn()
      })
      return wire.output
    },
    timeouts: work.timeouts,
    limits,
  })
  if ('failure' in program || !wire) {
    await attempt.onEnd()
    const why = 'failure' in program ? program.failure : 'it has no streams'
    const message = `Agent "${name}": ${attempt.program.file} cannot be started: ${why}. Check the file.`
    return { kind: 'ERROR', error: { class: 'UNAVAILABLE', message }, evidence: [], usage: {} }
  }

  const { permissions, mcpServers, readsMissingAsEmpty, mode } = attempt
  const terminals =
    permissions.execute === 'allow'
      ? openTerminals({
          workspace: work.workspace,
          place,
          env: attempt.program.env,
          marker: attempt.marker,
          enclose: attempt.enclose,
          attemptMs: work.timeouts.attemptMs,
          limits,
          show: (activity) => shown.add(activity),
        })
      : undefined
  const gatekeeper = createGatekeeper({ work, place, permissions }, () => endTurn())
  const agenda = { cwd: work.workspace, prompt: promptOf(work), mode, mcpServers, readsMissingAsEmpty }
  const conversation = openConversation(sdk, wire.stream, agenda, { speech, gatekeeper, terminals })
  // What nobody reads any more must not keep the agent from being heard.
  const drop = (): void => shown.mute(true)
  signal.addEventListener('abort', drop)
  if (signal.aborted) drop()
  const { talked, endTurn } = hold(conversation, program, signal, limits.cancelGraceMs)

  try {
    await attempt.onStart({ pid: program.pid, started: program.started })
    for (let activity = await program.output.next(); activity; activity = await program.output.next()) yield activity
    const [how, ending] = await Promise.all([talked, program.ended])
    await terminals?.close()
    const usage: Usage = { ...speech.usage(), ...(ending.cpuMs !== undefined && { cpuMs: ending.cpuMs }) }
    if (signal.aborted) return { kind: 'CANCELED', usage }
    if (ending.cause === 'ATTEMPT' || ending.cause === 'IDLE') {
      return { kind: 'TIMEOUT', timeout: ending.cause, usage }
    }
    const ask = gatekeeper.asked()
    if (ask) return { kind: 'ASK', ask, usage }
    const failed = ({ class: errorClass, message }: Failure): Outcome => ({
      kind: 'ERROR',
      error: { class: errorClass, message: `Agent "${name}": ${message}.` },
      evidence: [],
      usage,
    })
    if (isSpent(usage, work.allowance)) {
      return failed({ class: 'BUDGET', message: 'it has used up the tokens or the money that it was given' })
    }
    const failure = wire.failure()
    if (failure) return failed(failure)
    if (how.kind === 'AUTH') return signIn(attempt, how.methods, usage)
    if (ending.cause === 'EXCESS' || (how.kind === 'FAILED' && how.error.class === 'CRASH')) {
      // It left in the middle of the conversation.
      return {
        kind: 'ERROR',
        error: failureOf(`Agent "${name}"`, program, { ...ending, enclosed }),
        evidence: [],
        usage,
      }
    }
    if (how.kind === 'FAILED') return failed(how.error)
    const after = await look(work.workspace, limits.workspaceFiles)
    return judge({
      name,
      stopReason: how.stopReason,
      identity: conversation.identity(),
      answer: speech.answer(),
      calls: speech.calls(),
      rulings: gatekeeper.rulings(),
      changes: await changesBetween(work.workspace, before, after),
      mustChange: attempt.mustChange,
      durationMs: Math.round(performance.now() - began),
      usage,
    })
  } finally {
    // Also reached when the reader leaves early: nothing may stay behind then either.
    endTurn()
    signal.removeEventListener('abort', drop)
    const [{ survivors }] = await Promise.all([program.ended, terminals?.close()])
    if (survivors.length === 0) await attempt.onEnd()
  }
}

/** Holds a conversation, and ends the program after it. `endTurn` ends both before their time. */
function hold(
  conversation: Conversation,
  program: Program,
  signal: AbortSignal,
  graceMs: number,
): { talked: Promise<Ended>; endTurn: () => void } {
  let grace: NodeJS.Timeout | undefined
  let isOver = false
  const stop = (): void => program.stop(signal.aborted ? 'CANCELED' : 'EXIT')
  const endTurn = (): void => {
    if (grace || isOver) return
    grace = setTimeout(stop, graceMs)
    if (!conversation.cancel()) stop()
  }
  const talked = conversation.hold().finally(stop)
  signal.addEventListener('abort', endTurn)
  if (signal.aborted) endTurn()
  const forget = (): void => {
    isOver = true
    clearTimeout(grace)
    signal.removeEventListener('abort', endTurn)
  }
  program.ended.then(forget, forget)
  return { talked, endTurn }
}

function isSpent({ inputTokens = 0, outputTokens = 0, cost = 0 }: Usage, { tokens, cost: money }: Work['allowance']) {
  return (tokens !== null && inputTokens + outputTokens > tokens) || (money !== null && cost > money)
}

/** Who has to be signed in is asked for once; after that it is an error. */
function signIn({ name, work, program }: AcpAttempt, methods: string[], usage: Usage): Outcome {
  const ways = methods.length > 0 ? ` It offers: ${methods.join(', ')}.` : ''
  const question = `Agent "${name}" has to be signed in.${ways}`.slice(0, REASON_LENGTH)
  const advice = `Sign in as the server's user with ${program.file}, or give it a key with allowEnv.`
  if (!work.replies.some((reply) => reply.question === question)) {
    return { kind: 'ASK', ask: { kind: 'AUTH', question, shown: { advice, methods } }, usage }
  }
  const error = { class: 'AUTH' as const, message: `${question} It still is not. ${advice}` }
  return { kind: 'ERROR', error, evidence: [], usage }
}
