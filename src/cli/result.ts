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
  const executions = await everyPage(async (after) => {
    const answer = await client.ask(ExecutionsQuery, { id, after })
    return answer.session?.executions ?? { nodes: [], pageInfo: { hasNextPage: false } }
  })
  const artifacts = await artifactsOf(client, { session: id })
  for (const { carriedFrom } of executions) {
    // Taken over from an earlier session, and so are its artifacts.
    if (carriedFrom) artifacts.push(...(await artifactsOf(client, { execution: carriedFrom.id })))
  }
  return {
    id: uuidOf(session.id),
    title: session.task.title,
    status: session.status,
    pattern: session.pattern,
    complexity: session.analysis.complexity,
    durationMs: session.durationMs ?? null,
    reason: session.reason ?? null,
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
      artifacts: artifacts
        .filter(({ maker }) => maker === (execution.carriedFrom?.id ?? execution.id))
        .map(({ maker: _, ...artifact }) => artifact),
    })),
  }
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
