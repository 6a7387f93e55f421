import type { Column } from './lists.ts'
import type { Row } from './rows.ts'

/** Columns that a transition may change, per table. The rest is set once, when the row is made. */
export const CHANGING = {
  Session:
    'status version seq planVersion limits policy budget inputs baseCommit headCommit branch waitedMs waitingSince ledger rollback ending output reason startedAt endedAt',
  Execution:
    'status agentId selection input inputHash output summary evidence artifactCount commit error causeId aborting again candidate gate gateErrors feedback replies fallbacks interruptId childId slice undo acceptedSeq head attempt counted lost fence readyAt resumeAt startedAt endedAt',
  Attempt: 'status leaseUntil timeout retryable error usage endedAt',
  Interrupt: 'status escalated role answer answeredBy answeredAt',
}
export type Changing = keyof typeof CHANGING

/** Columns that change together, and no others, with their types. */
export interface Change {
  table: Changing
  /** By what a row is found: `was` is the version that somebody saw. */
  by: readonly Column[]
  columns: readonly Column[]
}
/** The columns that a new row has, beside those that are NULL, with their types. */
export interface Addition {
  table: string
  columns: readonly Column[]
}

const columns = (types: Record<string, string>): readonly Column[] => Object.entries(types)
const BEGUN = {
  status: '"ExecutionStatus"',
  agentId: 'uuid',
  selection: 'jsonb',
  input: 'jsonb',
  inputHash: 'text',
  attempt: 'int',
  counted: 'int',
  fence: 'int',
  readyAt: 'timestamptz',
  startedAt: 'timestamptz',
}
const DONE = {
  status: '"ExecutionStatus"',
  output: 'jsonb',
  summary: 'text',
  evidence: 'jsonb',
  artifactCount: 'int',
  acceptedSeq: 'int',
  head: 'text',
  endedAt: 'timestamptz',
}
/** Not by its id, which several indexes have and only one begins with: a planner that knows nothing yet takes any. */
const EXECUTION = columns({ sessionId: 'uuid', key: 'text' })

/**
 * What almost every transition does. To name forty columns takes the database longer than to write ten, so rows of which
 * nothing else changes, or which have nothing else, are written so.
 */
export const CHANGES = {
  steppedSession: {
    table: 'Session',
    by: columns({ id: 'uuid', was: 'int' }),
    columns: columns({ version: 'int', seq: 'int', budget: 'jsonb' }),
  },
  movedSession: {
    table: 'Session',
    by: columns({ id: 'uuid', was: 'int' }),
    columns: columns({
      version: 'int',
      seq: 'int',
      status: '"SessionStatus"',
      budget: 'jsonb',
      output: 'jsonb',
      reason: 'text',
      startedAt: 'timestamptz',
      endedAt: 'timestamptz',
    }),
  },
  begunExecution: { table: 'Execution', by: EXECUTION, columns: columns(BEGUN) },
  doneExecution: { table: 'Execution', by: EXECUTION, columns: columns(DONE) },
  begunAndDoneExecution: { table: 'Execution', by: EXECUTION, columns: columns({ ...BEGUN, ...DONE }) },
  endedAttempt: {
    table: 'Attempt',
    by: columns({ id: 'uuid', sessionId: 'uuid' }),
    columns: columns({ status: '"AttemptStatus"', usage: 'jsonb', endedAt: 'timestamptz' }),
  },
} satisfies Record<string, Change>
export const ADDITIONS = {
  newExecution: {
    table: 'Execution',
    columns: columns({
      id: 'uuid',
      sessionId: 'uuid',
      key: 'text',
      position: 'int',
      title: 'text',
      status: '"ExecutionStatus"',
      attempt: 'int',
      counted: 'int',
      lost: 'int',
      fence: 'int',
      createdAt: 'timestamptz',
    }),
  },
  newAttempt: {
    table: 'Attempt',
    columns: columns({
      id: 'uuid',
      sessionId: 'uuid',
      executionId: 'uuid',
      number: 'int',
      status: '"AttemptStatus"',
      agentId: 'uuid',
      agentVersion: 'int',
      fence: 'int',
      owner: 'text',
      leaseUntil: 'timestamptz',
      reserved: 'jsonb',
      startedAt: 'timestamptz',
    }),
  },
  Journal: {
    table: 'Journal',
    columns: columns({ sessionId: 'uuid', first: 'int', last: 'int', events: 'json' }),
  },
} satisfies Record<string, Addition>

/** Columns of a table that a change leaves as they are. */
const UNCHANGED = new Map(
  Object.values<Change>(CHANGES).map((change) => {
    const changed = new Set(change.columns.map(([name]) => name))
    return [change, CHANGING[change.table].split(' ').filter((name) => !changed.has(name))] as const
  }),
)

/** Whether one of these changes is all that has happened to a row. Members of a state are never changed in place. */
export function isChange(name: keyof typeof CHANGES, before: object, after: object): boolean {
  const [was, is] = [before as Row, after as Row]
  return (UNCHANGED.get(CHANGES[name]) as string[]).every((column) => was[column] === is[column])
}

const ADDED = new Map(
  Object.values<Addition>(ADDITIONS).map((addition) => [addition, new Set(addition.columns.map(([name]) => name))]),
)

/** Whether a new row has nothing but what these additions have. */
export function isAddition(name: keyof typeof ADDITIONS, row: Row): boolean {
  const added = ADDED.get(ADDITIONS[name]) as Set<string>
  for (const column in row) if (row[column] !== undefined && !added.has(column)) return false
  return true
}
