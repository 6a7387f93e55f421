import type { Assignment, HeldItem, ReadyItem } from './core/schedule.ts'

/** What the coordinator does for an engine. */
export interface Crew {
  /** Which of the waiting executions start now, and with whom (rule 5). */
  assign(ready: readonly ReadyItem[], held: readonly HeldItem[]): Promise<Assignment[]>
  /**
   * Claims, runs and reports one execution; returns once nothing of it is left running. Never throws.
   *
   * @param signal fires when the work has to stop
   */
  perform(assignment: Assignment, signal: AbortSignal): Promise<void>
}

/** Brings waiting executions to the crew. An engine is a doorbell: what it forgets is in the rows. */
export interface Engine {
  start(crew: Crew): void
  /** An execution has become READY. Twice is once. */
  enqueue(item: ReadyItem): void
  /** An execution is no longer READY: skipped, canceled, timed out. */
  withdraw(executionId: string): void
  /** Stops what an execution has running, if anything. */
  abort(executionId: string, reason: string): void
  /** Looks again whether something can start, for instance since an agent has come. */
  nudge(): void
  /** Starts nothing more, stops what runs and waits until it has stopped. */
  stop(): Promise<void>
}
