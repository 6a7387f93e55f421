/**
 * The least that can answer what `reads` asks: one statement behind Node's HTTP, whatever the document says. It listens at
 * TUTTI_PORT, and reads from DATABASE_URL.
 */
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import pg from 'pg'

const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'], max: 10 })

/** PostgreSQL makes the whole answer: nothing is left to do but to send it. */
const SESSIONS = `SELECT coalesce(json_agg(json_build_object(
    'id', 'Session:' || s.id, 'status', s.status, 'pattern', s.pattern, 'createdAt', s."createdAt", 'executions', e.page
  ) ORDER BY s."createdAt" DESC, s.id DESC), '[]')::text AS page
  FROM (SELECT * FROM "Session" ORDER BY "createdAt" DESC, id DESC LIMIT $1) s
  CROSS JOIN LATERAL (
    SELECT json_build_object('nodes', coalesce(json_agg(json_build_object(
      'id', 'Execution:' || e.id, 'key', e.key, 'title', e.title, 'status', e.status,
      'startedAt', e."startedAt", 'endedAt', e."endedAt",
      'agent', CASE WHEN a.id IS NULL THEN NULL ELSE
        json_build_object('id', 'Agent:' || a.id, 'name', a.name, 'type', a.type, 'version', a.version) END
    ) ORDER BY e.position, e.id), '[]')) AS page
    FROM (
      SELECT * FROM "Execution" WHERE "sessionId" = s.id ORDER BY position, id LIMIT $2
    ) e LEFT JOIN "Agent" a ON a.id = e."agentId"
  ) e`

const server = createServer(async (request, response) => {
  if (request.method !== 'POST') return void response.end('ready')
  const { variables } = JSON.parse(await text(request)) as { variables: { sessions: number; executions: number } }
  const { rows } = await pool.query<{ page: string }>({
    name: 'sessions',
    text: SESSIONS,
    values: [variables.sessions, variables.executions],
  })
  const body = `{"data":{"sessions":{"nodes":${rows[0]?.page}}}}`
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body)
})
server.listen(Number(process.env['TUTTI_PORT']), '127.0.0.1', () => process.stdout.write('listening\n'))
