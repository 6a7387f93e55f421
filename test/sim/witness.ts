import { executionsOf } from '../../src/core/draft.ts'
import { heldAttempt } from '../../src/core/execution.ts'
import { isEnded } from '../../src/core/session.ts'
import type { SessionState } from '../../src/core/state.ts'
import type { Work } from '../../src/runtime.ts'
import { withoutNulls } from '../../src/store/rows.ts'
import type { AgentRecord } from '../../src/store/store.ts'
import type { Transition } from '../../src/store/write.ts'
import { equal, holds } from '../core/invariants.ts'
import type { Coverage } from './coverage.ts'
import { checkStep, type Facts, noFacts } from './rules.ts'
import type { ProjectRow } from './tables.ts'

/** An agent's process. */
export interface Run {
  work: Work
  host: string
  /** Nobody could end it: whoever comes next has to wait until its lease is over. */
  stubborn: boolean
}

/** Sees all that is written and all that agents do, and knows every rule. Its verbs throw what rule is broken. */
export interface Witness {
  /** A transition has been written; `stored` is what can be read of it. */
  written(transition: Transition, stored: SessionState): void
  /** A session has another driver. */
  driven(sessionId: string, version: number, driver: string): void
  begun(work: Work, host: string): Run
  gone(run: Run): void
  /** The processes of agents on a host. */
  running(host: string): Run[]
  /** A server has given up an attempt, which stays RUNNING until its lease is over. */
  givenUp(executionId: string): void
  /** All sessions as they were last written. */
  states(): SessionState[]
  /** Nothing more will happen. */
  atRest(): void
}

interface Seen {
  state: SessionState
  facts: Facts
}

export function createWitness(
  parts: { projects: readonly ProjectRow[]; agents: readonly AgentRecord[] },
  coverage: Coverage,
): Witness {
  const sessions = new Map<string, Seen>()
  const runs = new Set<Run>()
  const begun = new Set<string>()
  const givenUp = new Set<string>()

  /** Rule 5, for each server: what it has in hand as the store sees it. What is being stopped may be gone already. */
  function checkConcurrency(owner: string): void {
    const counts = new Map<string, number>()
    const limits = new Map<string, number>()
    const count = (name: string, limit: number): void => {
      counts.set(name, (counts.get(name) ?? 0) + 1)
      limits.set(name, limit)
    }
    for (const { state } of sessions.values()) {
      if (isEnded(state.status)) continue
      for (const execution of Object.values(state.executions)) {
        const held = heldAttempt(execution)
        if (held?.owner !== owner || execution.aborting !== undefined || givenUp.has(held.id)) continue
        const group = state.plan.groups.find(({ key }) => key === state.plan.nodes[execution.position]?.group)
        const agent = parts.agents.find(({ id }) => id === held.agentId)
        const project = parts.projects.find(({ id }) => id === state.projectId)
        count(`session ${state.id}`, state.limits.concurrency)
        count(`group ${group?.key} of ${state.id}`, group?.concurrency ?? 1)
        count(`agent ${agent?.name}`, agent?.slots ?? 0)
        count(`project ${project?.id}`, project?.concurrency ?? 0)
      }
    }
    for (const [name, number] of counts) {
      holds(number <= (limits.get(name) as number), `concurrency is kept: ${name} has ${number} at once for ${owner}`)
    }
  }

  function attemptOf({ executionId, attemptId, sessionId }: Work): ReturnType<typeof heldAttempt> {
    const state = sessions.get(sessionId)?.state
    const execution = state && executionsOf(state).find(({ id }) => id === executionId)
    return execution?.current?.id === attemptId ? execution.current : undefined
  }

  return {
    written({ before, after, steps }, stored) {
      const seen = sessions.get(after.id)
      if (seen) {
        holds(!isEnded(seen.state.status), `an end is for good: ${after.id} was ${seen.state.status}`)
        if (before !== seen.state) equal(asRead(before), asRead(seen.state), 'a step begins from what is stored')
      }
      const facts = seen?.facts ?? noFacts()
      let last = before
      for (const step of steps) {
        checkStep(facts, last, step)
        coverage.step(last, step)
        last = step.state
      }
      equal(stored, asRead(after), 'what is stored is what was written')
      sessions.set(after.id, { state: after, facts })
      if (isEnded(after.status)) coverage.end(after.status)
      const started = steps.flatMap(({ events }) => events).filter(({ type }) => type === 'ATTEMPT_STARTED')
      const claimed = executionsOf(after).filter(({ id }) => started.some(({ executionId }) => executionId === id))
      for (const owner of new Set(claimed.flatMap(({ current }) => current?.owner ?? []))) checkConcurrency(owner)
    },
    driven(sessionId, version, driver) {
      const seen = sessions.get(sessionId)
      if (seen) sessions.set(sessionId, { ...seen, state: { ...seen.state, version, driver } })
    },
    begun(work, host) {
      const run = { work, host, stubborn: false }
      runs.add(run)
      // A judge, or a command that is a gate: it works on what somebody else has left.
      if (work.fence === 0) return run
      const { sessionId, executionId, attemptId, fence, upstream } = work
      const seen = sessions.get(sessionId)
      const execution = seen && executionsOf(seen.state).find(({ id }) => id === executionId)
      holds(execution !== undefined && execution.fence >= fence, 'an agent begins only with what was claimed')
      holds(!begun.has(attemptId), `an attempt is begun once: ${attemptId}`)
      begun.add(attemptId)
      for (const other of runs) {
        if (other === run || other.host !== host || other.work.executionId !== executionId) continue
        if (other.work.fence === 0) continue
        holds(other.stubborn, `one agent at a time works on ${work.key} of ${sessionId}`)
      }
      for (const { key, status, output } of upstream) {
        const made = seen?.state.executions[key]
        equal([status, output], [made?.status, made?.output ?? null], 'an agent is handed what is stored')
      }
      return run
    },
    gone(run) {
      runs.delete(run)
    },
    states: () => [...sessions.values()].map(({ state }) => state),
    running: (host) => [...runs].filter((run) => run.host === host),
    givenUp(executionId) {
      for (const { state } of sessions.values()) {
        const execution = executionsOf(state).find(({ id }) => id === executionId)
        if (execution?.current) givenUp.add(execution.current.id)
      }
    },
    atRest() {
      for (const { state } of sessions.values()) {
        holds(isEnded(state.status), `every session ends: ${state.id} is ${state.status}`)
      }
      for (const run of runs) {
        holds(attemptOf(run.work)?.status !== 'RUNNING', `no agent goes on for nobody: ${run.work.key}`)
      }
    },
  }
}

/** A column does not tell null from nothing. */
function asRead(state: SessionState): SessionState {
  const executions = Object.entries(state.executions).map(([key, execution]) => [key, withoutNulls({ ...execution })])
  return { ...withoutNulls<SessionState>({ ...state }), executions: Object.fromEntries(executions) }
}
