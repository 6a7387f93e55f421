import type { Row } from './rows.ts'

/** Columns that a transition may change, per table. The rest is set once, when the row is made. */
const CHANGING = {
  Session:
    'status version seq planVersion limits policy budget inputs baseCommit headCommit branch waitedMs waitingSince ledger rollback ending output reason startedAt endedAt',
  Execution:
    'status agentId selection input inputHash output summary evidence artifactCount commit error causeId aborting again candidate gate gateErrors feedback replies fallbacks interruptId childId slice undo acceptedSeq attempt counted lost fence readyAt resumeAt startedAt endedAt',
  Attempt: 'status leaseUntil timeout retryable error usage endedAt',
  Interrupt: 'status escalated role answer answeredBy answeredAt',
}
const columnsOf = (table: keyof typeof CHANGING): string[] => CHANGING[table].split(' ')
const set = (table: keyof typeof CHANGING): string =>
  columnsOf(table)
    .map((column) => `"${column}" = EXCLUDED."${column}"`)
    .join(', ')

/**
 * The columns that almost every transition changes, and no others, with their types. Rows of which nothing else has
 * changed are written so: naming forty columns takes the database longer than writing ten.
 */
const USUAL = {
  Session: {
    version: 'int',
    seq: 'int',
    status: '"SessionStatus"',
    budget: 'jsonb',
    output: 'jsonb',
    reason: 'text',
    startedAt: 'timestamptz',
    endedAt: 'timestamptz',
  },
  Execution: {
    status: '"ExecutionStatus"',
    agentId: 'uuid',
    selection: 'jsonb',
    input: 'jsonb',
    inputHash: 'text',
    output: 'jsonb',
    summary: 'text',
    evidence: 'jsonb',
    artifactCount: 'int',
    acceptedSeq: 'int',
    attempt: 'int',
    counted: 'int',
    fence: 'int',
    readyAt: 'timestamptz',
    startedAt: 'timestamptz',
    endedAt: 'timestamptz',
  },
  Attempt: { status: '"AttemptStatus"', usage: 'jsonb', endedAt: 'timestamptz' },
}
type Usual = keyof typeof USUAL
const COLUMNS = Object.fromEntries(
  Object.entries(USUAL).map(([table, columns]) => [table, Object.entries(columns)]),
) as Record<Usual, [string, string][]>
/** What seldom changes. */
const UNUSUAL = Object.fromEntries(
  (Object.keys(USUAL) as Usual[]).map((table) => [
    table,
    columnsOf(table).filter((column) => !(column in USUAL[table])),
  ]),
) as Record<Usual, string[]>

/** What usually changes of a row; times are ISO 8601. */
export function usualRow(table: Usual, state: { id: string }): Row {
  const row: Row = { id: state.id }
  const values = state as unknown as Row
  for (const [column, type] of COLUMNS[table]) {
    const value = values[column]
    if (value !== undefined) row[column] = type === 'timestamptz' ? new Date(value as number).toISOString() : value
  }
  return row
}

/** Whether nothing but what usually changes has changed. Members of a state are never changed in place. */
export function isUsual(table: Usual, before: object | undefined, after: object): boolean {
  if (before === undefined) return false
  const [was, is] = [before as Row, after as Row]
  return UNUSUAL[table].every((column) => was[column] === is[column])
}

/**
 * Writes what usually changes over the rows of a table. The ids stand beside the rows as a list: so the table is looked up
 * by them, whatever the planner believes of its size.
 */
const update = (table: Usual, n: number, guard: string): string => {
  const columns = COLUMNS[table]
  return `UPDATE "${table}" t SET ${columns.map(([name]) => `"${name}" = r."${name}"`).join(', ')}
    FROM json_to_recordset($${n}::json) AS r(id uuid, "sessionId" uuid, was int,
      ${columns.map(([name, type]) => `"${name}" ${type}`).join(', ')})
    WHERE t.id = r.id AND t.id = ANY($${n + 1}::uuid[]) AND ${guard}`
}
/** Only for sessions that were moved. */
const OF_WON = `r."sessionId" IN (SELECT id FROM won)`
const insert = (table: string, n: number, onConflict = ''): string =>
  `INSERT INTO "${table}" SELECT r.* FROM jsonb_populate_recordset(NULL::"${table}", $${n}::jsonb) r
    WHERE ${OF_WON} ${onConflict}`
const overwrite = (table: keyof typeof CHANGING): string => `ON CONFLICT (id) DO UPDATE SET ${set(table)}`

/** Moves sessions that have the version still that somebody saw, which is `was` of each row. */
const MOVES = {
  Session: (
    n: number,
  ) => `INSERT INTO "Session" SELECT r.* FROM jsonb_populate_recordset(NULL::"Session", $${n}::jsonb) r
    ${overwrite('Session')} WHERE "Session".version = (
      SELECT was FROM jsonb_to_recordset($${n}::jsonb) AS w(id uuid, was int) WHERE w.id = EXCLUDED.id
    ) RETURNING id`,
  usualSession: (n: number) => `${update('Session', n, 't.version = r.was')} RETURNING t.id`,
}

/** Follows for those that were moved. */
const FOLLOWING = {
  Plan: (n: number) => insert('Plan', n),
  Execution: (n: number) => insert('Execution', n, overwrite('Execution')),
  usualExecution: (n: number) => update('Execution', n, OF_WON),
  Attempt: (n: number) => insert('Attempt', n, overwrite('Attempt')),
  usualAttempt: (n: number) => update('Attempt', n, OF_WON),
  Journal: (n: number) => insert('Journal', n),
  Checkpoint: (n: number) => insert('Checkpoint', n),
  Verdict: (n: number) => insert('Verdict', n),
  Interrupt: (n: number) => insert('Interrupt', n, overwrite('Interrupt')),
  Artifact: (n: number) => insert('Artifact', n),
}
const PARTS = { ...MOVES, ...FOLLOWING }

type Rows<Part extends string> = Record<Part, readonly Row[]>
/** Rows of sessions that are to be moved. */
export type Moves = Rows<keyof typeof MOVES>
/** Rows that go with them. */
export type Following = Rows<keyof typeof FOLLOWING>

/**
 * One statement that moves sessions and writes what goes with those that were moved; its rows are their ids. It names only
 * what there is to write: planning the rest takes an embedded database longer than doing it.
 */
export function statement(moves: Moves, following: Following): { sql: string; params: (string | string[])[] } {
  const params: (string | string[])[] = []
  const parts: string[] = []
  const add = (name: keyof typeof PARTS, alias: string, rows: readonly Row[]): void => {
    parts.push(`"${alias}" AS (${PARTS[name](params.length + 1)})`)
    params.push(JSON.stringify(rows))
    if (name.startsWith('usual')) params.push(rows.map(({ id }) => id as string))
  }
  const present = <Part extends string>(rows: Rows<Part>): Part[] =>
    (Object.keys(rows) as Part[]).filter((name) => rows[name].length > 0)

  const moved = present(moves)
  for (const name of moved) add(name, name, moves[name])
  parts.push(`won AS (${moved.map((name) => `SELECT id FROM "${name}"`).join(' UNION ALL ')})`)
  for (const name of present(following)) add(name, `to ${name}`, following[name])
  return { sql: `WITH ${parts.join(',\n')}\nSELECT id FROM won`, params }
}
