import type { Draft } from './draft.ts'
import { executionOf, executionsOf, nodeOf } from './draft.ts'
import type { Candidate } from './execution.ts'
import type { Check, Verdict } from './gate.ts'
import { waitForAnswer } from './raise.ts'
import type { SessionState } from './state.ts'

/** What a result has to pass: the gates of its node, and with worktrees that it goes together with the others (E110). */
export function checksOf(state: SessionState, key: string): readonly Check[] {
  const { gates = [], kind } = nodeOf(state, key)
  // What undoes leaves nothing that is kept.
  return isIsolated(state) && kind !== 'UNDO' ? [...gates, { kind: 'MERGE' }] : gates
}

/** Whether attempts change the workspace in worktrees. */
export function isIsolated({ policy, baseCommit }: SessionState): boolean {
  return policy.isolation === 'WORKTREES' && baseCommit !== undefined
}

/** Commit of all that was accepted by now. */
export function headOf({ headCommit, baseCommit }: SessionState): string {
  return headCommit ?? (baseCommit as string)
}

/**
 * What an attempt begins with: the commits of the nearest that come before it, in declared order, on top of how the
 * session began (E109). Branches do not see each other, unless one has been rejected for a conflict: then it begins with
 * all that was accepted. What undoes does so too.
 */
export function commitsBefore(state: SessionState, key: string): string[] {
  const { kind } = nodeOf(state, key)
  const onTop = kind === 'UNDO' || (executionOf(state, key).feedback ?? []).some(({ gate }) => gate === 'MERGE')
  const nearest = new Set<string>()
  const seen = new Set<string>()
  const visit = (of: string): void => {
    const { after, needs } = nodeOf(state, of)
    const before = [...new Set([...after, ...needs])].map((name) => executionOf(state, name))
    for (const { key: name, commit } of before.toSorted((a, b) => a.position - b.position)) {
      if (seen.has(name)) continue
      seen.add(name)
      if (commit === undefined) visit(name)
      else nearest.add(commit)
    }
  }
  visit(key)
  return [state.baseCommit as string, ...nearest, ...(onTop ? [headOf(state)] : [])]
}

/** What is accepted together with one more result, in declared order, so that the order of their ends makes no difference. */
export function commitsWith(state: SessionState, key: string, commit: string): string[] {
  const all = executionsOf(state).flatMap((one) => (one.key === key ? [commit] : (one.commit ?? [])))
  const { position } = executionOf(state, key)
  const isLast = executionsOf(state).every((one) => one.commit === undefined || one.position < position)
  return isLast ? [headOf(state), commit] : [state.baseCommit as string, ...all]
}

/** A verdict on what has been brought together counts only as long as nothing else has been accepted meanwhile. */
export function stillHolds(state: SessionState, check: Check, verdict: Verdict): Verdict {
  if (check.kind !== 'MERGE' || verdict.kind !== 'ACCEPT' || verdict.merged?.onto === headOf(state)) return verdict
  return { kind: 'ERROR', message: 'another result was accepted meanwhile: it is looked at once more' }
}

/** A person says what becomes of a result that does not go together with the others. */
export function askAboutConflict(d: Draft, key: string, text: string): void {
  const { gate, candidate } = executionOf(d.state, key)
  const { summary, commit } = candidate as Candidate
  waitForAnswer(d, key, {
    kind: 'APPROVAL',
    question: `What "${key}" has changed does not go together with what was accepted before it. Shall it be done again on top of that?`,
    shown: { key, summary, commit: commit as string, conflict: text },
    choices: ['RETRY', 'REJECT'],
    onExpiry: { choice: 'REJECT', text: 'nobody answered in time' },
    about: { gate: gate as number, conflict: text },
  })
}
