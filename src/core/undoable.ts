import type { Json } from './json.ts'
import type { Compensation, PlanNode } from './plan.ts'

/** Something that was accepted and can be undone. */
export interface Undoable extends Pick<PlanNode, 'timeouts' | 'retry'> {
  /** Of its node; `child/key` if it was done by the child session of the node `child`. */
  key: string
  compensation: Compensation
  /** What its node was given, and what it put out. */
  input: Json
  output: Json
  /** Who did it. */
  agentId?: string
}

/** The same with the number of the event that told that it was done: of its acceptance, or of its child session's end. */
export type Done = Undoable & { seq: number }
