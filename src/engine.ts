import type { Assignment, HeldItem, ReadyItem, Running } from './core/schedule.ts'
import type { Selection } from './core/select.ts'

/** What the coordinator does for an engine. */
export interface Crew {
  /** Which of the waiting executions start now, and with whom (E18). */
  assign(ready: readonly ReadyItem[], held: readonly HeldItem[]): Promise<Assignment[]>
  /**
   * Who could do an execution, the best first, for an engine whose queues stand outside of this process.
   *
   * @param running executions that each agent does now, over all servers, by its id
   * @returns undefined if it is not READY, or not any more
   */
  choose(sessionId: string, executionId: string, running: ReadonlyMap<string, number>): Promise<Selection | undefined>
  /** The agents that there are, and how much each may do at once over all servers. */
  agents(): Promise<readonly { id: string; slots: number }[]>
  /**
   * Claims, runs and reports one execution; returns once nothing of it is left running. Never throws.
   *
   * @param signal fires when the work has to stop
   */
  perform(assignment: Assignment, signal: AbortSignal): Promise<void>
  /** Keeps a session's timers and runs its errands from now on, unless another server that lives does. Never throws. */
  drive(sessionId: string): Promise<void>
}

/** An execution that has its place before it is claimed. */
export interface Taken {
  assignment: Assignment
  item: HeldItem
}

/**
 * Brings waiting executions to a crew, here or in another process. An engine is a doorbell: what it forgets, brings twice
 * or brings late is in the rows, and does no harm. Implementations stand in engines/, and all pass contracts/engine.suite.
 */
export interface Engine {
  /** From here on there is a crew. Without one an engine only sends. */
  start(crew: Crew): void
  /** An execution has become READY. Twice is once. */
  enqueue(item: ReadyItem): void
  /**
   * What of that which becomes READY may begin here at once, in the place of what ends with the same step: whatever is
   * returned has its place from now on, and `begin` or `giveBack` follows. Only for an engine that can decide alone.
   *
   * @param leaving ids of the executions that end
   * @param begins who would do what, by what runs then; what begins is added to that
   */
  take?(leaving: readonly string[], begins: (running: Running) => Taken[]): Taken[]
  /** What was taken is claimed: it is performed. */
  begin?(taken: Taken): void
  giveBack?(taken: Taken): void
  /** An execution is no longer READY: skipped, canceled, timed out. */
  withdraw(executionId: string): void
  /** Stops what an execution has running in this process, if anything. */
  abort(executionId: string, reason: string): void
  /** A session that nobody drives needs a driver. Twice is once. */
  hail(sessionId: string): void
  /** Looks again whether something can start, for instance since an agent has come. */
  nudge(): void
  /** 'down' while work cannot be brought to other processes; then it waits, and nothing is lost. */
  status(): 'up' | 'down'
  /** Takes nothing more; what runs goes on. */
  drain(): void
  /** Starts nothing more, stops what runs and waits until it has stopped. */
  stop(): Promise<void>
}
