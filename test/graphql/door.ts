import { createClient, type Client } from 'graphql-ws'
import pino from 'pino'
import { v7 as uuid } from 'uuid'
import { WebSocket } from 'ws'
import type { Bus } from '../../src/bus.ts'
import type { Role } from '../../src/core/gate.ts'
import type { TypedDocumentString } from '../../src/generated/gql/graphql.ts'
import type { Limits } from '../../src/graphql/limits.ts'
import { createServer, type Server, type ServerOptions } from '../../src/graphql/server.ts'
import type { Database } from '../../src/store/db.ts'
import { createServers } from '../../src/store/servers.ts'
import { createToken } from '../../src/store/token.ts'
import { type House, type HouseOptions, HOUSES, openHouse } from '../house.ts'

/** A whole house on the embedded database with its doors open. */
export interface Door {
  house: House
  /** Where it listens, without a path. */
  url: string
  /** Lines that the server has logged as warnings or worse. */
  logged: Record<string, unknown>[]
  /** Asks over HTTP and fails the test if there are errors. */
  ask<Result, Variables>(document: TypedDocumentString<Result, Variables>, variables: Variables): Promise<Result>
  /** Posts any body and returns the response. */
  post(body: unknown, headers?: Record<string, string>): Promise<Response>
  /** What a document answers; errors fail the test. */
  data(query: string, variables?: Record<string, unknown>): Promise<Record<string, unknown>>
  /** What a document answers, errors included. */
  answer(query: string, variables?: Record<string, unknown>): Promise<Answer>
  /** How many ears the server has at the bus. */
  listening(): number
  /** A client over WebSocket; it is closed with the door. */
  socket(): Client
  /** The same door as it is for whoever has this token, or another secret. */
  as(secret: string): Door
  /** Another server on the same house; it is closed with the door. */
  beside(): Promise<Door>
  /** Makes a token for all projects, or one, and gives its secret. From then on nobody comes in without one. */
  token(roles: readonly Role[], more?: { name?: string; projectId?: string; expiresAt?: Date }): Promise<string>
  close(): Promise<void>
}

export interface Answer {
  data?: Record<string, unknown> | null
  errors?: { message: string; path?: string[]; extensions?: { code?: string; requestId?: string } }[]
}

/** The embedded database, or with STORE=postgres PostgreSQL and Redis. */
const chosen = HOUSES.find(({ store }) => store === (process.env['STORE'] ?? 'pglite')) as (typeof HOUSES)[number]

export async function openDoor(
  given: Partial<Omit<ServerOptions, 'limits'>> & {
    limits?: Partial<Limits>
    /** What the server is given in place of the database. */
    counted?: (database: Database) => Database
    /** What else is in the house. */
    inside?: HouseOptions
    /** Address to listen on. */
    host?: string
  } = {},
): Promise<Door> {
  const { counted, inside, host = '127.0.0.1', ...options } = given
  const house = await openHouse(chosen, inside)
  const logged: Record<string, unknown>[] = []
  const log = pino({ level: 'warn' }, { write: (line: string) => logged.push(JSON.parse(line) as never) })
  const { coordinator, artifacts, runtimes } = house
  const database = counted?.(house.database) ?? house.database
  let listening = 0
  const bus: Bus = {
    ...house.bus,
    listen(topic, ear) {
      const stop = house.bus.listen(topic, ear)
      listening += 1
      return () => {
        listening -= 1
        stop()
      }
    },
  }
  const servers: Server[] = []
  async function serve(): Promise<string> {
    const server = createServer({
      database,
      bus,
      coordinator,
      artifacts,
      runtimes,
      log,
      allowWorkspace: (path) => (path.startsWith('/proc') ? `${path} is not allowed` : undefined),
      version: '1.2.3',
      condition: { role: 'all', engine: () => 'up', servers: createServers(database).living },
      ...options,
    })
    servers.push(server)
    return (await server.listen(0, host)).url
  }
  const clients: Client[] = []

  const postAs =
    (url: string, own: Record<string, string>): Door['post'] =>
    (body, headers = {}) =>
      fetch(`${url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...own, ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      })
  const door = (url: string, own: Record<string, string>): Door => {
    const post = postAs(url, own)
    const answer: Door['answer'] = async (query, variables = {}) =>
      (await (await post({ query, variables })).json()) as Answer
    const dataOf: Door['data'] = async (query, variables) => {
      const { data, errors } = await answer(query, variables)
      if (errors || !data) throw new Error(`${JSON.stringify(errors)}\n${JSON.stringify(logged.at(-1), undefined, 2)}`)
      return data
    }
    return {
      house,
      url,
      logged,
      listening: () => listening,
      post,
      answer,
      ask: (document, variables) => dataOf(String(document), variables as never) as never,
      data: dataOf,
      socket() {
        const client = createClient({
          url: `${url.replace('http', 'ws')}/graphql`,
          webSocketImpl: WebSocket,
          retryAttempts: 0,
          connectionParams: own,
        })
        clients.push(client)
        return client
      },
      as: (secret) => door(url, { authorization: `Bearer ${secret}` }),
      beside: async () => door(await serve(), own),
      async token(roles, { name = roles.join(), projectId, expiresAt } = {}) {
        const grant = { name, roles, projectId: projectId ?? null, expiresAt, createdBy: 'test' }
        const { secret } = await createToken(database.query, uuid(), grant)
        return secret
      },
      async close() {
        for (const client of clients) await client.dispose()
        for (const server of servers) await server.close()
        await house.close()
      },
    }
  }
  return door(await serve(), {})
}
