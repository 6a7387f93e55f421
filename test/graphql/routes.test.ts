import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { v4 } from 'uuid'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Condition } from '../../src/graphql/context.ts'
import { type Door, openDoor } from './door.ts'

let door: Door
let artifact: { id: string; sha256: string }
beforeAll(async () => {
  door = await openDoor()
  const id = await door.house.start([{ key: 'a' }])
  await door.house.end(id)
  artifact = await door.house.database.prisma.artifact.findFirstOrThrow()
})
afterAll(() => door.close())

const get = (path: string, init: RequestInit = {}) => fetch(`${door.url}${path}`, { redirect: 'manual', ...init })

describe('GET /artifacts/<id>', () => {
  it('sends exactly the bytes, as something to keep and not to run', async () => {
    const response = await get(`/artifacts/${artifact.id}`)
    const bytes = Buffer.from(await response.arrayBuffer())
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(artifact.sha256)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/plain',
      'content-length': String(bytes.byteLength),
      'content-disposition': `attachment; filename="note.txt"; filename*=UTF-8''note.txt`,
      'content-security-policy': "sandbox; default-src 'none'",
      'x-content-type-options': 'nosniff',
      etag: `"${artifact.sha256}"`,
    })
  })

  it('is where the field url points', async () => {
    const data = await door.data('query ($id: ID!) { node(id: $id) { ... on Artifact { url text(maxBytes: 6) } } }', {
      id: `Artifact:${artifact.id}`,
    })
    const { url, text } = data['node'] as { url: string; text: string }
    expect(text).toBe('a note')
    expect((await get(url)).status).toBe(200)
  })

  it('sends nothing again to who has it, and the head alone to who asks for that', async () => {
    const headers = { 'if-none-match': `"${artifact.sha256}"` }
    expect((await get(`/artifacts/${artifact.id}`, { headers })).status).toBe(304)
    const head = await get(`/artifacts/${artifact.id}`, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
  })

  it('cannot be talked into another name, type or header', async () => {
    const names = {
      'x".html\r\nset-cookie: a=b': 'text/html\r\nx: y',
      '../../etc/passwd': 'image/svg+xml',
      'ünïcode 🎼.md': 'text/markdown; charset=utf-8',
    }
    for (const [name, mediaType] of Object.entries(names)) {
      const { attemptId, executionId, sessionId, sha256 } = await door.house.database.prisma.artifact.findFirstOrThrow()
      const data = {
        id: v4(),
        attemptId,
        executionId,
        sessionId,
        sha256,
        name,
        mediaType,
        kind: 'FILE',
        size: 11,
        createdAt: new Date(),
      } as const
      await door.house.database.prisma.artifact.create({ data })
      const { headers } = await get(`/artifacts/${data.id}`)
      expect(headers.get('set-cookie')).toBeNull()
      expect(headers.get('content-type')).toBe(mediaType.includes('\r') ? 'application/octet-stream' : mediaType)
      expect(headers.get('content-disposition')).toMatch(
        /^attachment; filename="[\w. -]+"; filename\*=UTF-8''[\w.%-]+$/,
      )
      expect(headers.get('content-disposition')).not.toMatch(/\//)
    }
  })

  it('answers 404 for what does not exist, what is forged, and what has been deleted', async () => {
    for (const id of [v4(), 'x', '..%2f..%2fetc%2fpasswd', '%00', `${artifact.id}x`]) {
      expect((await get(`/artifacts/${id}`)).status).toBe(404)
    }
    await rm(door.house.artifacts.path(artifact.sha256))
    expect((await get(`/artifacts/${artifact.id}`)).status).toBe(404)
    const data = await door.data('query ($id: ID!) { node(id: $id) { ... on Artifact { text } } }', {
      id: `Artifact:${artifact.id}`,
    })
    expect(data).toEqual({ node: { text: null } })
  })
})

describe('health', () => {
  it('tells a watchdog whether the server lives and is ready', async () => {
    const [live, ready] = await Promise.all([get('/health/live'), get('/health/ready')])
    expect([live.status, await live.json()]).toEqual([200, { status: 'UP' }])
    const parts = { role: 'all', engine: 'UP', bus: 'UP', servers: 0, troubles: [] }
    expect([ready.status, await ready.json()]).toEqual([200, { status: 'UP', ...parts }])
  })

  it('says in words what is not as it should be, and stays ready', async () => {
    const unprotected = 'Agents that are programs run without a sandbox'
    const condition: Condition = { role: 'api', engine: () => 'down', servers: async () => [], unprotected }
    const bus = { ...door.house.bus, status: () => 'down' as const }
    const troubled = await openDoor({ condition, bus })
    const response = await fetch(`${troubled.url}/health/ready`)
    const told = ['The bus is polling', 'The engine waits', unprotected]
    const words = told.map((text) => expect.stringContaining(text))
    expect([response.status, await response.json()]).toMatchObject([
      200,
      { role: 'api', engine: 'DOWN', troubles: words },
    ])
    const data = await troubled.data('{ health { role bus engine troubles draining servers { name } } }')
    const health = { role: 'API', bus: 'DOWN', engine: 'DOWN', troubles: words, draining: false, servers: [] }
    expect(data).toEqual({ health })
    await troubled.close()
  })

  it('is all that a worker serves', async () => {
    const worker = await openDoor({ condition: { role: 'worker', engine: () => 'up', servers: async () => [] } })
    const statuses = ['/health/live', '/health/ready', '/graphql', '/', `/artifacts/${artifact.id}`].map(
      async (path) => {
        return (await fetch(worker.url + path, { redirect: 'manual' })).status
      },
    )
    expect(await Promise.all(statuses)).toEqual([200, 200, 404, 404, 404])
    expect((await worker.answer('{ health { version } }')).errors?.[0]?.message).toContain('TUTTI_ROLE=worker')
    await worker.close()
  })

  it('tells a client how the parts are', async () => {
    const data = await door.data('{ health { version database databaseKind bus runtimes uptimeMs sessionsRunning } }')
    expect(data).toEqual({
      health: {
        version: '1.2.3',
        database: 'UP',
        databaseKind: door.house.database.kind,
        bus: 'UP',
        runtimes: ['command', 'pull'],
        uptimeMs: expect.any(Number),
        sessionsRunning: 0,
      },
    })
  })
})

describe('GraphiQL', () => {
  it('is sent to browsers, whole: it asks nobody else for anything', async () => {
    const response = await get('/graphql', { headers: { accept: 'text/html,application/xhtml+xml' } })
    const html = await response.text()
    expect(response.status).toBe(200)
    expect(html).toMatch(/<title>Tutti<\/title>/)
    expect(html).toMatch(/startOrchestration/)
    const head = html.slice(0, html.indexOf('<script>'))
    expect(`${head}${html.slice(-5_000)}`).not.toMatch(/(src|href)="?https?:/)
    const policy = response.headers.get('content-security-policy') ?? ''
    expect(policy).toMatch(/default-src 'none'/)
    expect(policy).not.toMatch(/https?:/)
  })

  it('offers examples that this server understands', async () => {
    const { parse, validate } = await import('graphql')
    const { schema } = await import('../../src/graphql/schema.ts')
    const { EXAMPLES } = await import('../../src/graphql/graphiql.ts')
    expect(EXAMPLES.length).toBeGreaterThan(3)
    expect(EXAMPLES.flatMap((example) => validate(schema, parse(example)))).toEqual([])
  })

  it('is where a browser is led to', async () => {
    const response = await get('/')
    expect([response.status, response.headers.get('location')]).toEqual([302, '/graphql'])
  })
})

it('everything else is not here', async () => {
  for (const path of ['/graphql/x', '/artifacts', '/.env', '//evil.example/'])
    expect((await get(path)).status).toBe(404)
  expect((await get('/health/live', { method: 'DELETE' })).status).toBe(405)
})
