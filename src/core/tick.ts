import { escalate, expire } from './answer.ts'
import { endAttempt, fenceOff } from './attempt.ts'
import { type Draft, elapsed, executionOf, executionsOf, forget, moveExecution, nodeOf } from './draft.ts'
import { type ExecutionState, heldAttempt } from './execution.ts'
import { giveUp } from './giveUp.ts'
import { openInterrupts } from './raise.ts'
import { isEnded, isWaiting } from './session.ts'
import type { SessionState } from './state.ts'
import { settle } from './settle.ts'
import { stopAll } from './stop.ts'

/** Time has passed: leases run out, pauses end, people have not answered, limits are reached. */
export function tick(d: Draft): void {
  for (const interrupt of openInterrupts(d)) {
    // An earlier one may have made this one void.
    if (!openInterrupts(d).some(({ id }) => id === interrupt.id)) continue
    if (d.now >= interrupt.expiresAt) {
      expire(d, interrupt)
      // What the next one is about has to be settled by then.
      settle(d)
    } else if (d.now >= interrupt.escalatesAt && !interrupt.escalated) {
      escalate(d, interrupt)
    }
  }
  if (isEnded(d.state.status)) return
  const { limits } = d.state
  if (endsInTime(d.state) && elapsed(d.state, d.now) >= limits.totalMs) {
    stopAll(d, 'TIME_OUT', `TIMEOUT TOTAL: the session took longer than ${limits.totalMs} ms`)
  }
  for (const { key } of executionsOf(d.state)) tickExecution(d, executionOf(d.state, key))
}

/** Whether the session's own time goes on: not while it waits for a person, is being stopped or rolled back. */
function endsInTime({ status }: SessionState): boolean {
  return status === 'RUNNING'
}

function tickExecution(d: Draft, execution: ExecutionState): void {
  const { key, status, resumeAt } = execution
  const held = heldAttempt(execution)
  if (held && d.now >= held.leaseUntil) {
    if (execution.aborting !== undefined) fenceOff(d, execution, held)
    else endAttempt(d, execution, held, { report: { kind: 'LOST' }, jitter: 0 })
  } else if (status === 'WAITING' && resumeAt !== undefined && d.now >= resumeAt) {
    // The next time it waits may be for a person.
    forget(d, key, 'resumeAt')
    moveExecution(d, key, 'READY', { readyAt: d.now })
    d.effects.push({ type: 'ENQUEUE', executionId: execution.id })
  } else if (d.now >= (queueEnds(d.state, execution) ?? Number.POSITIVE_INFINITY)) {
    const { queueMs } = nodeOf(d.state, key).timeouts
    giveUp(d, key, { class: 'TIMEOUT', message: `TIMEOUT QUEUE: no agent took it within ${queueMs} ms` })
  }
}

/** When an execution has waited too long for an agent; never while its session waits for a person. */
function queueEnds(state: SessionState, { key, status, readyAt = 0 }: ExecutionState): number | undefined {
  if (status !== 'READY' || isWaiting(state.status)) return undefined
  return readyAt + nodeOf(state, key).timeouts.queueMs
}

/** When `TICK` next has something to do, in milliseconds since the epoch; undefined: never by itself. */
export function nextTick(state: SessionState): number | undefined {
  if (isEnded(state.status)) return undefined
  const due = Object.values(state.executions).flatMap((execution) => {
    const { status, resumeAt } = execution
    const held = heldAttempt(execution)
    if (held) return [held.leaseUntil]
    if (status === 'WAITING') return resumeAt === undefined ? [] : [resumeAt]
    return queueEnds(state, execution) ?? []
  })
  for (const { expiresAt, escalatesAt, escalated } of openInterrupts({ state })) {
    due.push(escalated ? expiresAt : Math.min(expiresAt, escalatesAt))
  }
  if (state.startedAt !== undefined && endsInTime(state)) {
    const { soft, hard } = state.budget.WALL_TIME
    const begin = state.startedAt + state.waitedMs
    due.push(begin + state.limits.totalMs)
    for (const limit of [soft, hard]) if (limit !== undefined) due.push(begin + limit)
  }
  return due.length > 0 ? Math.min(...due) : undefined
}
