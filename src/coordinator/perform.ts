import { executionById } from '../core/draft.ts'
import type { Json } from '../core/json.ts'
import type { PlanNode } from '../core/plan.ts'
import type { Assignment } from '../core/schedule.ts'
import type { SessionState } from '../core/state.ts'
import type { Report } from '../core/attempt.ts'
import type { Outcome, Work } from '../runtime.ts'
import { isRefusal } from '../store/fault.ts'
import type { AgentRecord } from '../store/store.ts'
import type { ArtifactRow } from '../store/write.ts'
import { again } from './again.ts'
import type { Directory } from './directory.ts'
import type { Parts } from './parts.ts'
import { keepFiles, reportOf } from './report.ts'
import type { Sessions } from './sessions.ts'
import { stricter, workOf } from './work.ts'

/** Beyond an attempt's own limit: what stopping, storing and reporting may take before the attempt counts as LOST. */
const LEASE_SLACK_MS = 60_000

type Crew = Parts & { sessions: Sessions; directory: Directory }

/** An attempt that this server has claimed. */
interface Claimed {
  state: SessionState
  node: PlanNode
  agent: AgentRecord
  attemptId: string
  fence: number
  timeouts: Work['timeouts']
}

/** What is told of an attempt, and the files that it left. */
interface Told {
  report: Report
  kept: readonly ArtifactRow[]
}

/** Claims, runs and reports one execution. Never throws: what goes wrong becomes a report, or a line in the log. */
export async function perform(parts: Crew, assignment: Assignment, signal: AbortSignal): Promise<void> {
  const { sessions, artifacts, log } = parts
  const { sessionId, executionId } = assignment
  try {
    const claimed = await claim(parts, assignment, signal)
    if (!claimed) return
    const { attemptId } = claimed
    try {
      await tell(parts, claimed, await run(parts, claimed, signal), signal)
    } finally {
      await artifacts.closeFolder(attemptId)
    }
  } catch (error) {
    // Nothing more can be written for this attempt now; its lease or the next start of a server takes it back.
    log.error({ err: error, sessionId, executionId }, 'an execution could not be performed')
    sessions.resumeSoon(sessionId)
  }
}

async function claim(parts: Crew, assignment: Assignment, signal: AbortSignal): Promise<Claimed | undefined> {
  const { sessions, directory, now } = parts
  const { sessionId, executionId, agentId } = assignment
  const attemptId = parts.newId()
  return again(parts, signal, async () => {
    const [agent, known] = await Promise.all([directory.agent(agentId), sessions.read(sessionId)])
    if (signal.aborted || !known) return undefined
    const node = nodeById(known, executionId)
    if (!agent || !node) {
      // Its agent has gone since it was chosen: the engine has to choose another one.
      sessions.resumeSoon(sessionId)
      return undefined
    }
    const timeouts = stricter(node.timeouts, agent.timeouts)
    const { version: agentVersion } = agent
    const leaseUntil = now() + timeouts.attemptMs + LEASE_SLACK_MS
    const step = await sessions.advance(sessionId, {
      type: 'CLAIM',
      executionId,
      attempt: { id: attemptId, agentId, agentVersion, owner: parts.owner, leaseUntil },
      selection: explain(assignment),
    })
    const current = step && executionById(step.state, executionId)?.current
    // Refused, and yet ours: an earlier try was written though its answer got lost.
    if (!step || current?.id !== attemptId || current.status !== 'RUNNING') return undefined
    return { state: step.state, node, agent, attemptId, fence: current.fence, timeouts }
  })
}

/** Does the work. Never throws: whatever goes wrong is told. */
async function run(parts: Crew, claimed: Claimed, signal: AbortSignal): Promise<Told> {
  const { state, node, attemptId } = claimed
  const executionId = (state.executions[node.key] as SessionState['executions'][string]).id
  try {
    const outputDir = await parts.artifacts.openFolder(attemptId)
    const outcome = await drive(parts, claimed, outputDir, signal)
    const where = { sessionId: state.id, executionId, attemptId }
    const kept = outcome.kind === 'OK' ? await keepFiles(parts, where, outputDir, outcome.files) : []
    return { report: reportOf(outcome, kept.length), kept }
  } catch (error) {
    parts.log.error({ err: error, executionId, attemptId }, 'an attempt went wrong')
    return { report: wentWrong('CRASH', (error as Error).message), kept: [] }
  }
}

/** Runs the work and stores what it shows, at the pace of the store. */
async function drive(parts: Crew, claimed: Claimed, outputDir: string, signal: AbortSignal): Promise<Outcome> {
  const { state, node, agent } = claimed
  const runtime = parts.runtimes[agent.runtime]
  if (!runtime) {
    const message = `this server has no runtime "${agent.runtime}"; it has ${Object.keys(parts.runtimes).join(', ')}`
    return { kind: 'ERROR', error: { class: 'UNAVAILABLE', message }, evidence: [], usage: {} }
  }
  const execution = state.executions[node.key] as SessionState['executions'][string]
  const work = await again(parts, signal, () => workOf(parts, state, node, agent, { ...claimed, outputDir }))
  const shown = await again(parts, signal, () => parts.store.activities(execution.id, execution.attempt))
  try {
    const running = runtime.run(work, signal)
    for (;;) {
      const next = await running.next()
      if (next.done) return next.value
      await shown.add(next.value, parts.now())
    }
  } catch (error) {
    throw new Error(`runtime ${runtime.name} failed: ${(error as Error).message}`, { cause: error })
  } finally {
    await shown.close()
  }
}

/** Reports an attempt, again and again if need be: its work is done. */
async function tell(parts: Crew, claimed: Claimed, told: Told, signal: AbortSignal): Promise<void> {
  const { sessions, log } = parts
  const { state, node, attemptId, fence } = claimed
  const executionId = (state.executions[node.key] as SessionState['executions'][string]).id
  const jitter = parts.chance()
  const write = ({ report, kept }: Told): Promise<void> =>
    again(parts, signal, async (tries) => {
      if (tries > 0) {
        // The answer to an earlier try may have got lost.
        await sessions.resume(state.id)
        const read = await sessions.read(state.id)
        const current = read && executionById(read, executionId)?.current
        if (current?.id !== attemptId || current.status !== 'RUNNING') return
      }
      await sessions.advance(state.id, { type: 'REPORT', executionId, attemptId, fence, report, jitter }, kept)
    })
  try {
    await write(told)
  } catch (error) {
    if (!isRefusal(error)) throw error
    log.error({ err: error, executionId, attemptId }, 'the database refuses what an attempt reports')
    const message = `the result cannot be stored: ${(error as Error).message}`
    await write({ report: wentWrong('VALIDATION', message), kept: [] })
  }
}

function wentWrong(errorClass: 'CRASH' | 'VALIDATION', message: string): Report {
  const outcome: Outcome = { kind: 'ERROR', error: { class: errorClass, message }, evidence: [], usage: {} }
  return reportOf(outcome, 0)
}

/** Why this agent, and who came next, as it is stored and shown. */
function explain({ selection }: Assignment): Json {
  const { chosen, ranked } = selection
  return {
    score: chosen?.score ?? null,
    reasons: chosen?.reasons ?? [],
    runnersUp: ranked
      .filter(({ agentId }) => agentId !== chosen?.agentId)
      .slice(0, 3)
      .map(({ name, score }) => ({ name, score })),
  }
}

function nodeById(state: SessionState, executionId: string): PlanNode | undefined {
  const execution = Object.values(state.executions).find(({ id }) => id === executionId)
  return execution && state.plan.nodes[execution.position]
}
