import type { ReadyItem } from '../../core/schedule.ts'

/** All that travels of an execution that waits: ids, and its place in line. What it is stands in the rows. */
export interface Ring {
  executionId: string
  sessionId: string
  /** Of the job: the same while the execution is READY, so that twice in one queue is once. */
  jobId: string
  /** 1 to 2^21, the lower the sooner. */
  priority: number
}

/** Ways to the end of the plan that are longer count as this long: BullMQ has 2^21 priorities, and Tutti 201. */
const LONGEST_PATH = 9_999
/** The highest priority of an execution. */
const HIGHEST = 100

export function ringOf({ executionId, sessionId, priority, remainingPath, readyAt }: ReadyItem): Ring {
  const path = Math.min(Math.max(Math.round(remainingPath), 0), LONGEST_PATH)
  return {
    executionId,
    sessionId,
    jobId: `${executionId}-${readyAt}`,
    // 0 would be none, which is sooner than all others.
    priority: (HIGHEST - priority) * (LONGEST_PATH + 1) + (LONGEST_PATH - path) + 1,
  }
}

const AGAIN = '-again'

/** Another id for a job that is to follow one that is not quite gone: BullMQ would not take the same one. */
export function following(jobId: string): string {
  return jobId.endsWith(AGAIN) ? jobId.slice(0, -AGAIN.length) : `${jobId}${AGAIN}`
}
