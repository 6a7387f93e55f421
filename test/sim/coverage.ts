import { EXECUTION_TABLE, type ExecutionStatus } from '../../src/core/execution.ts'
import { SESSION_TABLE, type SessionStatus } from '../../src/core/session.ts'
import type { SessionState, Step } from '../../src/core/state.ts'

/** What simulations have come to, so that those that never get anywhere are found out. */
export interface Coverage {
  /** Transitions such as "EXECUTION READY ASSIGNED", and how often. */
  readonly transitions: Map<string, number>
  /** Types of events, and how often. */
  readonly events: Map<string, number>
  /** What was done to the worlds, by kind. */
  readonly deeds: Map<string, number>
  /** What agents did, by kind. */
  readonly agents: Map<string, number>
  /** Sessions by their final status. */
  readonly ends: Map<string, number>
  step(before: SessionState, step: Step): void
  end(status: SessionStatus): void
  deed(kind: string): void
  agent(kind: string): void
}

/** Every cell of both tables that leads somewhere, as `Coverage.transitions` names it. */
export const ALL_TRANSITIONS: readonly string[] = [
  ...cellsOf('SESSION', SESSION_TABLE),
  ...cellsOf('EXECUTION', EXECUTION_TABLE),
]

function cellsOf(what: string, table: Readonly<Record<string, Readonly<Record<string, string | null>>>>): string[] {
  const cells = Object.entries(table).flatMap(([from, row]) =>
    Object.values(row).flatMap((to) => (to === null ? [] : [`${what} ${from} ${to}`])),
  )
  return [...new Set(cells)]
}

export function createCoverage(): Coverage {
  const add = (to: Map<string, number>, name: string): void => void to.set(name, (to.get(name) ?? 0) + 1)
  const [transitions, events, deeds, agents, ends] = [1, 2, 3, 4, 5].map(() => new Map<string, number>()) as [
    Map<string, number>,
    Map<string, number>,
    Map<string, number>,
    Map<string, number>,
    Map<string, number>,
  ]
  return {
    transitions,
    events,
    deeds,
    agents,
    ends,
    step(before, step) {
      let session = before.status
      const executions = new Map<string, ExecutionStatus>()
      for (const { id, status } of Object.values(before.executions)) executions.set(id, status)
      for (const { type, executionId = '' } of step.events) {
        add(events, type)
        if (type.startsWith('SESSION_')) {
          const to = type.slice('SESSION_'.length) as SessionStatus
          add(transitions, `SESSION ${session} ${to}`)
          session = to
        } else if (type.startsWith('EXECUTION_')) {
          const to = type.slice('EXECUTION_'.length) as ExecutionStatus
          add(transitions, `EXECUTION ${executions.get(executionId) ?? 'PENDING'} ${to}`)
          executions.set(executionId, to)
        }
      }
    },
    end: (status) => add(ends, status),
    deed: (kind) => add(deeds, kind),
    agent: (kind) => add(agents, kind),
  }
}
