import { resolve } from 'node:path'
import type { Client } from './client.ts'
import { download, placeReport } from './download.ts'
import type { ArtifactResult, ExecutionResult, SessionResult } from './result.ts'

/** A result with its artifacts on this machine. */
export interface SavedResult {
  session: SessionResult
  executions: (Omit<ExecutionResult, 'artifacts'> & { artifacts: SavedArtifact[] })[]
  /** Absolute path of the report that closes the session. */
  report: string | null
  /** Absolute path of what everything was saved into. */
  folder: string
}

export interface SavedArtifact extends ArtifactResult {
  /** Absolute; null: it could not be saved. */
  path: string | null
  /** Why it could not be saved. */
  problem: string | null
}

/** What the agent that brings the results together calls its report. */
const REPORT = 'report.md'

/**
 * Saves all artifacts of a session into a folder, and its report on top of them.
 *
 * @param server address of the server, and what lets us in
 */
export async function save(
  session: SessionResult,
  folder: string,
  server: Pick<Client, 'url' | 'headers'>,
): Promise<SavedResult> {
  const root = resolve(folder)
  const offers = session.executions.flatMap(({ key, artifacts }) => artifacts.map((artifact) => ({ key, ...artifact })))
  const saved = await download(offers, root, server)
  const executions = session.executions.map((execution) => ({
    ...execution,
    artifacts: saved.filter(({ key }) => key === execution.key).map(({ key: _, ...artifact }) => artifact),
  }))
  const closing = reportOf(executions)
  return {
    session,
    executions,
    report: closing === undefined ? null : await placeReport(closing, root),
    folder: root,
  }
}

/** The report of the execution that comes last in the plan: it has seen all the others. */
function reportOf(executions: SavedResult['executions']): string | undefined {
  const last = executions.at(-1)
  return last?.artifacts.find(({ name }) => name === REPORT)?.path ?? undefined
}
