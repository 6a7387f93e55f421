import type { Activity, Outcome, Runtime, Work } from '../runtime.ts'
import { readRecord, removeRecord } from './record.ts'
import { bootId } from './table.ts'
import { processTree } from './tree.ts'

const MARKER = 'TUTTI_ATTEMPT_ID'

/** NAME=value in the environment of every process of an attempt, and of none else. */
export function markerOf(attemptId: string): string {
  return `${MARKER}=${attemptId}`
}

/** What a program is told of its attempt, the marker included. */
export function attemptVariables(work: Work): Record<string, string> {
  return {
    TUTTI_OUTPUT_DIR: work.outputDir,
    TUTTI_SESSION_ID: work.sessionId,
    TUTTI_EXECUTION_ID: work.executionId,
    TUTTI_ATTEMPT: `${work.attempt}`,
    [MARKER]: work.attemptId,
  }
}

/**
 * Ends what a killed server left running for an attempt. Idempotent.
 *
 * @param killGraceMs milliseconds from SIGTERM to SIGKILL
 * @throws if something of it cannot be ended
 */
export async function reapAttempt(outputDir: string, killGraceMs: number): Promise<void> {
  const record = await readRecord(outputDir)
  // After a restart of the machine nothing is left, and its pids belong to others.
  if (record && record.bootId === bootId()) {
    const root = record.root && { pid: record.root.pid, started: record.root.started }
    const { survivors } = await processTree(root, markerOf(record.attemptId), false).end(killGraceMs)
    if (survivors.length > 0) {
      throw new Error(`Processes ${survivors.join(', ')} of an earlier attempt cannot be ended; end them by hand.`)
    }
  }
  await removeRecord(outputDir)
}

/** Gives an attempt a signal that also fires when its reader leaves. */
export function endedByReader(perform: Runtime['run']): Runtime['run'] {
  return (work, signal): AsyncGenerator<Activity, Outcome> => {
    const left = new AbortController()
    const attempt = perform(work, AbortSignal.any([signal, left.signal]))
    // A generator that waits for a line would only hear of its reader's leaving after that line.
    const leave = attempt.return.bind(attempt)
    attempt.return = (outcome) => {
      left.abort()
      return leave(outcome)
    }
    return attempt
  }
}
