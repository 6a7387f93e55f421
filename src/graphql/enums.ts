import { AGENT_STATUSES, AGENT_TYPES } from '../core/agent.ts'
import { ATTEMPT_STATUSES, EXECUTION_STATUSES } from '../core/execution.ts'
import { AGGREGATES, FAILURE_POLICIES, PATTERNS } from '../core/plan.ts'
import { ERROR_CLASSES } from '../core/retry.ts'
import { SESSION_STATUSES } from '../core/session.ts'
import { ACTIVITY_KINDS } from '../runtime.ts'
import { builder } from './builder.ts'

/** An enum with a description for every one of its values, in the order of the core's own list. */
export function enumOf<Value extends string>(
  name: string,
  description: string,
  values: readonly Value[],
  descriptions: Record<Value, string>,
) {
  const entries = values.map((value) => [value, { value, description: descriptions[value] }] as const)
  return builder.enumType(name, {
    description,
    values: Object.fromEntries(entries) as { [V in Value]: { value: V; description: string } },
  })
}

export const AgentTypeEnum = enumOf(
  'AgentType',
  'What an agent is for: a coarse hint, capabilities decide.',
  AGENT_TYPES,
  {
    CODEGEN: 'Writes or changes code.',
    TESTING: 'Runs or writes tests.',
    DOCUMENTATION: 'Writes documents.',
    ANALYSIS: 'Examines and measures.',
    REVIEW: 'Judges what others made.',
    DEPLOYMENT: 'Packs, releases and checks what is to be deployed.',
    PLANNER: 'Splits tasks into plans.',
    GENERAL: 'Anything else.',
  },
)

export const AgentStatusEnum = enumOf('AgentStatus', 'Whether an agent can take work.', AGENT_STATUSES, {
  ONLINE: 'Proven alive, with a free slot.',
  BUSY: 'Proven alive, every slot taken.',
  DEGRADED: 'Alive, but not at its best.',
  OFFLINE: 'Not proven alive; the reason says what to do.',
  DISABLED: 'Switched off by a person.',
})

export const PatternEnum = enumOf('Pattern', 'How the executions of a session work together.', PATTERNS, {
  SEQUENTIAL: 'One after the other; each sees what came before. The first failure stops the rest.',
  PARALLEL: 'Side by side, sharing nothing; failures of one do not stop the others.',
  PIPELINE: 'Stages; each takes in what the one before puts out. The first failure stops the rest.',
  HIERARCHICAL: 'Groups below groups, along the dependencies of the sub-tasks.',
})

export const PatternChoiceEnum = enumOf(
  'PatternChoice',
  'The pattern wanted for a session.',
  ['AUTO', ...PATTERNS] as const,
  {
    AUTO: 'Whatever the analysis of the task suggests.',
    SEQUENTIAL: 'One after the other.',
    PARALLEL: 'Side by side; sub-tasks must not depend on each other.',
    PIPELINE: 'Stages that hand on their output.',
    HIERARCHICAL: 'Along the dependencies of the sub-tasks.',
  },
)

export const AggregateEnum = enumOf('Aggregate', 'How the results of a plan are brought together.', AGGREGATES, {
  NONE: 'Not at all: the output of the last part is the output of the session.',
  COLLECT: 'The coordinator gathers what all parts put out, failures included.',
  REDUCE: 'The coordinator merges the objects that all parts put out; a key with two values is an error.',
  VOTE: 'The output that enough branches agree on.',
  FIRST: 'The output of the branch that is accepted first; the others are stopped.',
  AGENT: 'An agent with the capability write-report writes a report about all parts.',
})

export const FailurePolicyEnum = enumOf(
  'FailurePolicy',
  'What a failure does to the rest of its group.',
  FAILURE_POLICIES,
  {
    FAIL_FAST: 'It stops the rest.',
    CONTINUE: 'Nothing: the rest goes on.',
    QUORUM: 'It stops the rest once no longer enough of the group can be accepted.',
  },
)

export const SessionStatusEnum = enumOf('SessionStatus', 'How far a session has come.', SESSION_STATUSES, {
  QUEUED: 'Accepted and stored; nothing has begun.',
  ANALYZING: 'Being analysed and planned.',
  AWAITING_APPROVAL: 'Planned; a person has to approve the plan before anything begins.',
  RUNNING: 'Executions run or wait for agents.',
  INTERRUPTED: 'Nothing is left to do but to wait for answers of people; see its interrupts.',
  PAUSED: 'Paused by a person; nothing new starts.',
  CANCELING:
    'Being stopped, canceled or out of time or budget; running work is told to stop and fenced off after the grace.',
  ROLLING_BACK: 'Stopped; what it did is being undone.',
  SUCCEEDED: 'Ended: every execution was accepted.',
  PARTIAL: 'Ended: every required execution was accepted, some optional one was not.',
  FAILED: 'Ended: some required execution was not accepted; the reason says which.',
  CANCELED: 'Ended: stopped by a person.',
  TIMED_OUT: 'Ended: it took longer than its limit.',
  ROLLED_BACK: 'Ended: what it did was undone, as far as it can be.',
})

export const ExecutionStatusEnum = enumOf('ExecutionStatus', 'How far an execution has come.', EXECUTION_STATUSES, {
  PENDING: 'Planned; the session has not begun with it.',
  BLOCKED: 'Waits for the executions that it depends on.',
  READY: 'Waits for an agent; its input is frozen.',
  ASSIGNED: 'An agent has been picked.',
  RUNNING: 'An agent works on it.',
  VALIDATING: 'Its result passes its gates, one after the other.',
  WAITING: 'Waits for time (a retry) or for a person.',
  ACCEPTED: 'Settled: its result stands.',
  FAILED: 'Settled: no attempt succeeded; the error says why.',
  SKIPPED: 'Settled: never started; the cause says because of which other execution.',
  CANCELED: 'Settled: stopped before it was done.',
  COMPENSATED: 'Settled: its result was undone.',
})

export const AttemptStatusEnum = enumOf('AttemptStatus', 'How an attempt went.', ATTEMPT_STATUSES, {
  RUNNING: 'Under way.',
  OK: 'The agent says that it is done, or asks; what its result is worth, verdicts say.',
  ERROR: 'The agent failed.',
  TIMEOUT: 'It took too long or showed no activity for too long.',
  LOST: 'The server that drove it was lost; this does not count against the agent.',
  CANCELED: 'It was told to stop.',
})

export const ErrorClassEnum = enumOf(
  'ErrorClass',
  'Why an attempt failed; decides whether another one can help.',
  ERROR_CLASSES,
  {
    AGENT: 'The agent reported that it failed.',
    CRASH: 'The agent ended unexpectedly.',
    EMPTY: 'The agent ended without a word and without a result; one that says that it is done is rejected instead.',
    TIMEOUT: 'It took too long.',
    UNAVAILABLE: 'The agent could not be reached or started.',
    RATE_LIMIT: 'The agent refused for now.',
    LOST: 'The server that drove the attempt was lost.',
    VALIDATION: 'The result or the input is not what it has to be; never tried again.',
    BUDGET: 'A budget is used up; never tried again.',
    AUTH: 'A permission or a credential is missing; never tried again.',
    TOO_LARGE: 'Input or output is too large; never tried again.',
    REJECTED: 'A gate or a person rejected its result too often. Never retried.',
    CHILD: 'The child session that should have done it did not succeed. Never retried.',
  },
)

export const ActivityKindEnum = enumOf('ActivityKind', 'What an agent shows.', ACTIVITY_KINDS, {
  THOUGHT: 'What it considers.',
  ACTION: 'What it does, for instance a command.',
  MESSAGE: 'What it says to a person.',
  OUTPUT: 'A line that its program wrote.',
  PLAN: 'What it is going to do.',
  USAGE: 'What it has used so far.',
})

export const ArtifactKindEnum = enumOf(
  'ArtifactKind',
  'What a result is.',
  ['FILE', 'PATCH', 'REPORT', 'JSON'] as const,
  {
    FILE: 'Any file.',
    PATCH: 'A change to the workspace as a unified diff.',
    REPORT: 'A text for people.',
    JSON: 'Data for programs.',
  },
)

export const DirectionEnum = enumOf('OrderDirection', 'Which end comes first.', ['ASC', 'DESC'] as const, {
  ASC: 'The smallest, earliest or alphabetically first.',
  DESC: 'The largest, latest or alphabetically last.',
})

/** An input that orders a connection by time alone. */
export const TimeOrder = builder.inputType('TimeOrder', {
  description: 'In which order of time things come; equal ones by their ids, events of one session by their numbers.',
  fields: (t) => ({
    direction: t.field({ type: DirectionEnum, required: true, description: 'ASC: the oldest first.' }),
  }),
})

/** The order that is meant, of rows that were made at a time; the newest first unless told. */
export function byTime<Column extends string>(
  order: { direction: unknown } | null | undefined,
  column: Column,
): [Record<Column, 'asc' | 'desc'>, { id: 'asc' | 'desc' }] {
  const direction = order?.direction === 'ASC' ? 'asc' : 'desc'
  return [{ [column]: direction } as Record<Column, 'asc' | 'desc'>, { id: direction }]
}

/** An input that orders a connection by one of its columns; the id decides between equals. */
export function orderInput<Column extends string>(
  noun: string,
  columns: Record<Column, string>,
  names: Record<Column, string>,
  plural = `${noun.toLowerCase()}s`,
) {
  const Field = builder.enumType(`${noun}OrderField`, {
    description: `What ${plural} can be ordered by.`,
    values: Object.fromEntries(
      Object.entries<string>(columns).map(([value, description]) => [value, { value, description }]),
    ) as { [C in Column]: { value: C; description: string } },
  })
  const input = builder.inputType(`${noun}Order`, {
    description: `In which order ${plural} come; equal ones by the time they were made.`,
    fields: (t) => ({
      field: t.field({ type: Field, required: true, description: 'What decides the order.' }),
      direction: t.field({ type: DirectionEnum, required: true, description: 'Which end comes first.' }),
    }),
  })
  const orderBy = (order: { field: unknown; direction: unknown } | null | undefined, otherwise: 'asc' | 'desc') => {
    const direction = order ? (order.direction === 'ASC' ? ('asc' as const) : ('desc' as const)) : otherwise
    const column = order ? names[order.field as Column] : 'createdAt'
    return (column === 'createdAt'
      ? [{ createdAt: direction }, { id: direction }]
      : [{ [column]: direction }, { createdAt: direction }, { id: direction }]) as unknown as { id: 'asc' | 'desc' }[]
  }
  return { input, orderBy }
}
