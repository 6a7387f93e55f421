/** A rule of the machine, broken in one place. */
export interface Mutant {
  name: string
  /** Below src/core. */
  file: string
  /** Stands there exactly once. */
  from: string
  to: string
}

/** Rules that users of other systems complain about, each broken as somebody could break it by mistake. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'the fence is dropped',
    file: 'attempt.ts',
    from: 'if (held?.id !== attemptId || held.fence !== fence) {',
    to: 'if (held?.id !== attemptId) {',
  },
  {
    name: 'a late report of an earlier attempt is taken',
    file: 'attempt.ts',
    from: 'if (held?.id !== attemptId || held.fence !== fence) {',
    to: 'if (!held) {',
  },
  {
    name: 'a result is accepted after cancel',
    file: 'attempt.ts',
    from: 'const stopping = execution.aborting !== undefined',
    to: 'const stopping = execution.aborting !== undefined && report.kind !== "OK"',
  },
  {
    name: 'a quorum is off by one',
    file: 'policy.ts',
    from: 'acceptedOf(state, group) >= (',
    to: 'acceptedOf(state, group) + 1 >= (',
  },
  {
    name: 'a dependent of what failed is not skipped',
    file: 'settle.ts',
    from: "} else if (before.kind === 'NEVER') {",
    to: "} else if (before.kind === 'NEVER' && node.optional) {",
  },
  {
    name: 'an execution does not wait for all that it depends on',
    file: 'policy.ts',
    from: 'const settled = before.every(({ status }) => isSettled(status))',
    to: 'const settled = before.length === 0 || before.some(({ status }) => isSettled(status))',
  },
  {
    name: 'what can never succeed is retried',
    file: 'retry.ts',
    from: 'return !NEVER_RETRIED.has(errorClass) && counted < policy.maxAttempts',
    to: 'return counted < policy.maxAttempts',
  },
  {
    name: 'one attempt too many is made',
    file: 'retry.ts',
    from: 'counted < policy.maxAttempts',
    to: 'counted <= policy.maxAttempts',
  },
  {
    name: 'a task that kills its server is begun for ever',
    file: 'attempt.ts',
    from: "judged.kind === 'LOST' ? lost < MAX_LOST",
    to: "judged.kind === 'LOST' ? true",
  },
  {
    name: 'the second gate is passed over',
    file: 'validate.ts',
    from: 'return\n    }\n    changeExecution(d, key, { gate: index + 1 })',
    to: 'return\n    }\n    changeExecution(d, key, { gate: index + 2 })',
  },
  {
    name: 'an interrupt is answered twice',
    file: 'answer.ts',
    from: "if (status !== 'OPEN') return",
    to: "if (status === 'VOID') return",
  },
  {
    name: 'anybody may answer',
    file: 'answer.ts',
    from: "if (!roles.includes(role) && !roles.includes('ADMIN')) return",
    to: 'if (roles.length === 0) return',
  },
  {
    name: 'nothing is reserved before an attempt',
    file: 'attempt.ts',
    from: 'd.state.budget = reserve(d.state.budget, reserved)',
    to: 'd.state.budget = reserve(d.state.budget, { ...reserved, tokens: 0, cost: 0 })',
  },
  {
    name: 'what was done first is undone first',
    file: 'rollback.ts',
    from: 'withCompensations(d.state.plan, done.toReversed())',
    to: 'withCompensations(d.state.plan, done)',
  },
  {
    name: 'an ended session moves again',
    file: 'step.ts',
    from: 'isEnded(state.status) ? `the session has ended: ${state.status}` : happen(d, happening)',
    to: "state.status === 'SUCCEEDED' ? `the session has ended: ${state.status}` : happen(d, happening)",
  },
  {
    name: 'a paused session begins something',
    file: 'attempt.ts',
    from: 'if (d.state.status !== takes) return',
    to: "if (d.state.status !== takes && d.state.status !== 'PAUSED') return",
  },
  {
    name: 'a result made from a failure is carried over',
    file: 'lay.ts',
    from: "if (earlier?.status !== 'ACCEPTED' || after.some((before) => !taken",
    to: "if (earlier?.status !== 'ACCEPTED' || after.every((before) => !taken",
  },
  {
    name: 'two attempts at once',
    file: 'attempt.ts',
    from: "if (execution.status !== 'READY') return",
    to: "if (execution.status !== 'READY' && execution.status !== 'RUNNING') return",
  },
  {
    name: 'a hard limit is passed over',
    file: 'budget.ts',
    from: "(unit === 'WALL_TIME' ? used >= hard : used > hard)",
    to: "(unit === 'WALL_TIME' && used >= hard)",
  },
  {
    name: 'a lease that has run out is never taken back',
    file: 'tick.ts',
    from: 'if (held && d.now >= held.leaseUntil) {',
    to: 'if (held && execution.aborting !== undefined && d.now >= held.leaseUntil) {',
  },
  {
    name: 'who says that it is done is believed, though nothing was',
    file: 'attempt.ts',
    from: 'rejectNothing(d, key, judged)',
    to: "begin(d, key, { output: judged.why, summary: '', evidence: judged.evidence, artifacts: 0 })",
  },
  {
    name: 'a checkpoint counts what was accepted after it',
    file: 'checkpoint.ts',
    from: 'acceptedSeq !== undefined && acceptedSeq < seq',
    to: 'acceptedSeq !== undefined && acceptedSeq <= seq + 2',
  },
]
