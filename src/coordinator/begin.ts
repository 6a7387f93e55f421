import type { Analysis } from '../core/analysis.ts'
import type { ExecutionState } from '../core/execution.ts'
import { hash } from '../core/hash.ts'
import { open, type Opening, step } from '../core/step.ts'
import type { Query } from '../store/driver.ts'
import { claimKey, readKey } from '../store/idempotency.ts'
import type { Transition } from '../store/write.ts'
import type { StartResult } from './coordinator.ts'
import type { Parts } from './parts.ts'
import type { Sessions } from './sessions.ts'

/** What a new session is made from. */
export interface Beginning {
  opening: Opening
  analysis: Analysis
  /** Accepted executions of the session that this one tries again. */
  carried?: Readonly<Record<string, ExecutionState>>
  /** Written in the same transaction, before the session. */
  before?: (query: Query) => Promise<void>
  idempotency?: Idempotency
}

/** A caller's key for what it asks. */
export interface Idempotency {
  operation: string
  key: string
  input: unknown
}

/** Writes a new session with its plan and its first executions, all or nothing, and then begins it. */
export async function begin(parts: Parts & { sessions: Sessions }, beginning: Beginning): Promise<StartResult> {
  const { database, writer, sessions, now, newId } = parts
  const { opening, analysis, carried, idempotency } = beginning
  const opened = open(opening, now())
  const executionIds = Object.fromEntries(opening.plan.nodes.map(({ key }) => [key, newId()]))
  const planned = step(opened.state, { type: 'PLAN', executionIds, ...(carried && { carried }) }, now())
  const transition: Transition = {
    before: { ...opened.state, version: 0, seq: 0, executions: {} },
    after: planned.state,
    steps: [opened, planned],
    analysis,
  }
  let result: StartResult = { kind: 'STARTED', sessionId: opening.id, replayed: false }
  await sessions.create(transition, async () => {
    result = await database.transaction(async (query): Promise<StartResult> => {
      if (idempotency) {
        const { operation, key, input } = idempotency
        const claimed = await claimKey(query, { operation, key, inputHash: hash(input), subjectId: opening.id })
        if (claimed.kind === 'SAME') return { kind: 'STARTED', sessionId: claimed.subjectId, replayed: true }
        if (claimed.kind === 'OTHER') return usedBefore(key)
      }
      await beginning.before?.(query)
      await writer.writeIn(query, transition)
      return { kind: 'STARTED', sessionId: opening.id, replayed: false }
    })
    return result.kind === 'STARTED' && !result.replayed
  })
  return result
}

/**
 * What the same call was answered before, if it was: that answer stands, even if today's would be another one, for
 * instance since an agent has gone.
 */
export async function answeredBefore(
  { database }: Pick<Parts, 'database'>,
  { operation, key, input }: Idempotency,
): Promise<StartResult | undefined> {
  const known = await readKey(database.query, { operation, key, inputHash: hash(input) })
  if (known?.kind === 'SAME') return { kind: 'STARTED', sessionId: known.subjectId, replayed: true }
  return known && usedBefore(key)
}

function usedBefore(key: string): StartResult {
  return { kind: 'CONFLICT', message: `the idempotency key "${key}" was used before with another input` }
}
