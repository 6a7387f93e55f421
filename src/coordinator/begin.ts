import type { Analysis } from '../core/analysis.ts'
import type { ExecutionState } from '../core/execution.ts'
import { open, type Opening, step } from '../core/step.ts'
import type { Claimed } from '../store/idempotency.ts'
import type { NewTask } from '../store/task.ts'
import type { Transition } from '../store/write.ts'
import type { Idempotency, Refusal, StartResult } from './coordinator.ts'
import { KEY_OF_OTHER, questionOf } from './keys.ts'
import type { Parts } from './parts.ts'
import type { Sessions } from './sessions.ts'

/** What a new session is made from. */
export interface Beginning {
  opening: Opening
  /** Undefined: nobody worded a task for it. */
  analysis?: Analysis
  /** Accepted executions of the session that this one tries again. */
  carried?: Readonly<Record<string, ExecutionState>>
  /** Its plan was approved with the session that it goes on from. */
  approved?: boolean
  /** Written with it, if it is new too. */
  task?: NewTask
  idempotency?: Idempotency
  /** What the workspace begins with, if that is not what it holds now. */
  commit?: string
}

/** Writes a new session with its plan and its first executions, all or nothing, and then begins it. */
export async function begin(parts: Parts & { sessions: Sessions }, beginning: Beginning): Promise<StartResult> {
  const { store, sessions, now, newId } = parts
  const { opening, analysis, carried, approved, task, idempotency, commit: given } = beginning
  // Whoever has no crew lets another one drive it.
  const opened = open({ ...opening, ...(parts.crewed && { driver: parts.owner }) }, now())
  const executionIds = Object.fromEntries(opening.plan.nodes.map(({ key }) => [key, newId()]))
  const kept = given === undefined ? await keepWorkspace(parts, opening) : { commit: given }
  if ('kind' in kept) return kept
  const { commit } = kept
  const happening = {
    type: 'PLAN',
    executionIds,
    ...(carried && { carried }),
    ...(approved && { approved }),
    ...(commit && { commit }),
  } as const
  const planned = step(opened.state, happening, now())
  const transition: Transition = {
    before: { ...opened.state, version: 0, seq: 0, executions: {} },
    after: planned.state,
    steps: [opened, planned],
    ...(analysis && { analysis }),
  }
  const companions = { ...(task && { task }), ...(idempotency && { idempotency: questionOf(idempotency) }) }
  let claimed: Claimed = { kind: 'NEW' }
  await sessions.create(transition, async (all) => {
    claimed = await store.create(all, companions)
    return claimed.kind === 'NEW'
  })
  return known(claimed) ?? { kind: 'STARTED', sessionId: opening.id, replayed: false }
}

/** Keeps what the workspace holds before anything begins. */
async function keepWorkspace(
  { store, workspaces, worktrees }: Parts,
  { id, projectId, policy }: Opening,
): Promise<{ commit?: string } | Refusal> {
  const isolated = policy?.isolation === 'WORKTREES'
  if (!isolated && !policy?.snapshots) return {}
  const workspace = await store.workspace(projectId)
  if (workspace === undefined) return {}
  try {
    const commit = isolated ? await worktrees.begin(workspace, id) : await workspaces.snapshot(workspace, `${id}/begin`)
    return commit === undefined ? {} : { commit }
  } catch (error) {
    return { kind: 'CONFLICT', message: `what the workspace holds cannot be kept: ${(error as Error).message}` }
  }
}

/**
 * What the same call was answered before, if it was: that answer stands, even if today's would be another one, for
 * instance since an agent has gone.
 */
export async function answeredBefore(
  { store }: Pick<Parts, 'store'>,
  idempotency: Idempotency,
): Promise<StartResult | undefined> {
  return known(await store.answered(questionOf(idempotency)))
}

/** What has to be answered if somebody else has used the key. */
function known(claimed: Claimed | undefined): StartResult | undefined {
  if (claimed?.kind === 'SAME') return { kind: 'STARTED', sessionId: claimed.subjectId, replayed: true }
  return claimed?.kind === 'OTHER' ? KEY_OF_OTHER : undefined
}
