import type { SessionState } from '../core/state.ts'
import type { Tools } from './tools.ts'

/** Shows the person as a branch what a session has made in its worktrees. */
export async function showResult(
  { store, worktrees, log }: Pick<Tools, 'store' | 'worktrees' | 'log'>,
  { id: sessionId, projectId, headCommit }: SessionState,
): Promise<void> {
  const workspace = await store.workspace(projectId)
  if (workspace === undefined || headCommit === undefined) return
  const branch = await worktrees.publish(workspace, sessionId, headCommit)
  if (branch !== undefined) log.info({ sessionId, branch }, 'what was made is on a branch')
}
