import type { Client } from './client.ts'
import { Failure } from './failure.ts'
import { ArtifactsQuery, ExecutionsQuery, SessionQuery } from './operations.ts'
import { everyPage } from './pages.ts'

/** What a session came to. Durations in milliseconds. */
export interface SessionResult {
  /** Its UUID. */
  id: string
  title: string
  status: string
  pattern: string
  complexity: number
  durationMs: number | null
  reason: string | null
  /** The branch that shows what was changed in worktrees; null: nothing was, or there is none. */
  branch: string | null
  /** What it put out as a whole; null until it has ended. */
  output: unknown
  /** In the plan's order. */
  executions: ExecutionResult[]
}

export interface ExecutionResult {
  key: string
  title: string
  agent: string | null
  status: string
  attempts: number
  durationMs: number | null
  summary: string | null
  error: string | null
  artifacts: ArtifactResult[]
}

export interface ArtifactResult {
  name: string
  kind: string
  /** Bytes. */
  size: number
  sha256: string
  /** From the server's root. */
  url: string
}

/** The UUID in a global id. */
export const uuidOf = (globalId: string): string => globalId.slice(globalId.indexOf(':') + 1)

/**
 * Everything that is to be said about a session, from the server.
 *
 * @throws Failure if there is no such session
 */
export async function loadResult(client: Client, id: string): Promise<SessionResult> {
  const { session } = await client.ask(SessionQuery, { id })
  if (!session) throw new Failure(`There is no session ${id}. \`tutti sessions\` lists the last ones.`)
  const executions = await executionsOf(client, id)
  const made = await madeBy(client, id, executions)
  return {
    id: uuidOf(session.id),
    title: session.task.title,
    status: session.status,
    pattern: session.pattern,
    complexity: session.analysis.complexity,
    durationMs: session.durationMs ?? null,
    reason: session.reason ?? null,
    branch: session.branch ?? null,
    output: session.output ?? null,
    executions: executions.map((execution) => ({
      key: execution.key,
      title: execution.title,
      agent: execution.agent?.name ?? null,
      status: execution.status,
      attempts: execution.attempt,
      durationMs: execution.durationMs ?? null,
      summary: execution.summary ?? null,
      error: execution.error?.message ?? null,
      artifacts: made.get(execution.id) ?? [],
    })),
  }
}

type Executions = Awaited<ReturnType<typeof executionsOf>>

const executionsOf = (client: Client, id: string) =>
  everyPage(async (after) => {
    const answer = await client.ask(ExecutionsQuery, { id, after })
    return answer.session?.executions ?? { nodes: [], pageInfo: { hasNextPage: false } }
  })

/** What the executions of a session have made, by their ids, with what was made in child sessions for them. */
async function madeBy(client: Client, session: string, executions: Executions): Promise<Map<string, ArtifactResult[]>> {
  const own = await artifactsOf(client, { session })
  const made = new Map<string, ArtifactResult[]>()
  for (const { id, carriedFrom, child } of executions) {
    // Taken over from an earlier session, and so is what was made there.
    const mine = carriedFrom
      ? await artifactsOf(client, { execution: carriedFrom.id })
      : own.filter(({ maker }) => maker === id)
    const below = carriedFrom ? carriedFrom.child : child
    const theirs = below ? await madeIn(client, below.id) : []
    made.set(id, [...mine.map(({ maker: _, ...artifact }) => artifact), ...theirs])
  }
  return made
}

/** What was made in a child session, at whatever depth: the names begin with the keys of who made it. */
async function madeIn(client: Client, session: string): Promise<ArtifactResult[]> {
  const executions = await executionsOf(client, session)
  const made = await madeBy(client, session, executions)
  return executions.flatMap(({ id, key }) =>
    (made.get(id) ?? []).map((artifact) => ({ ...artifact, name: `${key}/${artifact.name}` })),
  )
}

async function artifactsOf(
  client: Client,
  filter: { session: string } | { execution: string },
): Promise<(ArtifactResult & { maker: string })[]> {
  const all = await everyPage((after) =>
    client.ask(ArtifactsQuery, { filter, after }).then((answer) => answer.artifacts),
  )
  return all.map(({ name, kind, size, sha256, url, execution }) => ({
    name,
    kind,
    size,
    sha256,
    url,
    maker: execution.id,
  }))
}
