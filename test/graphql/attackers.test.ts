import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { type Answer, type Door, openDoor } from './door.ts'

let door: Door
beforeAll(async () => {
  door = await openDoor({ origins: ['https://tutti.example'], limits: { connectionInitMs: 300 } })
})
afterAll(() => door.close())

/** Sends a request as no browser would, with any header, and returns its status and body. */
async function send(options: {
  path?: string
  method?: string
  headers?: Record<string, string>
  body?: string
}): Promise<{ status: number; text: string; headers: Record<string, unknown> }> {
  const { path = '/graphql', method = 'POST', headers = {}, body } = options
  const sent = request(new URL(path, door.url), { method, headers })
  // A server that refuses a body may close before it has read all of it.
  sent.on('error', () => {})
  sent.end(body)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of response) text += String(chunk)
  return { status: response.statusCode ?? 0, text, headers: response.headers }
}

const health = JSON.stringify({ query: '{ health { version } }' })
const json = { 'content-type': 'application/json' }
const create = 'mutation { createProject(input: { name: "stolen", workspace: "/tmp" }) { __typename } }'

describe('forms, methods and origins', () => {
  it.each([
    ['application/x-www-form-urlencoded', `query=${encodeURIComponent(create)}`],
    [
      'multipart/form-data; boundary=x',
      `--x\r\ncontent-disposition: form-data; name="query"\r\n\r\n${create}\r\n--x--`,
    ],
    ['text/plain', JSON.stringify({ query: create })],
    ['application/graphql', create],
  ])('refuses a mutation as %s with 415', async (type, body) => {
    expect(await send({ headers: { 'content-type': type }, body })).toMatchObject({ status: 415 })
    expect(await door.house.database.prisma.project.count({ where: { name: 'stolen' } })).toBe(0)
  })

  it('refuses a mutation by GET with 405', async () => {
    const { status } = await send({ method: 'GET', path: `/graphql?query=${encodeURIComponent(create)}` })
    expect(status).toBe(405)
    expect(await door.house.database.prisma.project.count({ where: { name: 'stolen' } })).toBe(0)
  })

  it('refuses pages of other origins over HTTP, whatever they ask for, and tells them nothing', async () => {
    for (const method of ['GET', 'POST', 'OPTIONS']) {
      const headers = { ...json, origin: 'https://evil.example' }
      const answer = await send({ method, headers, ...(method === 'POST' && { body: health }) })
      expect(answer.status).toBe(403)
      expect(answer.headers).not.toHaveProperty('access-control-allow-origin')
    }
    expect(await send({ headers: { ...json, origin: 'null' }, body: health })).toMatchObject({ status: 403 })
    const crossSite = { accept: 'application/json', 'sec-fetch-site': 'cross-site' }
    const asked = '/graphql?query={health{version}}'
    expect(await send({ method: 'GET', path: asked, headers: crossSite })).toMatchObject({ status: 403 })
  })

  it('takes its own pages, and those of the origins that the operator allows', async () => {
    expect(await send({ headers: { ...json, origin: door.url }, body: health })).toMatchObject({ status: 200 })
    const allowed = await send({ headers: { ...json, origin: 'https://tutti.example' }, body: health })
    expect(allowed).toMatchObject({ status: 200, headers: { 'access-control-allow-origin': 'https://tutti.example' } })
  })

  it('refuses a name that somebody else has pointed here (DNS rebinding)', async () => {
    const rebound = { ...json, host: 'evil.example:80', origin: 'http://evil.example:80' }
    expect(await send({ headers: rebound, body: health })).toMatchObject({ status: 421 })
    expect(await send({ method: 'GET', path: '/health/live', headers: { host: 'evil.example' } })).toMatchObject({
      status: 421,
    })
    for (const host of ['localhost:80', '127.0.0.1', '[::1]:80', 'tutti', 'tutti.example']) {
      expect(await send({ headers: { ...json, host }, body: health })).toMatchObject({ status: 200 })
    }
  })

  it.each(['https://evil.example', 'null'])('refuses a WebSocket from %s', async (origin) => {
    const socket = new WebSocket(`${door.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { origin })
    const [error] = (await once(socket, 'error')) as [Error]
    expect(error.message).toMatch(/403/)
  })

  it('says on every answer that it is not to be sniffed or framed', async () => {
    for (const path of ['/graphql', '/health/live', '/nowhere', '/artifacts/x']) {
      expect((await send({ method: 'GET', path })).headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'content-security-policy': expect.stringContaining("default-src 'none'"),
      })
    }
  })
})

const field = 'health { version }'
const BOMBS: Record<string, string> = {
  '5,000 aliases': `{ ${Array.from({ length: 5_000 }, (_, n) => `a${n}: health { version }`).join(' ')} }`,
  '200 aliases': `{ ${Array.from({ length: 200 }, (_, n) => `a${n}: __typename`).join(' ')} }`,
  '120 directives': `{ ${Array.from({ length: 60 }, (_, n) => `a${n}: __typename @include(if: true) @skip(if: false)`).join(' ')} }`,
  '20,000 duplicate fields': `{ ${`${field} `.repeat(20_000)} }`,
  '1,200 duplicate fields': `{ ${'__typename '.repeat(1_200)} }`,
  '900 fields that validation would compare each with each': `{ ${`sessions { ${'nodes { id } '.repeat(14)} } `.repeat(30)} }`,
  '120 fragments that ask for the same': `{ ${Array.from({ length: 120 }, (_, n) => `...F${n}`).join(' ')} } ${Array.from(
    { length: 120 },
    (_, n) => `fragment F${n} on Query { health { version database } }`,
  ).join(' ')}`,
  'a depth of 500': `{ ${'node(id: "x") { ... on Session { task { '.repeat(166)} id ${'} } } '.repeat(166)} }`,
  'a bomb of fragments': `{ health { ...F0 } } ${Array.from(
    { length: 40 },
    (_, n) => `fragment F${n} on Health { version ...F${n + 1} ...F${n + 1} }`,
  ).join(' ')} fragment F40 on Health { version }`,
  'fragments in a circle': '{ health { ...A } } fragment A on Health { ...B } fragment B on Health { ...A }',
  'introspection in a circle': `{ __schema { types ${'{ fields { type '.repeat(6)} { name } ${'} } '.repeat(6)} } }`,
  'unknown fields': '{ secrets { of } the house }',
  'bad syntax': '{ health { ',
  'pages upon pages':
    '{ projects(first: 100) { nodes { sessions(first: 100) { nodes { executions(first: 100) { nodes { id key } } } } } } }',
}

describe('documents that cost too much', () => {
  it.each(Object.entries(BOMBS))('refuses %s with an error over HTTP, at once', async (_what, query) => {
    const begin = performance.now()
    const response = await door.post({ query }, { accept: 'application/graphql-response+json' })
    const took = performance.now() - begin
    const { errors, data } = (await response.json()) as Answer
    expect(errors?.length).toBeGreaterThan(0)
    expect(data ?? null).toBeNull()
    expect(response.status).toBe(400)
    // 50 ms on a quiet machine; this one may be shared.
    expect(took).toBeLessThan(1_000)
  })

  it('refuses each over a WebSocket with an error for that operation alone', async () => {
    const client = door.socket()
    const answers = client.iterate<{ health: { version: string } }>({ query: '{ health { version } }' })
    await answers.next()
    for (const query of Object.values(BOMBS)) {
      const refused = client.iterate({ query }).next()
      await expect(refused.then(({ value }) => Promise.reject(value?.errors))).rejects.toContainEqual(
        expect.objectContaining({ message: expect.any(String) }),
      )
    }
    // The same socket still answers.
    const { value } = await client.iterate({ query: '{ health { version } }' }).next()
    expect(value?.data).toEqual({ health: { version: '1.2.3' } })
  })

  it('refuses batches', async () => {
    const response = await door.post([{ query: '{ __typename }' }, { query: '{ __typename }' }])
    expect(response.status).toBe(400)
  })

  it('answers the introspection that tools ask for', async () => {
    const { getIntrospectionQuery } = await import('graphql')
    const { data, errors } = await door.answer(getIntrospectionQuery())
    expect(errors).toBeUndefined()
    expect(data).toHaveProperty('__schema')
  })
})

describe('too much and too long', () => {
  it('refuses a body that is too large, declared or not, with 413', async () => {
    const query = `{ health { version } } # ${'x'.repeat(1_048_576)}`
    const declared = await send({ headers: json, body: JSON.stringify({ query }) })
    expect(declared.status).toBe(413)
    const chunked = await send({
      headers: { ...json, 'transfer-encoding': 'chunked' },
      body: JSON.stringify({ query }),
    })
    expect(chunked.status).toBe(413)
  })

  it('closes a WebSocket with 1009 for a frame that is too large', async () => {
    const socket = new WebSocket(`${door.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
    await once(socket, 'open')
    socket.send('x'.repeat(2_000_000))
    expect((await once(socket, 'close'))[0]).toBe(1009)
  })

  it('closes a WebSocket that does not begin, and one that speaks another protocol', async () => {
    const silent = new WebSocket(`${door.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
    expect((await once(silent, 'close'))[0]).toBe(4408)
    const early = new WebSocket(`${door.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
    await once(early, 'open')
    early.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: '{ __typename }' } }))
    expect((await once(early, 'close'))[0]).toBe(4401)
  })

  it('refuses the 101st operation on one socket, and no other', async () => {
    const sessionId = await door.house.start([{ input: { sleepMs: 60_000 } }])
    const client = door.socket()
    const query = 'subscription ($id: ID!) { sessionUpdated(sessionId: $id) { status } }'
    const open = Array.from({ length: 100 }, () => client.iterate({ query, variables: { id: sessionId } }))
    await Promise.all(open.map((stream) => stream.next()))
    const refused = client.iterate({ query: '{ __typename }' }).next()
    await expect(refused.then(({ value }) => Promise.reject(value?.errors))).rejects.toMatchObject([
      { extensions: { code: 'LIMIT' } },
    ])
    await open[0]?.return?.()
    await door.house.coordinator.cancel(sessionId, 'enough')
    for (const stream of open.slice(1)) for await (const _ of stream);
    await door.house.end(sessionId)
  })

  it('survives what is no HTTP at all', async () => {
    const socket = connect(Number(new URL(door.url).port), '127.0.0.1')
    socket.resume().end('\0\0\0 nonsense\r\n\r\n')
    await once(socket, 'close')
    expect((await fetch(`${door.url}/health/live`)).status).toBe(200)
  })
})

describe('unexpected errors', () => {
  it('are masked, and the id in the answer is the one in the log', async () => {
    const { database } = door.house
    await database.script('ALTER TABLE "Project" RENAME TO "Hidden"')
    const { errors } = await door
      .answer('{ projects { totalCount } }')
      .finally(() => database.script('ALTER TABLE "Hidden" RENAME TO "Project"'))
    const [error] = errors ?? []
    expect(error?.extensions?.code).toBe('INTERNAL_SERVER_ERROR')
    expect(JSON.stringify(error)).not.toMatch(/Hidden|relation|prisma/i)
    const line = door.logged.find(({ requestId }) => requestId === error?.extensions?.requestId)
    expect(JSON.stringify(line)).toMatch(/Project/)
  })

  it('never came up in any other test of this file', () => {
    expect(door.logged.filter(({ msg }) => String(msg).includes('unexpectedly')).length).toBe(1)
  })
})
