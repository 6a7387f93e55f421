import { type DocumentName, DOCUMENTS } from './documents.ts'

/** One client of the API, asked for the same things as every other, each in its own way. */
export interface ApiClient {
  /** What a query or a mutation answers. */
  ask(name: Exclude<DocumentName, 'Sessions' | 'Events'>, variables: object): Promise<Answered>
  /** Reads a project's sessions in two pages. */
  pages(project: string, first: number): Promise<Paged>
  /** Subscribes to the events of a session behind a cursor; throws when the connection is lost. */
  follow(session: string, after: number): AsyncIterable<Item>
  /** What its cache holds of a project, if it keeps things by their global ids. */
  held?(project: string): { id: string; name?: string } | undefined
  close(): Promise<void> | void
}

export interface Answered {
  node?: { id: string; name: string } | null
  result?: {
    __typename: string
    code?: string
    message?: string
    fields?: readonly { path: readonly string[]; message: string }[]
    session?: { id: string; status: string }
    project?: { id: string; name: string }
  }
}

/** Ids after the first page, and after the second one. */
export interface Paged {
  totalCount: number
  first: string[]
  both: string[]
}

export interface Item {
  __typename: 'SessionSnapshot' | 'SessionEvent'
  seq?: number
  session?: { id: string; status: string }
  cursor?: number
  event?: { seq: number; type: string }
}

/** What DOCUMENTS.Events answers. */
export interface Events {
  sessionEvents: Item
}

/** A page of sessions as DOCUMENTS.Sessions answers it. */
export interface SessionsPage {
  node: {
    sessions: {
      totalCount: number
      edges: { node: { id: string } }[]
      pageInfo: { hasNextPage: boolean; endCursor: string | null }
    }
  }
}

/** Both pages, by a client that keeps none. */
export async function twoPages(read: (after: string | null) => Promise<SessionsPage>): Promise<Paged> {
  const idsOf = ({ node }: SessionsPage) => node.sessions.edges.map((edge) => edge.node.id)
  const page = await read(null)
  const { totalCount, pageInfo } = page.node.sessions
  const first = idsOf(page)
  return { totalCount, first, both: [...first, ...idsOf(await read(pageInfo.endCursor))] }
}

interface Result {
  data?: object | null | undefined
  errors?: readonly { message: string }[] | undefined
}

/** A client that keeps nothing, made of how it iterates over the answers to a request. */
export function keepingNothing(
  iterate: (request: { query: string; variables: Record<string, unknown> }) => AsyncIterable<Result>,
  close: () => Promise<void> | void = () => {},
): ApiClient {
  async function* answers<Data>(query: string, variables: object): AsyncGenerator<Data> {
    for await (const { data, errors } of iterate({ query, variables: { ...variables } })) {
      if (errors) throw new AggregateError(errors, errors[0]?.message)
      yield data as Data
    }
  }
  async function only<Data>(query: string, variables: object): Promise<Data> {
    for await (const data of answers<Data>(query, variables)) return data
    throw new Error('nothing was answered')
  }
  return {
    ask: (name, variables) => only(DOCUMENTS[name], variables),
    pages: (id, first) => twoPages((after) => only<SessionsPage>(DOCUMENTS.Sessions, { id, first, after })),
    async *follow(id, after) {
      for await (const data of answers<Events>(DOCUMENTS.Events, { id, after })) yield data.sessionEvents
    },
    close,
  }
}

interface Sink<Value> {
  next(value: Value): void
  error(error: unknown): void
  complete(): void
}

/** What a client calls back with, to be read with for await. */
export function streamOf<Value>(subscribe: (sink: Sink<Value>) => () => void): AsyncIterable<Value> {
  let leave: () => void
  let hasEnded = false
  const end = (how: () => void) => {
    // Some clients complete what has failed.
    if (!hasEnded) how()
    hasEnded = true
  }
  return new ReadableStream<Value>({
    start(reader) {
      leave = subscribe({
        next: (value) => reader.enqueue(value),
        error: (error) => end(() => reader.error(error)),
        complete: () => end(() => reader.close()),
      })
    },
    cancel: () => leave(),
  })
}
