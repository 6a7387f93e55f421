import { remainingPath } from '../core/graph.ts'
import { isEnded } from '../core/session.ts'
import { select } from '../core/select.ts'
import type { Coordinator, DryRun, Refusal, StartInput } from './coordinator.ts'
import { createDirectory, type Directory } from './directory.ts'
import { checkAgents } from './health.ts'
import type { Parts } from './parts.ts'
import { perform } from './perform.ts'
import { prepare } from './prepare.ts'
import { recover } from './recover.ts'
import { retry } from './retry.ts'
import { wantedOf } from './ready.ts'
import { createSessions } from './sessions.ts'
import { start } from './start.ts'
import { assign } from '../core/schedule.ts'

/** How often agents are proven alive, in milliseconds. */
const HEALTH_MS = 60_000

/** The coordinator of one server process. */
export function createCoordinator(given: Parts): Coordinator {
  const sessions = createSessions(given)
  const directory = createDirectory(given.store, given.now)
  const parts = { ...given, sessions, directory }
  const { engine, timers, log } = parts
  const stopping = new AbortController()
  let callOff = (): void => {}

  engine.start({
    async assign(ready, held) {
      const projects = [...new Set(ready.map(({ projectId }) => projectId))]
      const agents = new Map(await Promise.all(projects.map(async (id) => [id, await directory.agentsOf(id)] as const)))
      const limits = new Map(
        await Promise.all(projects.map(async (id) => [id, await directory.concurrencyOf(id)] as const)),
      )
      const items = ready.map((item) => ({
        ...item,
        limits: { ...item.limits, project: limits.get(item.projectId) as number },
      }))
      return assign(items, held, (projectId) => (agents.get(projectId) ?? []).map((agent) => ({ agent })))
    },
    perform: (assignment, signal) => perform(parts, assignment, signal),
  })

  async function look(): Promise<void> {
    try {
      if ((await checkAgents(parts)) > 0) engine.nudge()
    } catch (error) {
      log.warn({ err: error }, 'the health of the agents could not be checked; it is tried again')
    }
  }

  function lookAgain(): void {
    callOff()
    if (stopping.signal.aborted) return
    callOff = timers.after(HEALTH_MS, () => {
      lookAgain()
      void look()
    })
  }

  return {
    start: (input) => start(parts, input),
    analyze: (input) => dryRun(parts, input),
    retry: (sessionId, idempotencyKey) => retry(parts, sessionId, idempotencyKey),
    async cancel(sessionId, reason) {
      const result = await sessions.advance(sessionId, { type: 'CANCEL', reason })
      if (!result) return { kind: 'NOT_FOUND', what: 'session', id: sessionId }
      // Twice is once; an end, however it came, is for good.
      if (result.refused !== undefined && isEnded(result.state.status)) {
        return { kind: 'CONFLICT', message: result.refused }
      }
      return { kind: 'CANCELING' }
    },
    async recover() {
      await look()
      lookAgain()
      return recover(parts, stopping.signal)
    },
    ended: (sessionId) => sessions.ended(sessionId),
    async stop() {
      stopping.abort()
      callOff()
      await engine.stop()
      sessions.stop()
    },
  }
}

async function dryRun(parts: Parts & { directory: Directory }, input: StartInput): Promise<DryRun | Refusal> {
  const prepared = await prepare(parts, input)
  if (prepared.kind !== 'PREPARED') return prepared
  const { analysis, decomposition, plan, projectId } = prepared
  const agents = await parts.directory.agentsOf(projectId)
  const candidates = agents.map((agent) => ({ agent, running: 0 }))
  const remaining = remainingPath(plan.nodes, () => 1)
  return {
    kind: 'ANALYZED',
    analysis,
    decomposition,
    plan,
    selections: plan.nodes.map((node) => {
      const chosen = node.kind === 'TASK' ? select(wantedOf(node), candidates).chosen : undefined
      const reasons = node.kind === 'TASK' ? (chosen?.reasons ?? []) : ['the coordinator does it itself']
      return { key: node.key, agentId: chosen?.agentId ?? null, agentName: chosen?.name ?? null, reasons }
    }),
    criticalPath: Math.max(0, ...remaining.values()),
  }
}
