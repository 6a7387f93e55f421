/** Any JSON. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }

/** What is to be done: docs/agents.md tells of each member. */
export interface Work {
  sessionId: string
  executionId: string
  attemptId: string
  /** 1 for the first attempt. */
  attempt: number
  key: string
  title: string
  description: string
  /** The whole task that this is a part of. */
  task: { title: string; description: string }
  agent: { id: string; name: string; type: string }
  /** The caller's own data for this part. */
  input: Json
  /** Results of the parts that it depends on. */
  upstream: {
    key: string
    title: string
    agent: string | null
    status: string
    summary: string | null
    output: Json
    error: { class: string; message: string } | null
    /** `url` is on the server, and takes the token. */
    artifacts: {
      id: string
      name: string
      kind: string
      mediaType: string
      size: number
      sha256: string
      url: string
    }[]
  }[]
  /** Why earlier results of this part were rejected, the last one last. */
  feedback: { attempt: number; gate: string; text: string }[]
  /** What people answered to earlier questions of this part. */
  replies: { question: string; text: string; data: Json }[]
  /** What people told the session while it ran, the last one last. */
  notes: string[]
  /** Tokens and US dollars that it may use; null: there is no limit. */
  allowance: { tokens: number | null; cost: number | null }
  /** Folder of the project on the machine of the server. */
  workspace: string
  /** Limits in milliseconds. */
  timeouts: { attemptMs: number; idleMs: number }
}

/** Something that is shown while it works. */
export interface Activity {
  /** MESSAGE if left out. */
  kind?: 'THOUGHT' | 'ACTION' | 'MESSAGE' | 'OUTPUT' | 'PLAN' | 'USAGE'
  /** At most 8,192 characters are sent. */
  text: string
  /** Where OUTPUT came from. */
  stream?: 'stdout' | 'stderr'
}

/** What work has used. */
export interface Usage {
  inputTokens?: number
  outputTokens?: number
  /** US dollars. */
  cost?: number
}

/** What came of the work. Output, files or evidence: there has to be something. */
export interface Done {
  /** One line for a person; at most 500 characters are sent. */
  summary: string
  /** At most 256 KiB of JSON. */
  output?: Json
  evidence?: { name: string; kind: string; passed: boolean; detail?: Json }[]
  /** They become artifacts. Each has text or base64; all that is sent has to fit into a request, 1 MiB unless the operator says otherwise. */
  files?: {
    /** Relative, with `/`. */
    name: string
    text?: string
    base64?: string
    kind?: 'FILE' | 'PATCH' | 'REPORT' | 'JSON'
    mediaType?: string
  }[]
  usage?: Usage
  ask?: never
}

/** A question for a person: the work begins anew with the answer in `replies`. */
export interface Ask {
  ask: { kind?: 'QUESTION' | 'AUTH'; question: string; shown?: Json }
  usage?: Usage
  summary?: never
}

export type Result = Done | Ask

export interface Context {
  /** Shows what it does. Never waits and never throws. */
  activity(shown: string | Activity): void
  /** Fires once the work is canceled, or is no longer this worker's: what comes of it counts for nothing. */
  signal: AbortSignal
}

export interface WorkOptions {
  /** Of the server, for instance https://tutti.example.org. */
  url: string
  /** With the role AGENT. */
  token?: string | undefined
  /** Global id, UUID or name of an agent of the runtime pull. */
  agent: string
  /**
   * Does the work. What it throws is told as a failure; a member `class` of the error says of which class (AGENT, CRASH,
   * UNAVAILABLE, RATE_LIMIT, VALIDATION, AUTH, TOO_LARGE).
   */
  perform(work: Work, context: Context): Promise<Result> | Result
  /** What the worker calls itself; host and process unless told. */
  name?: string
  /** How much it does at once; 1 unless told. */
  slots?: number
  /** How long it may be silent before others may have its work, in milliseconds; 30,000 unless told. */
  leaseMs?: number
  /** Stops it: it takes nothing more and finishes what it has in hand. */
  signal?: AbortSignal
  /** Is told what goes on. */
  log?(said: string): unknown
}

/** What a claim hands out. */
export interface Claimed {
  attempt: string
  fence: number
  leaseUntil: string
  work: Work
}

/**
 * Does the work of an agent until `signal` fires. A server that is away is asked again and again.
 *
 * @returns rejects if the server refuses the worker: the token does not hold, or there is no such agent
 */
export function work(options: WorkOptions): Promise<void>

/** What the server is asked. */
export const DOCUMENTS: readonly string[]
