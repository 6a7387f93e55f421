import type { Json } from '../../src/core/json.ts'
import type { Plan } from '../../src/core/plan.ts'
import type { Database } from '../../src/store/db.ts'
import { eventsOf } from '../database.ts'

type Row = { [key: string]: Json }

/** Columns and fields that say when, for how long, by which server, in how many steps, or how much others had to do. */
const PASSING =
  /^(at|seq|acceptedSeq|(resume|retry|started|ended|created|ready|expires|escalates|answered)At|(lease|grace)Until|waitingSince|waitedMs|(duration|cpu)Ms|owner|driver|WALL_TIME|selection|shownHash)$/
const UUID = /\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g
const COMMIT = /\b[0-9a-f]{40}\b/g

/**
 * Everything that the sessions of a project have left in the database, as it has to be wherever they were carried out: ids
 * have become names, what is passing is gone, and what parallel work writes in any order is in one.
 *
 * @param folder is called the same wherever it lies
 */
export async function durableOf({ query }: Pick<Database, 'query'>, projectId: string, folder: string): Promise<Row> {
  const rows = async (table: string, order: string): Promise<Row[]> => {
    const found = await query<{ row: Row }>(
      `SELECT to_jsonb(t) AS row FROM "${table}" t JOIN "Session" s ON s.id = t."sessionId"
       WHERE s."projectId" = $1 ORDER BY s."createdAt", s.id, ${order}`,
      [projectId],
    )
    return found.map(({ row }) => row)
  }
  const sessions = await query<{ row: Row & { id: string } }>(
    `SELECT to_jsonb(s) AS row FROM "Session" s WHERE "projectId" = $1 ORDER BY "createdAt", id`,
    [projectId],
  )
  const executions = await rows('Execution', 't.position')
  const attempts = await rows('Attempt', 't.number')
  const agents = await query<{ id: string; name: string }>('SELECT id, name FROM "Agent"')

  const names = new Map<Json | undefined, string>(agents.map(({ id, name }) => [id, name]))
  for (const [index, { row }] of sessions.entries()) names.set(row.id, `session ${index + 1}`)
  for (const { id, sessionId, key } of executions) names.set(id, `${names.get(sessionId)}/${key}`)
  for (const { id, executionId, number } of attempts) names.set(id, `${names.get(executionId)}#${number}`)

  const named = (text: string): string =>
    text
      .replaceAll(folder, '<folder>')
      .replaceAll(UUID, (id) => names.get(id) ?? '<id>')
      .replaceAll(COMMIT, '<commit>')
  const plain = (value: Json): Json => {
    if (typeof value === 'string') return named(value)
    if (Array.isArray(value)) return value.map(plain)
    if (typeof value !== 'object' || value === null) return value
    const kept = Object.entries(value).filter(([key]) => !PASSING.test(key))
    return Object.fromEntries(kept.map(([key, inner]) => [key, plain(inner)]))
  }
  const sorted = (all: readonly Row[]): Json =>
    all.map(plain).toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)))

  const plans = await rows('Plan', 't.version')
  /** What happens to have been accepted beside a checkpoint's execution is passing: what comes before that one is not. */
  const checkpoint = (row: Row): Row => {
    const { graph } = plans.findLast(({ sessionId }) => sessionId === row['sessionId']) as Row & { graph: Plan }
    const keyOf = (id: Json | undefined): string => names.get(id)?.split('/')[1] as string
    const before = upTo(keyOf(row['executionId']), graph)
    const accepted = (row['accepted'] as string[]).map(keyOf).filter((key) => before.has(key))
    return { ...row, accepted: accepted.toSorted() }
  }

  const events: { [subject: string]: Json[] } = {}
  for (const { row } of sessions) {
    for (const { type, executionId, attemptId, data } of await eventsOf({ query }, row.id)) {
      const told = type === 'CHECKPOINT_MADE' ? null : plain(data as Json)
      const subject = (events[names.get(executionId ?? row.id) as string] ??= [])
      subject.push({ type, attempt: names.get(attemptId) ?? null, told })
    }
  }
  return {
    sessions: sessions.map(({ row: { version: _, ...row } }) => plain(row)),
    plans: sorted(plans),
    executions: sorted(executions),
    attempts: sorted(attempts),
    verdicts: sorted(await rows('Verdict', 't.seq')),
    interrupts: sorted(await rows('Interrupt', 't.seq')),
    checkpoints: sorted((await rows('Checkpoint', 't.seq')).map(checkpoint)),
    artifacts: sorted(await rows('Artifact', 't.name')),
    events,
  }
}

/** The keys of a node and of all that come before it. */
function upTo(key: string, plan: Plan): Set<string> {
  const { after = [] } = plan.nodes.find((node) => node.key === key) ?? {}
  return new Set([key, ...after.flatMap((before) => [...upTo(before, plan)])])
}
