import type { Json } from './json.ts'

/** Kinds of gates in the order in which they run (E36): the cheap and certain before the dear and doubtful. */
export const GATE_KINDS = ['SCHEMA', 'COMMAND', 'TEST_REPORT', 'FILES', 'EVIDENCE', 'JUDGE', 'PERSON'] as const
export type GateKind = (typeof GATE_KINDS)[number]

/** What a verdict can be of: a gate, or that a result goes together with the others (E110), which nobody has to ask for. */
export const CHECK_KINDS = [...GATE_KINDS, 'MERGE'] as const
export type CheckKind = (typeof CHECK_KINDS)[number]

/** What a result has to pass before it is accepted. */
export type Gate =
  /** The output fits a JSON Schema (draft 2020-12). */
  | { kind: 'SCHEMA'; schema: Json }
  /** A command of the operator's, by its name, ends with 0 in the workspace. */
  | { kind: 'COMMAND'; command: string }
  /** The evidence of the attempt holds a test report with at least and at most so many tests. */
  | { kind: 'TEST_REPORT'; minPassed: number; maxFailed: number }
  /** Files of the workspace, relative to it, exist, or have changed since the attempt began. */
  | { kind: 'FILES'; exist?: readonly string[]; changed?: readonly string[] }
  /** The attempt left at least so many artifacts, and evidence of these kinds that has passed. */
  | { kind: 'EVIDENCE'; minArtifacts?: number; kinds?: readonly string[] }
  /** Another agent, asked by name or by the capability `judge`, finds that the criteria are met. */
  | { kind: 'JUDGE'; criteria: string; agent?: string }
  /** A person approves. */
  | { kind: 'PERSON'; question: string; role?: Role; expiresMs?: number; onExpiry?: 'APPROVE' | 'REJECT' }

/** A gate, or the last check of a result that was made in a worktree: it goes together with those accepted before. */
export type Check = Gate | { kind: 'MERGE' }

/** ERROR: the validator itself failed, which says nothing of the result. */
export type Verdict =
  { kind: 'ACCEPT'; merged?: Merged } | { kind: 'REJECT'; feedback: string } | { kind: 'ERROR'; message: string }

/** A result that has been brought together with those accepted before. */
export interface Merged {
  /** Commit of those. */
  onto: string
  /** Commit that holds all of them. */
  head: string
  /** The branch that shows it to people, if there is one. */
  branch?: string
}

/** Who may do what. ADMIN may do all that the others may. */
export const ROLES = ['VIEWER', 'OPERATOR', 'APPROVER', 'AGENT', 'ADMIN'] as const
export type Role = (typeof ROLES)[number]

/** Place of what no gate has to ask for, before all of them: that an agent which says that it is done did something (E114). */
export const BEFORE_GATES = -1

/** How often a result may be rejected, and how often one gate may fail to give a verdict (E40, E42). */
export const MAX_REJECTIONS = 3
export const MAX_GATE_ERRORS = 3

/** Characters of what a gate says of a result: more is cut, and said to be (E39). */
export const MAX_VERDICT_TEXT = 10_000

/** The gates in the order in which they run; within a kind as declared. */
export function inOrder(gates: readonly Gate[]): Gate[] {
  return gates.toSorted((a, b) => GATE_KINDS.indexOf(a.kind) - GATE_KINDS.indexOf(b.kind))
}
