/** Entries on a page of a connection unless told. */
export const DEFAULT_PAGE = 20
/** Entries on a page of a connection at most. */
export const MAX_PAGE = 100

/** What one caller may ask for. An operator can change every one of them. */
export interface Limits {
  /** Bytes of a request over HTTP and of a message over WebSocket. */
  bodyBytes: number
  /** Lexical tokens of a document. */
  tokens: number
  /** Fields below each other. */
  depth: number
  /** Fields of a document with all its fragments written out. */
  fields: number
  /** Aliases of a document with all its fragments written out. */
  aliases: number
  /** Directives of a document with all its fragments written out. */
  directives: number
  /** Times that one field may be asked for at one place. */
  repetitions: number
  /** Estimated cost of an operation: its fields, multiplied by the pages that they stand on. */
  complexity: number
  /** Operations under way on one WebSocket. */
  operationsPerSocket: number
  /** WebSockets at once. */
  sockets: number
  /** WebSockets at once from one address. */
  socketsPerAddress: number
  /** Milliseconds that a WebSocket may take to send connection_init. */
  connectionInitMs: number
  /** Bytes that wait for one WebSocket to be read; more end it with how to go on. */
  socketBytes: number
  /** Milliseconds that what waits for a WebSocket, or for the reader of a stream over HTTP, may lie there; then it ends in the same way. */
  slowReaderMs: number
  /** Milliseconds of silence after which a WebSocket is asked whether it still lives, and those that it has to answer. */
  keepAliveMs: number
  /** Milliseconds that a WebSocket may stay open without an operation. */
  socketIdleMs: number
  /** Milliseconds that a WebSocket may stay open. */
  socketMs: number
  /** Bytes of memory for the last rows of all logs that somebody follows; older ones are read from the database. */
  ringBytes: number
  /** Milliseconds that a query or a mutation may take. */
  operationMs: number
  /** Queries, mutations and subscriptions that one token may begin in a minute. */
  operationsPerMinute: number
  /** Milliseconds after which a request over HTTP must have arrived whole. */
  requestMs: number
  /** Sessions that have not ended, over all projects; more are refused. */
  unfinishedSessions: number
  /** Agents registered over the API in one project, or for all of them. */
  agentsPerProject: number
  /** Projects that are not archived. */
  projects: number
  /** Pieces of knowledge in one project. */
  knowledgePerProject: number
}

export const DEFAULT_LIMITS: Limits = {
  bodyBytes: 1_048_576,
  tokens: 4_000,
  depth: 16,
  fields: 1_000,
  aliases: 100,
  directives: 100,
  repetitions: 30,
  complexity: 25_000,
  operationsPerSocket: 100,
  sockets: 20_000,
  socketsPerAddress: 2_000,
  connectionInitMs: 5_000,
  socketBytes: 8_388_608,
  slowReaderMs: 30_000,
  keepAliveMs: 12_000,
  socketIdleMs: 600_000,
  socketMs: 86_400_000,
  ringBytes: 67_108_864,
  operationMs: 30_000,
  operationsPerMinute: 6_000,
  requestMs: 30_000,
  unfinishedSessions: 10_000,
  agentsPerProject: 1_000,
  projects: 10_000,
  knowledgePerProject: 100_000,
}
