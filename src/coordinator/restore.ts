import { isIsolated } from '../core/merge.ts'
import type { Tools } from './tools.ts'

/** Brings a workspace back to the commit that a rollback goes to, and tells the session how that went. */
export async function restoreWorkspace({ sessions, store, workspaces }: Tools, sessionId: string): Promise<void> {
  const state = await sessions.read(sessionId)
  const commit = state?.rollback?.commit
  if (!state || commit === undefined) return
  // In the workspace itself nothing has changed.
  if (isIsolated(state)) {
    await sessions.advance(sessionId, { type: 'RESTORED' })
    return
  }
  const workspace = await store.workspace(state.projectId)
  let error: string | undefined
  try {
    if (workspace === undefined) throw new Error('its project has gone')
    await workspaces.restore(workspace, commit)
  } catch (cause) {
    error = (cause as Error).message
  }
  await sessions.advance(sessionId, { type: 'RESTORED', ...(error !== undefined && { error }) })
}
