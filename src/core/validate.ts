import { accept } from './accept.ts'
import { cut } from './cut.ts'
import { changeExecution, type Draft, emit, executionOf, forget, moveExecution, nodeOf } from './draft.ts'
import type { Candidate, Failure } from './execution.ts'
import {
  BEFORE_GATES,
  type Check,
  type CheckKind,
  type Gate,
  MAX_GATE_ERRORS,
  MAX_REJECTIONS,
  MAX_VERDICT_TEXT,
  type Verdict,
} from './gate.ts'
import { giveUp } from './giveUp.ts'
import type { Json } from './json.ts'
import { look } from './judge.ts'
import { askAboutConflict, checksOf, headOf, isIsolated, stillHolds } from './merge.ts'
import { waitForAnswer } from './raise.ts'
import { mismatches } from './schema.ts'

/** Lets a result pass its gates in their order (E36), as far as the machine can tell by itself. */
export function validate(d: Draft, key: string): void {
  for (;;) {
    const execution = executionOf(d.state, key)
    const { gate: index = 0 } = execution
    const candidate = execution.candidate as Candidate
    const gate = checksOf(d.state, key)[index]
    if (!gate) {
      const { output, summary, evidence, artifacts, commit } = candidate
      const isolated = isIsolated(d.state)
      // With worktrees what it goes back to holds what was accepted of all branches.
      const head = isolated ? headOf(d.state) : commit
      accept(d, key, {
        output,
        summary,
        evidence,
        ...(artifacts > 0 && { artifactCount: artifacts }),
        ...(isolated && commit !== undefined && { commit }),
        ...(head !== undefined && { head }),
      })
      return
    }
    if (gate.kind === 'PERSON') {
      askPerson(d, key, gate, index, candidate)
      return
    }
    if (gate.kind === 'MERGE' && candidate.commit === undefined) {
      // Nothing was changed.
      changeExecution(d, key, { gate: index + 1 })
      continue
    }
    const seen = check(gate, candidate)
    if (!seen) {
      look(d, key)
      return
    }
    note(d, key, gate, seen.verdict, seen.evidence)
    if (seen.verdict.kind === 'REJECT') {
      reject(d, key, gate.kind, seen.verdict.feedback)
      return
    }
    changeExecution(d, key, { gate: index + 1 })
  }
}

/** What can be said of a result without looking anywhere else; undefined: somebody has to look. */
function check(gate: Check, { output, evidence, artifacts }: Candidate): Seen | undefined {
  if (gate.kind === 'SCHEMA') {
    const problems = mismatches(output, gate.schema)
    return seen(problems.length === 0, `the output does not fit its schema: ${problems.join('; ')}`, { problems })
  }
  if (gate.kind === 'TEST_REPORT') return checkTests(gate, evidence)
  if (gate.kind === 'EVIDENCE') return checkEvidence(gate, evidence, artifacts)
  return undefined
}

interface Seen {
  verdict: Exclude<Verdict, { kind: 'ERROR' }>
  evidence: Json
}

function seen(fits: boolean, feedback: string, evidence: Json): Seen {
  return { verdict: fits ? { kind: 'ACCEPT' } : { kind: 'REJECT', feedback }, evidence }
}

/** Evidence as agents leave it; what is not of this shape proves nothing. */
interface Proof {
  kind?: unknown
  passed?: unknown
  detail?: { passed?: unknown; failed?: unknown } | null
}

function proofs(evidence: Json): Proof[] {
  if (!Array.isArray(evidence)) return []
  return evidence.filter((item) => typeof item === 'object' && item !== null) as Proof[]
}

function checkTests(gate: Extract<Gate, { kind: 'TEST_REPORT' }>, evidence: Json): Seen {
  const reports = proofs(evidence).filter(({ kind }) => kind === 'TEST_REPORT')
  if (reports.length === 0) return seen(false, 'there is no test report: run the tests and report them', { reports: 0 })
  const sum = (member: 'passed' | 'failed'): number =>
    reports.reduce((total, { detail }) => {
      const count = detail?.[member]
      return total + (typeof count === 'number' ? count : 0)
    }, 0)
  const [passed, failed] = [sum('passed'), sum('failed')]
  const fits = passed >= gate.minPassed && failed <= gate.maxFailed
  const feedback = `${passed} tests passed and ${failed} failed: at least ${gate.minPassed} have to pass and at most ${gate.maxFailed} may fail`
  return seen(fits, feedback, { reports: reports.length, passed, failed })
}

function checkEvidence(gate: Extract<Gate, { kind: 'EVIDENCE' }>, evidence: Json, artifacts: number): Seen {
  const { minArtifacts = 0, kinds = [] } = gate
  const passed = new Set(proofs(evidence).flatMap((proof) => (proof.passed === true ? [proof.kind] : [])))
  const missing = kinds.filter((kind) => !passed.has(kind))
  const problems = [
    ...(artifacts < minArtifacts ? [`it left ${artifacts} artifacts of at least ${minArtifacts}`] : []),
    ...missing.map((kind) => `there is no evidence of the kind ${kind} that has passed`),
  ]
  return seen(problems.length === 0, problems.join('; '), { artifacts, missing })
}

/** Keeps what a gate said, and tells it. */
function note(d: Draft, key: string, gate: Check, verdict: Verdict, evidence: Json): void {
  const { id: executionId, current, gate: index = 0 } = executionOf(d.state, key)
  // A child session has no attempt of its own.
  const attemptId = current?.id ?? executionId
  const text = verdict.kind === 'REJECT' ? verdict.feedback : verdict.kind === 'ERROR' ? verdict.message : undefined
  const told = text === undefined ? {} : { text }
  emit(
    d,
    'VERDICT_GIVEN',
    { key, gate: index, kind: gate.kind, verdict: verdict.kind, ...told },
    { executionId, attemptId },
  )
  const { seq } = d.state
  const row = { seq, executionId, attemptId, gate: index, kind: gate.kind, verdict: verdict.kind, ...told }
  d.verdicts.push({ ...row, evidence, at: d.now })
}

/** A gate has given its verdict, in whatever many words. */
export function judged(d: Draft, key: string, gate: Check, given: Verdict, evidence: Json): void {
  const execution = executionOf(d.state, key)
  const verdict = shortened(stillHolds(d.state, gate, given))
  note(d, key, gate, verdict, evidence)
  if (verdict.kind === 'ACCEPT') {
    if (verdict.merged) {
      const { head: headCommit, branch } = verdict.merged
      d.state = { ...d.state, headCommit, ...(branch !== undefined && { branch }) }
    }
    forget(d, key, 'gateErrors')
    changeExecution(d, key, { gate: (execution.gate as number) + 1 })
    validate(d, key)
  } else if (verdict.kind === 'REJECT') {
    if (gate.kind === 'MERGE') conflict(d, key, verdict.feedback)
    else reject(d, key, gate.kind, verdict.feedback)
  } else if (given.kind === 'ACCEPT') {
    // No fault of the one who looked.
    look(d, key)
  } else {
    const gateErrors = (execution.gateErrors ?? 0) + 1
    changeExecution(d, key, { gateErrors })
    if (gateErrors < MAX_GATE_ERRORS) look(d, key)
    else askAboutGate(d, key, gate, verdict.message)
  }
}

function shortened(verdict: Verdict): Verdict {
  if (verdict.kind === 'REJECT') return { kind: 'REJECT', feedback: cut(verdict.feedback, MAX_VERDICT_TEXT) }
  if (verdict.kind === 'ERROR') return { kind: 'ERROR', message: cut(verdict.message, MAX_VERDICT_TEXT) }
  return verdict
}

/**
 * E114: an agent says that it is done, and nothing has happened. That is rejected whatever the gates are, and nothing of it is
 * kept but what was seen.
 */
export function rejectNothing(d: Draft, key: string, { why, evidence }: { why: string; evidence: Json }): void {
  moveExecution(d, key, 'VALIDATE', { gate: BEFORE_GATES })
  const feedback = cut(`it says that it is done, but ${why}`, MAX_VERDICT_TEXT)
  note(d, key, { kind: 'EVIDENCE' }, { kind: 'REJECT', feedback }, { checks: evidence })
  reject(d, key, nodeOf(d.state, key).kind === 'MANAGE' ? 'LEDGER' : 'EVIDENCE', feedback)
}

/** A result is rejected: another attempt gets the feedback, as often as the budget of rejections allows. */
export function reject(d: Draft, key: string, gate: CheckKind | 'LEDGER', said: string): void {
  const text = cut(said, MAX_VERDICT_TEXT)
  const execution = executionOf(d.state, key)
  const { attempt, fallbacks } = execution
  const turn = fallbacks === undefined ? {} : { fallbacks }
  const feedback = [...(execution.feedback ?? []), { attempt, gate, text, ...turn }]
  // Every agent has rejections of its own.
  const rejections = feedback.filter((one) => one.fallbacks === fallbacks).length
  forget(d, key, 'candidate', 'gate', 'gateErrors', 'interruptId')
  changeExecution(d, key, { feedback })
  // A child session is not begun anew for a rejection: it has had gates of its own.
  if (rejections <= MAX_REJECTIONS && nodeOf(d.state, key).kind !== 'SESSION') {
    moveExecution(d, key, 'READY', { readyAt: d.now }, { rejected: text })
    d.effects.push({ type: 'ENQUEUE', executionId: execution.id })
  } else if (gate === 'LEDGER') {
    askAboutLedger(d, key, text)
  } else {
    const failure: Failure = {
      class: 'REJECTED',
      message: `rejected ${times(rejections)}, at last by ${gate}: ${text}`,
    }
    giveUp(d, key, failure)
  }
}

/** A result does not go together with those accepted before it: the policy says what becomes of it (E111). */
function conflict(d: Draft, key: string, text: string): void {
  const { onConflict } = d.state.policy
  if (onConflict === 'ASK') askAboutConflict(d, key, text)
  else if (onConflict === 'RETRY') reject(d, key, 'MERGE', text)
  else failForConflict(d, key, text)
}

/** It is not done again on top of those. */
export function failForConflict(d: Draft, key: string, text: string): void {
  forget(d, key, 'candidate', 'gate', 'gateErrors', 'interruptId')
  giveUp(d, key, { class: 'REJECTED', message: text })
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`
}

function shownOf(key: string, { output, summary, evidence, files = [], commit }: Candidate): Json {
  return { key, summary, output, evidence, files, commit: commit ?? null }
}

function askPerson(
  d: Draft,
  key: string,
  gate: Extract<Gate, { kind: 'PERSON' }>,
  index: number,
  candidate: Candidate,
): void {
  const { question, role, expiresMs, onExpiry = 'REJECT' } = gate
  waitForAnswer(d, key, {
    kind: 'APPROVAL',
    question,
    shown: shownOf(key, candidate),
    choices: ['APPROVE', 'REJECT'],
    onExpiry: { choice: onExpiry, text: 'nobody answered in time' },
    about: { gate: index },
    ...(role && { role }),
    ...(expiresMs !== undefined && { expiresMs }),
  })
}

/** A gate that gives no verdict says nothing of the result: a person decides. */
function askAboutGate(d: Draft, key: string, { kind }: Check, message: string): void {
  const { gate = 0, candidate } = executionOf(d.state, key)
  waitForAnswer(d, key, {
    kind: 'APPROVAL',
    question: `The gate ${kind} of "${key}" could not give a verdict ${MAX_GATE_ERRORS} times: ${message}. May the result stand?`,
    shown: shownOf(key, candidate as Candidate),
    // What has not been brought together cannot stand.
    choices: kind === 'MERGE' ? ['RETRY', 'REJECT'] : ['APPROVE', 'REJECT', 'RETRY'],
    onExpiry: { choice: 'REJECT', text: 'nobody answered in time' },
    about: { gate },
  })
}

function askAboutLedger(d: Draft, key: string, text: string): void {
  waitForAnswer(d, key, {
    kind: 'QUESTION',
    question: `The manager's ledger could not be used ${MAX_REJECTIONS + 1} times. Shall it try again?`,
    shown: { key, problem: text },
    choices: ['RETRY', 'STOP'],
    onExpiry: { choice: 'STOP', text: 'nobody answered in time' },
  })
}

/** A result is there: it is kept aside until it has passed its gates. */
export function begin(d: Draft, key: string, candidate: Candidate): void {
  moveExecution(d, key, 'VALIDATE', { candidate, gate: 0 })
  validate(d, key)
}
