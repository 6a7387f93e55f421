import type { Analysis } from '../core/analysis.ts'
import type { Event } from '../core/event.ts'
import type { AttemptState, ExecutionState } from '../core/execution.ts'
import type { InterruptState } from '../core/interrupt.ts'
import type { Plan } from '../core/plan.ts'
import type { GateVerdict, SessionState } from '../core/state.ts'
import { isoAt } from './instants.ts'

/** A row as JSON whose members are the columns of a table; `undefined` becomes NULL. */
export type Row = Record<string, unknown>

const time = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : isoAt(ms))

export function sessionRow(s: SessionState): Row {
  return {
    id: s.id,
    projectId: s.projectId,
    taskId: s.taskId,
    rootSessionId: s.rootSessionId,
    parentSessionId: s.parentSessionId,
    retryOfId: s.retryOfId,
    driver: s.driver,
    status: s.status,
    pattern: s.pattern,
    priority: s.priority,
    version: s.version,
    seq: s.seq,
    planVersion: s.planVersion,
    limits: s.limits,
    policy: s.policy,
    budget: s.budget,
    depth: s.depth,
    forkOfId: s.forkOfId,
    baseCommit: s.baseCommit,
    headCommit: s.headCommit,
    branch: s.branch,
    inputs: s.inputs,
    waitedMs: s.waitedMs,
    waitingSince: time(s.waitingSince),
    ledger: s.ledger,
    rollback: s.rollback,
    ending: s.ending,
    output: s.output,
    reason: s.reason,
    createdAt: time(s.createdAt),
    startedAt: time(s.startedAt),
    endedAt: time(s.endedAt),
  }
}

export function executionRow(s: SessionState, e: ExecutionState): Row {
  return {
    id: e.id,
    sessionId: s.id,
    key: e.key,
    position: e.position,
    title: s.plan.nodes[e.position]?.title,
    status: e.status,
    agentId: e.agentId,
    selection: e.selection,
    input: e.input,
    inputHash: e.inputHash,
    output: e.output,
    summary: e.summary,
    evidence: e.evidence,
    artifactCount: e.artifactCount,
    commit: e.commit,
    error: e.error,
    causeId: e.causeId,
    aborting: e.aborting,
    again: e.again,
    candidate: e.candidate,
    gate: e.gate,
    gateErrors: e.gateErrors,
    feedback: e.feedback,
    replies: e.replies,
    fallbacks: e.fallbacks,
    interruptId: e.interruptId,
    childId: e.childId,
    slice: e.slice,
    undo: e.undo,
    acceptedSeq: e.acceptedSeq,
    head: e.head,
    carriedId: e.carriedId,
    attempt: e.attempt,
    counted: e.counted,
    lost: e.lost,
    fence: e.fence,
    readyAt: time(e.readyAt),
    resumeAt: time(e.resumeAt),
    startedAt: time(e.startedAt),
    endedAt: time(e.endedAt),
    createdAt: time(s.createdAt),
  }
}

export function attemptRow(s: SessionState, e: ExecutionState, a: AttemptState): Row {
  return {
    ...a,
    sessionId: s.id,
    executionId: e.id,
    leaseUntil: time(a.leaseUntil),
    startedAt: time(a.startedAt),
    endedAt: time(a.endedAt),
  }
}

/** The events of a transition, of which there is at least one. */
export function journalRow(s: SessionState, events: readonly Event[]): Row {
  const { seq: first } = events[0] as Event
  const { seq: last } = events.at(-1) as Event
  return { sessionId: s.id, first, last, events: events.map((event) => ({ ...event, at: time(event.at) })) }
}

export function verdictRow(s: SessionState, v: GateVerdict): Row {
  return { ...v, sessionId: s.id, at: time(v.at) }
}

export function interruptRow(s: SessionState, i: InterruptState): Row {
  return {
    ...i,
    sessionId: s.id,
    createdAt: time(i.createdAt),
    expiresAt: time(i.expiresAt),
    escalatesAt: time(i.escalatesAt),
    answeredAt: time(i.answeredAt),
  }
}

export function planRow(s: SessionState, graph: Plan, analysis: Analysis | undefined, now: number): Row {
  return {
    sessionId: s.id,
    version: s.planVersion,
    pattern: graph.pattern,
    graph,
    analysis,
    createdAt: time(now),
  }
}

/** JSON of the same members without those that are null, for rows that come back from the database. */
export function withoutNulls<T>(row: Row): T {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as T
}
