import { changeExecution, type Draft, emit, executionOf, moveExecution, nodeOf } from './draft.ts'
import type { Failure } from './execution.ts'
import { waitForAnswer } from './raise.ts'

/**
 * E27, E28: the retry policy has given up. The next fallback agent gets its turn, with attempts of its own; without one the
 * execution has FAILED, and its group's policy says what that means. A compensation is not given up by itself.
 */
export function giveUp(d: Draft, key: string, failure: Failure): void {
  const node = nodeOf(d.state, key)
  const { id: executionId, fallbacks = 0 } = executionOf(d.state, key)
  const fallback = failure.class === 'BUDGET' ? undefined : node.fallback?.[fallbacks]
  if (fallback !== undefined) {
    const change = { fallbacks: fallbacks + 1, counted: 0, lost: 0, readyAt: d.now }
    moveExecution(d, key, 'READY', change, { fallback, error: { ...failure } })
    // Another child session is begun by itself.
    if (node.kind !== 'SESSION') d.effects.push({ type: 'ENQUEUE', executionId })
  } else if (node.kind === 'UNDO') {
    askAboutUndo(d, key, failure)
  } else {
    fail(d, key, failure)
  }
}

/** The end of an execution that cannot be done. */
export function fail(d: Draft, key: string, error: Failure): void {
  moveExecution(d, key, 'FAIL', { error, endedAt: d.now }, { error: { ...error } })
}

/** E95: a compensation that fails is told, and a person is asked. */
function askAboutUndo(d: Draft, key: string, failure: Failure): void {
  const { undoes = key } = nodeOf(d.state, key)
  const { id: executionId } = executionOf(d.state, key)
  emit(d, 'COMPENSATION_FAILED', { key: undoes, error: { ...failure } }, { executionId })
  changeExecution(d, key, { error: failure })
  waitForAnswer(d, key, {
    kind: 'QUESTION',
    question: `What "${undoes}" did could not be undone: ${failure.message}. Shall it be tried again?`,
    shown: { key: undoes, error: { ...failure } },
    choices: ['RETRY', 'SKIP', 'STOP'],
    onExpiry: { choice: 'SKIP', text: 'nobody answered in time' },
    about: { undo: undoes },
  })
}
