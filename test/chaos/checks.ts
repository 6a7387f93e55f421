import { outputOf } from './agents.ts'
import type { Asked } from './load.ts'
import type { Rows } from './rows.ts'
import { endingOf } from './subscriber.ts'

/** What became of everything, and what was not kept of what is promised. */
export interface Findings {
  /** One for each broken promise: which one, and by what. */
  broken: string[]
  sessions: number
  executions: number
  /** Those that somebody was told of and that are not there, or have not ended. */
  lost: { sessions: number; executions: number }
  acceptedTwice: number
  /** Executions whose program came to its end more than once, of which one end counts. */
  doneAgain: number
  attempts: { all: number; lost: number }
  events: number
  /** Reports of attempts that were somebody else's by then: STALE_LEASE. */
  stale: number
  /** Connections that subscribers lost. */
  reconnects: number
}

/** What executions end as. */
const ENDS: ReadonlySet<string> = new Set(['ACCEPTED', 'FAILED', 'SKIPPED', 'CANCELED', 'COMPENSATED'])

interface SessionRow {
  id: string
  title: string
  status: string
  reason: string | null
  seq: number
  ended: boolean
}
interface ExecutionRow {
  id: string
  sessionId: string
  key: string
  status: string
  attempt: number
  output: { stdout: string } | null
  byAgent: boolean
  oks: number
  lost: number
}
interface EventRow {
  sessionId: string
  seq: number
  type: string
  executionId: string | null
}

/**
 * Holds what has become of all sessions against what is promised.
 *
 * @param deeds what the agents' programs did, as they have written it down themselves
 */
export async function check(
  { read }: Rows,
  asked: readonly Asked[],
  deeds: ReadonlyMap<string, { began: number; ended: number }>,
): Promise<Findings> {
  const broken: string[] = []
  const sessions = await read<SessionRow>(
    `SELECT s.id, t.title, s.status, s.reason, s.seq, s."endedAt" IS NOT NULL AS ended
     FROM "Session" s JOIN "Task" t ON t.id = s."taskId" ORDER BY s.id`,
  )
  const executions = await read<ExecutionRow>(
    `SELECT e.id, e."sessionId", e.key, e.status, e.attempt, e.output, e."agentId" IS NOT NULL AS "byAgent",
       (SELECT count(*)::int FROM "Attempt" a WHERE a."executionId" = e.id AND a.status = 'OK') AS oks,
       (SELECT count(*)::int FROM "Attempt" a WHERE a."executionId" = e.id AND a.status = 'LOST') AS lost
     FROM "Execution" e ORDER BY e.id`,
  )
  const events = await read<EventRow>(
    `SELECT j."sessionId", e.* FROM "Journal" j
     CROSS JOIN LATERAL json_to_recordset(j.events) AS e(seq int, type text, "executionId" uuid)
     ORDER BY j."sessionId", j.last, e.seq`,
  )
  const eventsBySession = Map.groupBy(events, ({ sessionId }) => sessionId)

  // Accepted means durable, and one request is one session.
  const lost = { sessions: 0, executions: 0 }
  const byId = new Map(sessions.map((session) => [session.id, session]))
  for (const { key, answers } of asked) {
    if (new Set(answers).size > 1) broken.push(`idempotency: ${key} made ${new Set(answers).size} sessions`)
    for (const id of new Set(answers)) {
      if (byId.has(id)) continue
      lost.sessions++
      broken.push(`durability: session ${id} of ${key} was accepted, and is not there`)
    }
  }
  for (const [title, same] of Map.groupBy(sessions, ({ title }) => title)) {
    if (same.length > 1) broken.push(`idempotency: ${title} is there ${same.length} times`)
  }

  // Everything ends, once, as its events say, and they are numbered 1 to n.
  for (const { id, status, reason, seq, ended } of sessions) {
    if (!ended) lost.sessions++
    if (status !== 'SUCCEEDED') broken.push(`end: session ${id} is ${status}${reason === null ? '' : `: ${reason}`}`)
    const own = eventsBySession.get(id) ?? []
    const gap = firstGap(own.map((event) => event.seq))
    if (gap !== undefined || own.length !== seq) {
      broken.push(`events: of the ${seq} of session ${id} there are ${own.length}; the first wrong one is ${gap}`)
    }
    const endings = own.map(({ type }) => endingOf(type)).filter((ending) => ending !== undefined)
    if (ended && (endings.length !== 1 || endings[0] !== status)) {
      broken.push(`one terminal state: session ${id} is ${status}, its events say ${endings.join(', then ') || 'none'}`)
    }
  }
  const acceptances = Map.groupBy(
    events.filter(({ type }) => type === 'EXECUTION_ACCEPTED'),
    ({ executionId }) => executionId,
  )
  let acceptedTwice = 0
  let doneAgain = 0
  for (const { id, status, attempt, output, byAgent, oks, ...execution } of executions) {
    const name = `execution ${execution.key} (${id}) of session ${execution.sessionId}`
    if (status !== 'ACCEPTED') {
      if (!ENDS.has(status)) lost.executions++
      broken.push(`end: ${name} is ${status}`)
      continue
    }
    const times = acceptances.get(id)?.length ?? 0
    if (oks > 1 || times > 1) acceptedTwice++
    if (times !== 1) broken.push(`one terminal state: ${name} was accepted ${times} times`)
    if (!byAgent) continue
    if (oks !== 1) broken.push(`one terminal state: ${oks} attempts of ${name} were OK`)
    // The output tells which attempt wrote it, whatever the rows say.
    const written = output?.stdout.trim()
    if (written !== outputOf(id, attempt)) broken.push(`stale write: ${name}, attempt ${attempt}, has "${written}"`)
    if (deeds.get(outputOf(id, attempt))?.ended !== 1) broken.push(`the accepted attempt of ${name} has not ended once`)
    const ends = Array.from({ length: attempt }, (_, index) => deeds.get(outputOf(id, index + 1))?.ended ?? 0)
    if (ends.reduce((sum, ended) => sum + ended) > 1) doneAgain++
  }
  for (const [name, { began, ended }] of deeds) {
    if (began > 1) broken.push(`one program for an attempt: that of ${name} began ${began} times, and ended ${ended}`)
  }

  // Subscribers see what is there, once and in order.
  let reconnects = 0
  for (const { key, answers, seen } of asked) {
    const session = byId.get(answers[0] ?? '')
    if (!seen || !session) continue
    reconnects += seen.connections - 1
    const gap = firstGap(seen.seqs)
    if (gap !== undefined || seen.seqs.length !== session.seq) {
      broken.push(`subscriber: of ${session.seq} events of ${key} it saw ${seen.seqs.length}; wrong first at ${gap}`)
    }
    if (seen.ending !== session.status) {
      broken.push(`subscriber: ${key} is ${session.status}, it saw it end as ${seen.ending}`)
    }
  }
  return {
    broken,
    sessions: sessions.length,
    executions: executions.length,
    lost,
    acceptedTwice,
    doneAgain,
    attempts: {
      all: executions.reduce((sum, { byAgent, attempt }) => sum + (byAgent ? attempt : 0), 0),
      lost: executions.reduce((sum, { lost }) => sum + lost, 0),
    },
    events: events.length,
    stale: events.filter(({ type }) => type === 'ATTEMPT_LATE').length,
    reconnects,
  }
}

/** The place where numbers stop to be 1 to n. */
function firstGap(seqs: readonly number[]): number | undefined {
  const at = seqs.findIndex((seq, index) => seq !== index + 1)
  return at < 0 ? undefined : at + 1
}
