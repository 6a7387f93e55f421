import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Role } from './core/gate.ts'

/** What was refused or done at a door, for the audit log. */
export interface DoorDeed {
  /** What was asked for. */
  act: string
  /** Why it was refused. */
  code?: string
  /** Global id of what it was about. */
  subject?: string
  detail?: string
  /** UUID of the project in whose log it is; null: in none. */
  projectId: string | null
}

/** Somebody who has come in, with what a door may know of them and do in their name. */
export interface Visitor {
  /** Under which answers and inputs are kept. */
  name: string
  roles: readonly Role[]
  /** UUIDs of the projects in which they have these roles; undefined: all of them. */
  projects: readonly string[] | undefined
  /** Whether they may do what a role may. */
  holds(role: Role): boolean
  /** Counts one operation. Seconds to wait if it is one too many; undefined: it may begin. */
  take(): Promise<number | undefined>
  /** Writes down what was refused. Never waits and never throws. */
  refused(deed: DoorDeed): void
  /** Writes down what was done with a right that only few have; resolves once it is written, or cannot be. */
  done(deed: DoorDeed): Promise<void>
  /**
   * Calls `end` once what let them in does not hold any more.
   *
   * @returns stops watching
   */
  watch(end: (why: string) => void): () => void
}

/** What the GraphQL API answers. Errors are in words for whoever has asked. */
export interface ApiAnswer {
  data?: unknown
  errors?: readonly { message: string }[]
}

/** What the house gives a door with each request. */
export interface Call {
  /** Names this request in the log and in masked errors. */
  requestId: string
  /** Bytes that a body may have. */
  bodyBytes: number
  /** Sessions over all projects that may be unfinished before more are refused. */
  unfinishedSessions: number
  /** Fires once the server stops: streams have to end, and nothing new begins. */
  stopping: AbortSignal
  /** Asks the GraphQL API in the visitor's name: with their rights, counted and limited as if they had asked there. */
  ask(document: string, variables: object): Promise<ApiAnswer>
}

/** A way in beside the ones for GraphQL, on the same server, with the same people. It never sees what lets them in. */
export interface Door {
  /** Paths that anybody may ask for, and paths for those who have come in. */
  readonly paths: Readonly<Record<string, 'ANYBODY' | 'VISITORS'>>
  /** Answers whoever may not even ask who it is. */
  show(path: string, request: IncomingMessage, response: ServerResponse): void
  /** Answers somebody who has come in. */
  serve(visitor: Visitor, request: IncomingMessage, response: ServerResponse, call: Call): Promise<void>
}
