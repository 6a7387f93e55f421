import { arrayOf, type Column, type Form, type Listed, paramOf, tableOf, valueIn } from './lists.ts'
import { type Addition, ADDITIONS, type Change, CHANGES, CHANGING, type Changing } from './shapes.ts'

const set = (table: Changing): string =>
  CHANGING[table]
    .split(' ')
    .map((column) => `"${column}" = EXCLUDED."${column}"`)
    .join(', ')

/** Only for sessions that were moved. */
const OF_WON = `r."sessionId" IN (SELECT id FROM won)`
const list = (parts: readonly string[]): string => parts.join(', ')

const changeRows = ({ table, by, columns: changed }: Change, n: number, form: Form): string => {
  const values = changed.map((column) => `"${column[0]}" = ${valueIn(column)}`)
  const found = by.map((column) => `t."${column[0] === 'was' ? 'version' : column[0]}" = ${valueIn(column)}`)
  const isMove = table === 'Session'
  // The ids stand there once more as a list: so the table is looked up by them, whatever the planner believes of its size.
  if (isMove && form === 'MANY') found.push(`t.id = ANY(${arrayOf(by[0] as Column, n)})`)
  return `UPDATE "${table}" t SET ${list(values)} FROM ${tableOf([...by, ...changed], n, form)}
    WHERE ${found.join(' AND ')} ${isMove ? 'RETURNING t.id' : `AND ${OF_WON}`}`
}
const addRows = ({ table, columns: added }: Addition, n: number, form: Form): string =>
  `INSERT INTO "${table}" (${list(added.map(([name]) => `"${name}"`))})
    SELECT ${list(added.map((column) => valueIn(column)))} FROM ${tableOf(added, n, form)} WHERE ${OF_WON}`

const insert = (table: string, n: number, onConflict = ''): string =>
  `INSERT INTO "${table}" SELECT r.* FROM jsonb_populate_recordset(NULL::"${table}", $${n}::jsonb) r
    WHERE ${OF_WON} ${onConflict}`
const overwrite = (table: Changing): string => `ON CONFLICT (id) DO UPDATE SET ${set(table)}`

/** The rest: whole rows, as JSON. */
const WHOLE = {
  Session: (
    n: number,
  ) => `INSERT INTO "Session" SELECT r.* FROM jsonb_populate_recordset(NULL::"Session", $${n}::jsonb) r
    ${overwrite('Session')} WHERE "Session".version = (
      SELECT was FROM jsonb_to_recordset($${n}::jsonb) AS w(id uuid, was int) WHERE w.id = EXCLUDED.id
    ) RETURNING id`,
  Plan: (n: number) => insert('Plan', n),
  Execution: (n: number) => insert('Execution', n, overwrite('Execution')),
  Attempt: (n: number) => insert('Attempt', n, overwrite('Attempt')),
  Verdict: (n: number) => insert('Verdict', n),
  Interrupt: (n: number) => insert('Interrupt', n, overwrite('Interrupt')),
  Artifact: (n: number) => insert('Artifact', n),
}

/** What moves sessions that have the version still that somebody saw, which is `was` of each row. */
const MOVES: readonly Part[] = ['Session', 'movedSession', 'steppedSession']
/** What goes with those that were moved, in this order. */
const FOLLOWING: readonly Part[] = [
  'Plan',
  'Execution',
  'newExecution',
  'begunExecution',
  'doneExecution',
  'begunAndDoneExecution',
  'Attempt',
  'newAttempt',
  'endedAttempt',
  'Journal',
  'Verdict',
  'Interrupt',
  'Artifact',
]

/** What can be written together. */
export type Part = keyof typeof CHANGES | keyof typeof ADDITIONS | keyof typeof WHOLE

/** What is to be written, by what it is. */
export type Parts = Map<Part, Listed[]>

const whole: Partial<Record<string, (n: number) => string>> = WHOLE
const changes: Partial<Record<string, Change>> = CHANGES
const additions: Partial<Record<string, Addition>> = ADDITIONS

/** The lists that a part comes in; undefined: it comes as one list of whole rows. */
function listsOf(part: Part): readonly Column[] | undefined {
  const change = changes[part]
  return change ? [...change.by, ...change.columns] : additions[part]?.columns
}
const LISTS = new Map([...MOVES, ...FOLLOWING].map((part) => [part, listsOf(part)]))

/** A part of a statement, and how its rows come. */
interface Formed {
  part: Part
  form: Form
}

/** What a part is in SQL. @param n number of its first parameter */
function sqlOf({ part, form }: Formed, n: number): string {
  const [change, addition] = [changes[part], additions[part]]
  const sql = change ? changeRows(change, n, form) : addition ? addRows(addition, n, form) : whole[part]?.(n)
  return `"to ${part}" AS (${sql})`
}

/** Texts of statements by what they write: most write the same as another one before. */
const texts = new Map<string, string>()
/** Texts that are remembered. */
const MOST_TEXTS = 300

function textOf(parts: readonly Formed[]): string {
  const key = parts.map(({ part, form }) => `${part} ${form}`).join()
  const known = texts.get(key)
  if (known !== undefined) return known
  let n = 1
  const named = (some: readonly Formed[]): string[] =>
    some.map((one) => {
      const from = n
      n += LISTS.get(one.part)?.length ?? 1
      return sqlOf(one, from)
    })
  const moves = parts.filter(({ part }) => MOVES.includes(part))
  const won = `won AS (${moves.map(({ part }) => `SELECT id FROM "to ${part}"`).join(' UNION ALL ')})`
  const following = parts.filter(({ part }) => !MOVES.includes(part))
  const text = `WITH ${[...named(moves), won, ...named(following)].join(',\n')}\nSELECT id FROM won`
  if (texts.size < MOST_TEXTS) texts.set(key, text)
  return text
}

/**
 * One statement that moves sessions and writes what goes with those that were moved; its rows are their ids. It names only
 * what there is to write: planning the rest takes an embedded database longer than doing it.
 */
export function statement(parts: Parts): { sql: string; params: (string | null)[] } {
  const params: (string | null)[] = []
  const present: Formed[] = []
  // Else there would be as many texts as there are ways of who does what together.
  const isAlone = MOVES.reduce((sum, part) => sum + (parts.get(part)?.length ?? 0), 0) === 1
  for (const [part, columns] of LISTS) {
    const rows = parts.get(part)
    if (!rows) continue
    const form = isAlone && rows.length === 1 ? 'ONE' : 'MANY'
    present.push({ part, form })
    if (columns) for (const column of columns) params.push(paramOf(rows, column, form))
    else params.push(JSON.stringify(rows.map(({ state, more }) => ({ ...state, ...more }))))
  }
  return { sql: textOf(present), params }
}
