import type { AgentType, WorkspaceUse } from './core/agent.ts'
import type { Gate } from './core/gate.ts'
import type { ErrorClass } from './core/retry.ts'
import type { Json } from './core/json.ts'

/** What an upstream execution hands on: the frozen input of a node lists one of these per data edge, in declared order. */
export interface UpstreamResult {
  key: string
  title: string
  agent: string | null
  /** ACCEPTED, or for a node that joins settled branches also FAILED, SKIPPED or CANCELED. */
  status: string
  summary: string | null
  output: Json
  error: { class: string; message: string } | null
  artifacts: { id: string; name: string; kind: string; mediaType: string; size: number; sha256: string; path: string }[]
}

/** Whom and how much a manager may delegate. */
export interface Crew {
  agents: { name: string; type: AgentType; description: string; capabilities: readonly string[] }[]
  /** Keys that sub-tasks already have. */
  taken: string[]
  /** Sub-tasks that may still be delegated. */
  left: number
  /** This round counts as one of them. */
  roundsLeft: number
}

/** One attempt's worth of work, as a runtime gets it. Everything is frozen: a replay is handed the same. */
export interface Work {
  sessionId: string
  executionId: string
  attemptId: string
  /** 1 for the first attempt. */
  attempt: number
  /** Grows with each claim of the execution; whoever holds an older one can no longer write. */
  fence: number
  key: string
  title: string
  description: string
  /** The whole task that this is a part of. */
  task: { title: string; description: string }
  agent: { id: string; name: string; type: AgentType }
  /** What is to come out; a RESULT if left out. A manager's round puts out a LEDGER, a judge a VERDICT. */
  wanted?: 'RESULT' | 'LEDGER' | 'VERDICT'
  /** What the result has to pass before it is accepted; nothing if left out. */
  gates?: readonly Gate[]
  /** With a LEDGER: whom and how much a manager may delegate. */
  crew?: Crew
  /** The caller's own data for this part. */
  input: Json
  upstream: UpstreamResult[]
  /** Why earlier results of this part were rejected, the last one last. */
  feedback: { attempt: number; gate: string; text: string }[]
  /** What people answered to earlier questions of this part, and what they were shown. */
  replies: { question: string; text: string; data: Json; shown?: Json }[]
  /** What people told the session while it ran, the last one last. */
  notes: string[]
  /** Tokens and US dollars that this attempt may use; null: there is no limit. */
  allowance: { tokens: number | null; cost: number | null }
  /** Absolute path of the repository or folder to work on. */
  workspace: string
  /** Absolute path of an empty folder for results; every file left here but result.json becomes an artifact. */
  outputDir: string
  /** Limits in milliseconds. */
  timeouts: { attemptMs: number; idleMs: number }
  /** What the agent's registration says to its runtime, for instance {"command": "analysis"}. */
  runtimeConfig: Json
}

export const ACTIVITY_KINDS = ['THOUGHT', 'ACTION', 'MESSAGE', 'OUTPUT', 'PLAN', 'USAGE'] as const
export type ActivityKind = (typeof ACTIVITY_KINDS)[number]

/** What an agent shows while it works. Inert text: nothing in it can move a session. */
export interface Activity {
  kind: ActivityKind
  text: string
  /** Where OUTPUT came from. */
  stream?: 'stdout' | 'stderr'
}

/** Something an agent found and a person may want to look at. A finding is not a failure. */
export interface Evidence {
  /** What was checked, in a few words. */
  name: string
  /** The kind of check, for instance EXIT_CODE, TEST_REPORT, ARTIFACT, COUNT. */
  kind: string
  passed: boolean
  detail: Json
}

/** A file in `outputDir` with what is known of it. */
export interface ProducedFile {
  /** Path relative to outputDir, with `/`. */
  name: string
  kind: 'FILE' | 'PATCH' | 'REPORT' | 'JSON'
  mediaType: string
}

/** Tokens and money that an attempt used, as far as its runtime knows. */
export interface Usage {
  inputTokens?: number
  outputTokens?: number
  /** US dollars. */
  cost?: number
  /** CPU time of the process tree in milliseconds. */
  cpuMs?: number
}

/** How an attempt ended. The engine turns it into a status; an agent's own words never do. */
export type Outcome =
  | {
      kind: 'OK'
      /** One line for a person. */
      summary: string
      output: Json
      files: ProducedFile[]
      evidence: Evidence[]
      usage: Usage
    }
  /**
   * It says that it is done, by its words, its exit code or the end of its turn, and nothing of what was wanted has happened.
   * That is rejected, whatever the gates are. `why` goes on "it says that it is done, but …". With `ifChanged` the
   * runtime has not looked at the workspace: if files have changed there, that is a result after all.
   */
  | {
      kind: 'NOTHING'
      why: string
      evidence: Evidence[]
      usage: Usage
      /** `summary` may be empty. */
      ifChanged?: { summary: string; output: Json }
    }
  | { kind: 'ERROR'; error: { class: ErrorClass; message: string }; evidence: Evidence[]; usage: Usage }
  | { kind: 'TIMEOUT'; timeout: 'ATTEMPT' | 'IDLE'; usage: Usage }
  | { kind: 'CANCELED'; usage: Usage }
  /** It needs to know something, or needs access, before it can go on; the answer comes with the next attempt. */
  | { kind: 'ASK'; ask: { kind: 'QUESTION' | 'AUTH'; question: string; shown: Json }; usage: Usage }

/** A way to drive an agent. Implementations stand in runtimes/, and all pass contracts/runtime.suite. */
export interface Runtime {
  readonly name: string
  /** false: its agents leave no files, so that no folder has to be made for an attempt. */
  readonly leavesFiles?: boolean
  /**
   * How long `run` may wait for somebody to take the work before the limits of time of the work begin, in milliseconds; 0
   * unless told.
   */
  readonly waitMs?: number
  /** What its agents do with the workspace unless their registration says so; SHARED if left out. */
  uses?(runtimeConfig: Json): WorkspaceUse
  /**
   * Runs one attempt. Yields activities as they happen, at the pace of the reader, and returns the outcome.
   * Never throws for what an agent does; once `signal` fires, stops the work for good, leaves nothing running, and
   * returns CANCELED.
   */
  run(work: Work, signal: AbortSignal): AsyncGenerator<Activity, Outcome>
  /**
   * Ends what a killed server left running for this attempt, so that another one may start. Idempotent.
   *
   * @param outputDir the attempt's folder, as `run` was given it
   */
  reap(outputDir: string): Promise<void>
  /**
   * Undefined if this configuration can be run; else why not and what to do about it.
   *
   * @param agentId whose it is; undefined: nobody's yet
   */
  check(runtimeConfig: Json, agentId?: string): Promise<string | undefined>
  /**
   * Calls the ear when `check` may say something else by now, for those that can know; others are asked from time to time.
   *
   * @returns ends it
   */
  watch?(ear: () => void): () => void
}
