import { resolve, sep } from 'node:path'
import type { Json } from '../core/json.ts'
import { wellFormed, wellFormedText } from '../core/json.ts'
import type { PlanNode } from '../core/plan.ts'
import type { Assignment } from '../core/schedule.ts'
import type { SessionState } from '../core/state.ts'
import type { Report } from '../core/step.ts'
import type { Outcome, ProducedFile, UpstreamResult, Work } from '../runtime.ts'
import { openActivityLog } from '../store/activity.ts'
import type { ArtifactRow } from '../store/write.ts'
import type { AgentRecord, Directory } from './directory.ts'
import type { Parts } from './parts.ts'
import type { Sessions } from './sessions.ts'

/** Beyond an attempt's own limit: what stopping, storing and reporting may take before the attempt counts as LOST. */
const LEASE_SLACK_MS = 60_000

/** Claims, runs and reports one execution. Never throws: what goes wrong becomes a report, or a line in the log. */
export async function perform(
  parts: Parts & { sessions: Sessions; directory: Directory },
  assignment: Assignment,
  signal: AbortSignal,
): Promise<void> {
  const { sessions, directory, artifacts, log, now } = parts
  const { sessionId, executionId, agentId } = assignment
  const attemptId = parts.newId()
  const where = { sessionId, executionId, attemptId }
  try {
    const [agent, state] = await Promise.all([directory.agent(agentId), sessions.read(sessionId)])
    const node = state && nodeById(state, executionId)
    if (!agent || !node || signal.aborted) return
    const timeouts = stricter(node.timeouts, agent.timeouts)
    const claimed = await sessions.advance(sessionId, {
      type: 'CLAIM',
      executionId,
      attempt: {
        id: attemptId,
        agentId,
        agentVersion: agent.version,
        owner: parts.owner,
        leaseUntil: now() + timeouts.attemptMs + LEASE_SLACK_MS,
      },
      selection: explain(assignment),
    })
    if (!claimed || claimed.refused !== undefined) return
    const fence = claimed.state.executions[node.key]?.fence as number
    const outputDir = await artifacts.openFolder(attemptId)
    const outcome = await drive(parts, claimed.state, node, agent, { attemptId, fence, outputDir, timeouts, signal })
    const kept = outcome.kind === 'OK' ? await keepFiles(parts, where, outputDir, outcome.files) : []
    await sessions.advance(
      sessionId,
      { type: 'REPORT', executionId, attemptId, fence, report: reportOf(outcome, kept.length), jitter: parts.chance() },
      kept,
    )
    await artifacts.closeFolder(attemptId)
  } catch (error) {
    // Nothing more can be written for this attempt now; its lease or the next start of a server takes it back.
    log.error({ err: error, ...where }, 'an execution could not be performed')
  }
}

/** Runs the work and stores what it shows, at the pace of the store. */
async function drive(
  parts: Parts,
  state: SessionState,
  node: PlanNode,
  agent: AgentRecord,
  attempt: { attemptId: string; fence: number; outputDir: string; timeouts: Work['timeouts']; signal: AbortSignal },
): Promise<Outcome> {
  const runtime = parts.runtimes[agent.runtime]
  if (!runtime) {
    const message = `this server has no runtime "${agent.runtime}"; it has ${Object.keys(parts.runtimes).join(', ')}`
    return { kind: 'ERROR', error: { class: 'UNAVAILABLE', message }, evidence: [], usage: {} }
  }
  const execution = state.executions[node.key] as SessionState['executions'][string]
  const { query } = parts.database
  const shown = await openActivityLog({ query, bus: parts.bus, log: parts.log }, execution.id, execution.attempt)
  try {
    const work = await workOf(parts, state, node, agent, attempt)
    const run = runtime.run(work, attempt.signal)
    for (;;) {
      const next = await run.next()
      if (next.done) return next.value
      await shown.add(next.value, parts.now())
    }
  } catch (error) {
    parts.log.error({ err: error, executionId: execution.id }, `runtime ${runtime.name} failed`)
    const message = `runtime ${runtime.name} failed: ${(error as Error).message}`
    return { kind: 'ERROR', error: { class: 'CRASH', message }, evidence: [], usage: {} }
  } finally {
    await shown.close()
  }
}

async function workOf(
  { database, artifacts }: Parts,
  state: SessionState,
  node: PlanNode,
  agent: AgentRecord,
  attempt: { attemptId: string; fence: number; outputDir: string; timeouts: Work['timeouts'] },
): Promise<Work> {
  const execution = state.executions[node.key] as SessionState['executions'][string]
  const upstream = node.needs.map((key) => state.executions[key] as SessionState['executions'][string])
  const [context] = await database.query<{ title: string; description: string; workspace: string }>(
    `SELECT t.title, t.description, p.workspace FROM "Task" t JOIN "Project" p ON p.id = t."projectId" WHERE t.id = $1`,
    [state.taskId],
  )
  // A carried result's artifacts stand with the execution that made them.
  const makers = upstream.map(({ id, carriedId }) => carriedId ?? id)
  const files = await database.query<ArtifactRow>(
    `SELECT * FROM "Artifact" WHERE "executionId" = ANY($1::uuid[]) ORDER BY name`,
    [makers],
  )
  const agents = await database.query<{ id: string; name: string }>(
    `SELECT id, name FROM "Agent" WHERE id = ANY($1::uuid[])`,
    [upstream.flatMap(({ agentId }) => agentId ?? [])],
  )
  const { title = '', description = '', workspace = '' } = context ?? {}
  return {
    sessionId: state.id,
    executionId: execution.id,
    attemptId: attempt.attemptId,
    attempt: execution.attempt,
    fence: attempt.fence,
    key: node.key,
    title: node.title,
    description: node.description,
    task: { title, description },
    agent: { id: agent.id, name: agent.name, type: agent.type },
    input: node.input ?? null,
    upstream: upstream.map((e, index): UpstreamResult => {
      const { key, status, summary, output, error } = e
      const produced = files.filter(({ executionId }) => executionId === makers[index])
      return {
        key,
        title: state.plan.nodes[e.position]?.title ?? key,
        agent: agents.find(({ id }) => id === e.agentId)?.name ?? null,
        status,
        summary: summary ?? null,
        output: output ?? null,
        error: error ? { ...error } : null,
        artifacts: produced.map(({ id, name, kind, mediaType, size, sha256 }) => {
          return { id, name, kind, mediaType, size, sha256, path: artifacts.path(sha256) }
        }),
      }
    }),
    workspace,
    outputDir: attempt.outputDir,
    timeouts: attempt.timeouts,
    runtimeConfig: agent.runtimeConfig,
  }
}

async function keepFiles(
  parts: Parts,
  where: { sessionId: string; executionId: string; attemptId: string },
  outputDir: string,
  files: readonly ProducedFile[],
): Promise<ArtifactRow[]> {
  const rows: ArtifactRow[] = []
  for (const { name, kind, mediaType } of files) {
    const path = resolve(outputDir, name)
    if (!path.startsWith(outputDir + sep)) throw new Error(`a runtime named a file outside of its folder: ${name}`)
    const { sha256, size } = await parts.artifacts.keep(path)
    const createdAt = new Date(parts.now()).toISOString()
    rows.push({ id: parts.newId(), ...where, name: wellFormedText(name), kind, mediaType, size, sha256, createdAt })
  }
  return rows
}

function reportOf(outcome: Outcome, artifacts: number): Report {
  const usage = { ...outcome.usage }
  if (outcome.kind === 'CANCELED') return { kind: 'CANCELED', usage }
  if (outcome.kind === 'TIMEOUT') return { kind: 'TIMEOUT', timeout: outcome.timeout, usage }
  const evidence = wellFormed(outcome.evidence.map((item) => ({ ...item })))
  if (outcome.kind === 'ERROR') {
    const { class: errorClass, message } = outcome.error
    return { kind: 'ERROR', error: { class: errorClass, message: wellFormedText(message) }, evidence, usage }
  }
  const { summary, output } = outcome
  return { kind: 'OK', output: wellFormed(output), summary: wellFormedText(summary), evidence, artifacts, usage }
}

/** The stricter of two limits holds. */
function stricter(node: PlanNode['timeouts'], agent: AgentRecord['timeouts']): Work['timeouts'] {
  return {
    attemptMs: Math.min(node.attemptMs, agent?.attemptMs ?? node.attemptMs),
    idleMs: Math.min(node.idleMs, agent?.idleMs ?? node.idleMs),
  }
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
