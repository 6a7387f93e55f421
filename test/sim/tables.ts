import type { Analysis } from '../../src/core/analysis.ts'
import type { Plan } from '../../src/core/plan.ts'
import { isEnded } from '../../src/core/session.ts'
import type { SessionState } from '../../src/core/state.ts'
import type { Claim, Claimed } from '../../src/store/idempotency.ts'
import { attemptRow, executionRow, interruptRow, type Row, sessionRow } from '../../src/store/rows.ts'
import { loadSession, type Unfinished } from '../../src/store/session.ts'
import type { AgentRecord, Companions, TaskText } from '../../src/store/store.ts'
import type { NewTask } from '../../src/store/task.ts'
import type { ArtifactRow, Transition } from '../../src/store/write.ts'
import { Fault } from './loop.ts'

/** Text that the database refuses, as it refuses what is no Unicode. */
export const REFUSED_TEXT = 'text that no database takes'

/** A project that sessions are started in. */
export interface ProjectRow {
  id: string
  workspace: string
  concurrency: number
}

/** Rows as a database keeps them: JSON, so what does not survive JSON is lost. */
interface SessionRows {
  version: number
  status: SessionState['status']
  driver: string | null
  session: string
  plans: Map<number, { graph: Plan; analysis: Analysis | undefined }>
  planVersion: number
  executions: Map<string, string>
  attempts: Map<string, string>
  interrupts: Map<string, string>
  artifacts: ArtifactRow[]
}

/** Who looks on. Its verbs throw what rule is broken. */
export interface OnLooker {
  /** Called for each transition that was written, before anybody hears so. */
  written(transition: Transition, stored: SessionState): void
  /** A session has another driver. */
  driven(sessionId: string, version: number, driver: string): void
}

/** The rows of all servers, and what can be done with them, each at one instant. */
export interface Tables {
  readonly projects: ProjectRow[]
  readonly agents: AgentRecord[]
  /** Ids of the sessions, oldest first. */
  sessionIds(): string[]
  isUnfinished(sessionId: string): boolean
  unfinished(): Unfinished[]
  version(sessionId: string): number | undefined
  drive(sessionIds: readonly string[], server: string): string[]
  session(sessionId: string): Promise<SessionState | undefined>
  write(transition: Transition): Promise<boolean>
  create(transition: Transition, companions: Companions): Promise<Claimed>
  claim(claim: Claim): Claimed
  answered(claim: Omit<Claim, 'subjectId'>): Claimed | undefined
  analysis(sessionId: string): Analysis | undefined
  /** The session of an interrupt. */
  sessionOfInterrupt(interruptId: string): string | undefined
  task(projectId: string, taskId: string): (NewTask & { workspace: string }) | undefined
  taskText(taskId: string): TaskText
  /** Those of an execution. */
  artifactsOf(executionId: string): readonly ArtifactRow[]
  /** All artifacts of a session. */
  artifacts(sessionId: string): readonly ArtifactRow[]
}

/** @param careless writes whatever was written in between: for a test that this is found out */
export function createTables(onLooker: OnLooker, careless = false): Tables {
  const sessions = new Map<string, SessionRows>()
  const tasks = new Map<string, string>()
  const keys = new Map<string, { inputHash: string; subjectId: string }>()
  const projects: ProjectRow[] = []
  const agents: AgentRecord[] = []

  async function load(id: string): Promise<SessionState | undefined> {
    const rows = sessions.get(id)
    if (!rows) return undefined
    const parse = (from: Map<string, string>): Row[] => [...from.values()].map((row) => JSON.parse(row) as Row)
    const executions = parse(rows.executions)
    const last = executions.map((e) => rows.attempts.get(`${String(e.id)} ${String(e.attempt)}`))
    const found = {
      session: JSON.parse(rows.session) as Row,
      plan: rows.plans.get(rows.planVersion)?.graph,
      executions: executions.toSorted((a, b) => Number(a.position) - Number(b.position)),
      attempts: last.flatMap((row) => (row === undefined ? [] : [JSON.parse(row) as Row])),
      interrupts: parse(rows.interrupts).toSorted((a, b) => Number(a.seq) - Number(b.seq)),
    }
    return loadSession(async <T>() => [found as T], id)
  }

  async function put(transition: Transition): Promise<void> {
    const { before, after, analysis, artifacts = [] } = transition
    const known = sessions.get(after.id)
    const rows: SessionRows = {
      version: after.version,
      status: after.status,
      driver: after.driver ?? null,
      session: json(sessionRow(after)),
      plans: new Map(known?.plans),
      planVersion: after.planVersion,
      executions: new Map(known?.executions),
      attempts: new Map(known?.attempts),
      interrupts: new Map(known?.interrupts),
      artifacts: [...(known?.artifacts ?? []), ...artifacts],
    }
    if (!known || before.planVersion !== after.planVersion) {
      rows.plans.set(after.planVersion, { graph: JSON.parse(json(after.plan)) as Plan, analysis })
    }
    for (const execution of Object.values(after.executions)) {
      const was = before.executions[execution.key]
      if (execution === was) continue
      rows.executions.set(execution.id, json(executionRow(after, execution)))
      const { current } = execution
      if (!current || current === was?.current) continue
      rows.attempts.set(`${execution.id} ${current.number}`, json(attemptRow(after, execution, current)))
    }
    for (const interrupt of after.interrupts) {
      if (!before.interrupts.includes(interrupt))
        rows.interrupts.set(interrupt.id, json(interruptRow(after, interrupt)))
    }
    sessions.set(after.id, rows)
    onLooker.written(transition, (await load(after.id)) as SessionState)
  }

  function answered({ operation, key, inputHash }: Omit<Claim, 'subjectId'>): Claimed | undefined {
    const known = keys.get(`${operation} ${key}`)
    if (!known) return undefined
    return known.inputHash === inputHash ? { kind: 'SAME', subjectId: known.subjectId } : { kind: 'OTHER' }
  }

  function claim(claim: Claim): Claimed {
    const known = answered(claim)
    const { operation, key, inputHash, subjectId } = claim
    if (!known) keys.set(`${operation} ${key}`, { inputHash, subjectId })
    return known ?? { kind: 'NEW' }
  }

  return {
    projects,
    agents,
    sessionIds: () => [...sessions.keys()],
    unfinished: () =>
      [...sessions].flatMap(([id, { status, version, driver }]) => (isEnded(status) ? [] : [{ id, version, driver }])),
    version: (id) => sessions.get(id)?.version,
    // Whoever asks for it is the last one that began: the others are dead, or about to learn so.
    drive: (ids, server) =>
      ids.filter((id) => {
        const rows = sessions.get(id)
        if (!rows || isEnded(rows.status) || rows.driver === server) return false
        const version = rows.version + 1
        const session = json({ ...(JSON.parse(rows.session) as Row), version, driver: server })
        sessions.set(id, { ...rows, version, driver: server, session })
        onLooker.driven(id, version, server)
        return true
      }),
    isUnfinished: (id) => !isEnded((sessions.get(id) as SessionRows).status),
    session: load,
    async write(transition) {
      const { before, after } = transition
      refuse(transition)
      const { key } = transition
      if (key && answered(key)) return false
      const isNew = careless || sessions.get(after.id)?.version === before.version
      if (isNew) await put(transition)
      if (isNew && key) claim(key)
      return isNew
    },
    async create(transition, { task, idempotency }) {
      refuse(transition)
      const known = idempotency && answered(idempotency)
      if (known) return known
      const { id } = transition.after
      if (sessions.has(id)) return { kind: 'SAME', subjectId: id }
      if (task) tasks.set(task.id, json(task))
      await put(transition)
      if (idempotency) claim({ ...idempotency, subjectId: id })
      return { kind: 'NEW' }
    },
    claim,
    answered,
    analysis: (sessionId) => sessions.get(sessionId)?.plans.get(1)?.analysis,
    sessionOfInterrupt: (id) => [...sessions].find(([, { interrupts }]) => interrupts.has(id))?.[0],
    task(projectId, taskId) {
      const found = JSON.parse(tasks.get(taskId) ?? 'null') as NewTask | null
      const workspace = projects.find(({ id }) => id === projectId)?.workspace ?? ''
      return found?.projectId === projectId ? { ...found, workspace } : undefined
    },
    taskText(taskId) {
      const { title, description, projectId } = JSON.parse(tasks.get(taskId) as string) as NewTask
      return {
        task: { title, description },
        workspace: projects.find(({ id }) => id === projectId)?.workspace ?? '',
      }
    },
    artifactsOf: (id) =>
      [...sessions.values()].flatMap(({ artifacts }) => artifacts.filter(({ executionId }) => executionId === id)),
    artifacts: (sessionId) => sessions.get(sessionId)?.artifacts ?? [],
  }
}

function refuse({ after, before }: Transition): void {
  for (const execution of Object.values(after.executions)) {
    if (execution === before.executions[execution.key]) continue
    const { summary = '', candidate } = execution
    if (!summary.includes(REFUSED_TEXT) && candidate?.summary.includes(REFUSED_TEXT) !== true) continue
    throw new Fault('unsupported Unicode escape sequence', '22P05')
  }
}

/** As jsonb keeps it: members in an order of its own, shorter names first. */
function json(value: unknown): string {
  return JSON.stringify(inOrder(value))
}

function inOrder(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(inOrder)
  const members = Object.entries(value).toSorted(([a], [b]) => a.length - b.length || (a < b ? -1 : 1))
  // Not fromEntries of a literal: a member may be called __proto__.
  return Object.fromEntries(members.map(([name, member]) => [name, inOrder(member)]))
}
