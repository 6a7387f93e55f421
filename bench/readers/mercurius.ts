/**
 * What `reads` asks, answered by mercurius on fastify, with its just-in-time compiler and a DataLoader for each kind of
 * row. It listens at TUTTI_PORT, and reads from DATABASE_URL.
 */
import DataLoader from 'dataloader'
import pg from 'pg'
import { loadPeer } from '../peer.ts'

interface Row {
  id: string
  agentId: string | null
  sessionId: string
}

/** As much of fastify as is needed here. */
interface Fastify {
  register(plugin: unknown, options: object): unknown
  get(path: string, handler: () => unknown): unknown
  listen(options: { port: number; host: string }): Promise<unknown>
}

const { default: createFastify } = (await loadPeer('fastify')) as { default: () => Fastify }
const { default: mercurius } = (await loadPeer('mercurius')) as { default: unknown }

const SCHEMA = `
  scalar DateTime
  type Query { sessions(first: Int!): SessionConnection! }
  type SessionConnection { nodes: [Session!]! }
  type Session {
    id: ID! status: String! pattern: String! createdAt: DateTime! executions(first: Int!): ExecutionConnection!
  }
  type ExecutionConnection { nodes: [Execution!]! }
  type Execution {
    id: ID! key: String! title: String! status: String! startedAt: DateTime endedAt: DateTime agent: Agent
  }
  type Agent { id: ID! name: String! type: String! version: Int! }
`

const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'], max: 10 })
const query = async (name: string, text: string, values: unknown[]): Promise<Row[]> =>
  (await pool.query<Row>({ name, text, values })).rows

interface Context {
  agents: DataLoader<string, Row | undefined>
  executions: DataLoader<{ session: string; first: number }, Row[], string>
}

function createContext(): Context {
  return {
    agents: new DataLoader(async (ids) => {
      const rows = await query('agents', 'SELECT * FROM "Agent" WHERE id = ANY($1::uuid[])', [ids])
      const found = new Map(rows.map((row) => [row.id, row]))
      return ids.map((id) => found.get(id))
    }),
    executions: new DataLoader(
      async (keys) => {
        const text = `SELECT e.* FROM unnest($1::uuid[]) AS s(id) CROSS JOIN LATERAL (
          SELECT id, key, title, status, "startedAt", "endedAt", "agentId", "sessionId", position
          FROM "Execution" WHERE "sessionId" = s.id ORDER BY position, id LIMIT $2) e`
        const rows = await query('executions', text, [keys.map(({ session }) => session), keys[0]?.first])
        const found = Map.groupBy(rows, ({ sessionId }) => sessionId)
        return keys.map(({ session }) => found.get(session) ?? [])
      },
      { cacheKeyFn: ({ session, first }) => `${session} ${first}` },
    ),
  }
}

const globalId = (type: string) => ({ id: ({ id }: Row) => `${type}:${id}` })
const resolvers = {
  Query: {
    sessions: async (_root: unknown, { first }: { first: number }) => ({
      nodes: await query(
        'sessions',
        'SELECT id, status, pattern, "createdAt" FROM "Session" ORDER BY "createdAt" DESC, id DESC LIMIT $1',
        [first],
      ),
    }),
  },
  Session: {
    ...globalId('Session'),
    executions: async ({ id }: Row, { first }: { first: number }, { executions }: Context) => ({
      nodes: await executions.load({ session: id, first }),
    }),
  },
  Execution: {
    ...globalId('Execution'),
    agent: ({ agentId }: Row, _args: object, { agents }: Context) => (agentId === null ? null : agents.load(agentId)),
  },
  Agent: globalId('Agent'),
}

const app = createFastify()
app.get('/', () => 'ready')
app.register(mercurius, { schema: SCHEMA, resolvers, context: createContext, jit: 1 })
await app.listen({ port: Number(process.env['TUTTI_PORT']), host: '127.0.0.1' })
process.stdout.write('listening\n')
