import { commitsBefore, isIsolated } from '../core/merge.ts'
import type { SessionState } from '../core/state.ts'
import type { Evidence, ProducedFile } from '../runtime.ts'
import type { AgentRecord } from '../store/store.ts'
import type { Tools } from './tools.ts'

/** Where an attempt works, if not in the workspace itself. */
export interface Place {
  /** Absolute path. */
  path: string
  /** Commit that it began with. */
  before: string
  /** The commit of what is there now; undefined if nothing has changed. */
  keep(): Promise<string | undefined>
  close(): Promise<void>
}

/** What comes before a part does not go together. */
export class Conflict extends Error {
  override name = 'Conflict'
}

type Means = Pick<Tools, 'store' | 'worktrees' | 'artifacts'>

/**
 * Makes a place for an attempt, with what was accepted before it.
 *
 * @returns undefined: it works in the workspace itself, as nothing has changed there and it only reads
 * @throws Conflict
 */
export async function openPlace(
  parts: Means,
  { state, key, agent, attemptId }: { state: SessionState; key: string; agent: AgentRecord; attemptId: string },
): Promise<Place | undefined> {
  if (!isIsolated(state)) return undefined
  const workspace = await parts.store.workspace(state.projectId)
  if (workspace === undefined) return undefined
  const before = await baseOf(parts, state, key)
  if (agent.workspace === 'READ' && before === state.baseCommit && state.parentSessionId === undefined) return undefined
  const worktree = await parts.worktrees.open(workspace, before, parts.artifacts.worktree(attemptId))
  return {
    path: worktree.path,
    before,
    keep: () => worktree.keep(state.id, `attempt-${attemptId}`),
    close: () => worktree.close(),
  }
}

/**
 * The commit that a part begins with.
 *
 * @param sessionId for whom it is kept, if not for the session itself
 * @throws Conflict
 */
export async function baseOf(
  { store, worktrees }: Pick<Tools, 'store' | 'worktrees'>,
  state: SessionState,
  key: string,
  sessionId: string = state.id,
): Promise<string> {
  const commits = commitsBefore(state, key)
  // Kept with the session already.
  if (commits.length === 1 && sessionId === state.id) return commits[0] as string
  const workspace = await store.workspace(state.projectId)
  if (workspace === undefined) throw new Error('its project has gone')
  const merged = await worktrees.merge(workspace, sessionId, commits)
  if (merged.kind === 'MERGED') return merged.commit
  throw new Conflict(`what comes before "${key}" does not go together: ${merged.paths.join(', ')}`)
}

/** Name of the artifact that holds what an attempt has changed. */
const PATCH = 'tutti-changes.patch'
/** Paths that the evidence names. */
const MAX_PATHS = 1_000

/** What an attempt has changed, as something to look at. */
export async function changesOf(
  { store, worktrees }: Pick<Tools, 'store' | 'worktrees'>,
  projectId: string,
  { before, commit }: { before: string; commit: string },
): Promise<{ evidence: Evidence; paths: string[]; file: ProducedFile; patch: Uint8Array }> {
  const workspace = (await store.workspace(projectId)) as string
  const files = await worktrees.changes(workspace, before, commit)
  const patch = await worktrees.patch(workspace, before, commit)
  const detail = { commit, before, count: files.length, files: files.slice(0, MAX_PATHS).map((file) => ({ ...file })) }
  return {
    evidence: { name: 'changed files', kind: 'CHANGES', passed: true, detail },
    paths: files.map(({ path }) => path),
    file: { name: PATCH, kind: 'PATCH', mediaType: 'text/x-diff' },
    patch,
  }
}
