import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { executionById } from '../core/draft.ts'
import { isIsolated } from '../core/merge.ts'
import type { PlanNode } from '../core/plan.ts'
import type { Assignment } from '../core/schedule.ts'
import type { SessionState } from '../core/state.ts'
import type { Report } from '../core/attempt.ts'
import type { Outcome } from '../runtime.ts'
import { isRefusal } from '../store/fault.ts'
import type { AgentRecord } from '../store/store.ts'
import type { ArtifactRow } from '../store/write.ts'
import { again } from './again.ts'
import { type Claimed, claimFor } from './claim.ts'
import { changesOf, Conflict, openPlace, type Place } from './place.ts'
import { keepFiles, reportOf } from './report.ts'
import type { Tools } from './tools.ts'
import { workOf } from './work.ts'

/** `stopping` fires once the server stops in order. */
type Crew = Tools & { stopping: AbortSignal }

/** What is told of an attempt, and the files that it left. */
interface Told {
  report: Report
  kept: readonly ArtifactRow[]
  /** With a manager's ledger: whom it may delegate to. */
  agents?: readonly AgentRecord[]
}

/** Claims, runs and reports one execution. Never throws: what goes wrong becomes a report, or a line in the log. */
export async function perform(parts: Crew, assignment: Assignment, signal: AbortSignal): Promise<void> {
  const { sessions, artifacts, log } = parts
  const { sessionId, executionId } = assignment
  const leave = sessions.attend(sessionId)
  try {
    const claimed = parts.ahead.claimed(executionId) ?? (await claim(parts, assignment, signal))
    if (!claimed) return
    const { attemptId } = claimed
    try {
      await tell(parts, claimed, await run(parts, claimed, signal), signal)
    } finally {
      if (leavesFiles(parts, claimed) || isIsolated(claimed.state)) await artifacts.closeFolder(attemptId)
    }
  } catch (error) {
    // Nothing more can be written for this attempt now; its lease or the next start of a server takes it back.
    log.error({ err: error, sessionId, executionId }, 'an execution could not be performed')
    sessions.resumeSoon(sessionId)
  } finally {
    leave()
  }
}

async function claim(parts: Crew, assignment: Assignment, signal: AbortSignal): Promise<Claimed | undefined> {
  const { sessions, directory } = parts
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
    const claiming = claimFor(parts, node, agent, assignment, attemptId)
    const step = await sessions.advance(sessionId, claiming.happening)
    const claimed = step && claiming.made(step.state)
    // Refused, and yet ours: an earlier try was written though its answer got lost.
    if (claimed) return claimed
    // Still READY, for instance since the budget is reserved by others: it has to come back to the engine.
    if (step && executionById(step.state, executionId)?.status === 'READY') sessions.turnAway(sessionId, executionId)
    return undefined
  })
}

/** Does the work. Never throws: whatever goes wrong is told. */
async function run(parts: Crew, claimed: Claimed, signal: AbortSignal): Promise<Told> {
  const { state, node, attemptId } = claimed
  const executionId = (state.executions[node.key] as SessionState['executions'][string]).id
  let place: Place | undefined
  try {
    const outputDir = await folderOf(parts, claimed)
    place = await openPlace(parts, { state, key: node.key, agent: claimed.agent, attemptId })
    const before = place ? place.before : await snapshot(parts, claimed, 'before')
    const outcome = await drive(parts, claimed, { outputDir, place }, signal)
    // The server hands it back: that is not the agent's doing.
    if (outcome.kind === 'CANCELED' && parts.stopping.aborted)
      return { report: { kind: 'LOST', meant: true, usage: { ...outcome.usage } }, kept: [] }
    const done = place ? doneIfChanged(outcome) : outcome
    if (done.kind !== 'OK') return { report: reportOf(outcome, []), kept: [] }
    const where = { sessionId: state.id, executionId, attemptId }
    const commit = place ? await place.keep() : await snapshot(parts, claimed, 'after')
    if (outcome.kind !== 'OK' && !commit) return { report: reportOf(outcome, []), kept: [] }
    const proven = place && commit ? await withChanges(parts, claimed, done, { ...place, commit }) : done
    const kept = await keepFiles(parts, where, outputDir, proven.files)
    const report = { ...reportOf(proven, kept), ...(before && { before }), ...(commit && { commit }) }
    const agents = node.kind === 'MANAGE' ? await parts.directory.agentsOf(state.projectId) : undefined
    return { report, kept, ...(agents && { agents }) }
  } catch (error) {
    if (error instanceof Conflict) return { report: wentWrong('REJECTED', error.message), kept: [] }
    parts.log.error({ err: error, executionId, attemptId }, 'an attempt went wrong')
    return { report: wentWrong('CRASH', (error as Error).message), kept: [] }
  } finally {
    // The folder goes with that of the attempt, whatever becomes of this.
    await place?.close().catch((error: unknown) => {
      parts.log.warn({ err: error, attemptId }, 'a worktree could not be removed; it is removed later')
    })
  }
}

/** What an outcome is if files have changed: whoever changes them has done something, though not a word is left of it. */
function doneIfChanged(outcome: Outcome): Outcome {
  if (outcome.kind !== 'NOTHING' || !outcome.ifChanged) return outcome
  const { evidence, usage, ifChanged } = outcome
  return { kind: 'OK', ...ifChanged, files: [], evidence, usage }
}

/** A result with what proves that it has changed something: the paths as evidence, the patch as an artifact. */
async function withChanges(
  parts: Crew,
  { state, attemptId }: Claimed,
  outcome: Extract<Outcome, { kind: 'OK' }>,
  change: { before: string; commit: string },
): Promise<Extract<Outcome, { kind: 'OK' }>> {
  const { evidence, paths, file, patch } = await changesOf(parts, state.projectId, change)
  const [first, ...others] = paths
  const summary = outcome.summary || `changed ${first}${others.length > 0 ? ` and ${others.length} more` : ''}`
  await writeFile(join(await parts.artifacts.openFolder(attemptId), file.name), patch)
  const files = [...outcome.files.filter(({ name }) => name !== file.name), file]
  return { ...outcome, summary, files, evidence: [...outcome.evidence, evidence] }
}

/** Making a folder takes longer than many a step of the coordinator. */
async function folderOf(parts: Crew, claimed: Claimed): Promise<string> {
  const { attemptId } = claimed
  return leavesFiles(parts, claimed) ? parts.artifacts.openFolder(attemptId) : parts.artifacts.folder(attemptId)
}

function leavesFiles({ runtimes }: Crew, { agent }: Claimed): boolean {
  return runtimes[agent.runtime]?.leavesFiles !== false
}

/** Keeps what the workspace holds, where the session or a gate wants it. */
async function snapshot(
  { store, workspaces }: Crew,
  { state, node, attemptId }: Claimed,
  when: 'before' | 'after',
): Promise<string | undefined> {
  const compared = node.gates?.some((gate) => gate.kind === 'FILES' && (gate.changed ?? []).length > 0)
  // In the workspace itself nothing changes then.
  if (isIsolated(state)) return undefined
  if (when === 'before' ? !compared : !state.policy.snapshots) return undefined
  const workspace = await store.workspace(state.projectId)
  return workspace === undefined ? undefined : workspaces.snapshot(workspace, `${state.id}/${attemptId}-${when}`)
}

/** Runs the work and stores what it shows, at the pace of the store. */
async function drive(
  parts: Crew,
  claimed: Claimed,
  { outputDir, place }: { outputDir: string; place: Place | undefined },
  signal: AbortSignal,
): Promise<Outcome> {
  const { state, node, agent } = claimed
  const runtime = parts.runtimes[agent.runtime]
  if (!runtime) {
    const message = `this server has no runtime "${agent.runtime}"; it has ${Object.keys(parts.runtimes).join(', ')}`
    return { kind: 'ERROR', error: { class: 'UNAVAILABLE', message }, evidence: [], usage: {} }
  }
  const execution = state.executions[node.key] as SessionState['executions'][string]
  const given = await again(parts, signal, () => workOf(parts, state, node, agent, { ...claimed, outputDir }))
  const work = place ? { ...given, workspace: place.path } : given
  const shown = parts.store.activities(execution.id, execution.attempt)
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
  const write = ({ report, kept, agents }: Told): Promise<void> =>
    again(parts, signal, async (tries) => {
      if (tries > 0) {
        // The answer to an earlier try may have got lost.
        await sessions.resume(state.id)
        const read = await sessions.read(state.id)
        const current = read && executionById(read, executionId)?.current
        if (current?.id !== attemptId || current.status !== 'RUNNING') return
      }
      const told = { executionId, attemptId, fence, report, jitter, ...(agents && { agents }) }
      await sessions.advance(state.id, { type: 'REPORT', ...told }, kept)
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

function wentWrong(errorClass: 'CRASH' | 'VALIDATION' | 'REJECTED', message: string): Report {
  const outcome: Outcome = { kind: 'ERROR', error: { class: errorClass, message }, evidence: [], usage: {} }
  return reportOf(outcome, [])
}

function nodeById(state: SessionState, executionId: string): PlanNode | undefined {
  const execution = Object.values(state.executions).find(({ id }) => id === executionId)
  return execution && state.plan.nodes[execution.position]
}
