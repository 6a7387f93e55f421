import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DEFAULT_LIMITS } from '../../src/graphql/limits.ts'
import { trustedDocuments } from '../../src/graphql/trusted.ts'
import { type Answer, type Door, openDoor } from './door.ts'

const VERSION = '{ health { version } }'

describe('operations per minute', () => {
  let door: Door
  beforeAll(async () => {
    door = await openDoor({ limits: { operationsPerMinute: 3 } })
  })
  afterAll(() => door.close())

  it('are not counted for the user of this machine', async () => {
    for (let n = 0; n < 5; n++) expect(await door.data('{ rateLimit { limit } }')).toEqual({ rateLimit: null })
  })

  it('are counted for each token; beyond the limit it is told when to come back', async () => {
    const one = door.as(await door.token(['VIEWER'], { name: 'one' }))
    const other = door.as(await door.token(['VIEWER'], { name: 'other' }))
    expect(await one.data('{ rateLimit { limit remaining resetAt } }')).toEqual({
      rateLimit: { limit: 3, remaining: 2, resetAt: expect.any(String) },
    })
    await one.data(VERSION)
    await one.data(VERSION)
    const response = await one.post({ query: VERSION })
    expect(response.status).toBe(429)
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await response.json()).toEqual({
      errors: [
        {
          message: expect.stringMatching(/^More than 3 operations in a minute: come back in \d+ s$/),
          extensions: { code: 'RATE_LIMIT', retryAfterMs: expect.any(Number) },
        },
      ],
    })
    expect(await other.data(VERSION)).toEqual({ health: { version: '1.2.3' } })
  })

  it('are counted over a WebSocket too, where that operation alone is refused', async () => {
    const socket = door.as(await door.token(['VIEWER'], { name: 'third' })).socket()
    for (let n = 0; n < 3; n++) {
      const { value } = await socket.iterate({ query: VERSION }).next()
      expect(value?.data).toEqual({ health: { version: '1.2.3' } })
    }
    const told = await socket
      .iterate({ query: VERSION })
      .next()
      .then(
        ({ value }) => value?.errors,
        (errors: unknown) => errors,
      )
    expect(told).toMatchObject([{ extensions: { code: 'RATE_LIMIT' } }])
  })
})

describe('trusted documents', () => {
  const query = '{ health { version } agents { totalCount } }'
  const id = createHash('sha256').update(query).digest('hex')
  const mine = '{ __typename }'
  let door: Door
  let admin: Door
  let viewer: Door
  beforeAll(async () => {
    door = await openDoor({ trusted: trustedDocuments({ [id]: query }, [mine]) })
    admin = door.as(await door.token(['ADMIN']))
    viewer = door.as(await door.token(['VIEWER']))
  })
  afterAll(() => door.close())

  const codeOf = async (response: Response): Promise<string | undefined> =>
    ((await response.json()) as Answer).errors?.[0]?.extensions?.code

  it('are all that clients may ask for, by their text or by its SHA-256', async () => {
    const asked = [
      { query },
      { query: mine },
      { documentId: id },
      { documentId: `sha256:${id}` },
      { extensions: { persistedQuery: { version: 1, sha256Hash: id } } },
    ]
    for (const body of asked) {
      const { data, errors } = (await (await viewer.post(body)).json()) as Answer
      expect(errors).toBeUndefined()
      expect(data).toBeTruthy()
    }
  })

  it('leave out any other text, over HTTP and over a WebSocket', async () => {
    const response = await viewer.post({ query: VERSION }, { accept: 'application/graphql-response+json' })
    expect(response.status).toBe(400)
    expect(await codeOf(response)).toBe('UNTRUSTED_DOCUMENT')
    const told = await viewer
      .socket()
      .iterate({ query: VERSION })
      .next()
      .then(
        ({ value }) => value?.errors,
        (errors: unknown) => errors,
      )
    expect(told).toMatchObject([{ extensions: { code: 'UNTRUSTED_DOCUMENT' } }])
  })

  it('are no matter to an ADMIN, who may try out documents', async () => {
    expect(await admin.data(VERSION)).toEqual({ health: { version: '1.2.3' } })
  })

  it('do not exist under another id', async () => {
    expect(await codeOf(await viewer.post({ documentId: 'x' }))).toBe('UNKNOWN_DOCUMENT')
  })

  it('are not known by id to a server that trusts any', async () => {
    const open = await openDoor()
    expect(await codeOf(await open.post({ documentId: id }))).toBe('UNKNOWN_DOCUMENT')
    await open.close()
  })
})

describe('the schema', () => {
  it('is told to people and their tools, and not to who may only do executions', async () => {
    const door = await openDoor()
    const [viewer, agent] = [door.as(await door.token(['VIEWER'])), door.as(await door.token(['AGENT']))]
    for (const query of ['{ __schema { types { name } } }', '{ __type(name: "Session") { name } }']) {
      expect((await viewer.answer(query)).errors).toBeUndefined()
      const { data, errors } = await agent.answer(query)
      expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }])
      expect(data ?? null).toBeNull()
    }
    expect(await agent.data('{ __typename }')).toEqual({ __typename: 'Query' })
    await door.close()
  })

  it('needs no GraphiQL: an operator can leave it out', async () => {
    const door = await openDoor({ graphiql: false })
    const response = await fetch(`${door.url}/graphql`, { headers: { accept: 'text/html' } })
    expect(response.status).toBe(404)
    await door.close()
  })
})

it('an operation that takes too long is given up, with what to do about it', async () => {
  const door = await openDoor({
    limits: { operationMs: 50 },
    counted: (database) => ({
      ...database,
      query: (sql, params) => (sql.includes('"Session"') ? new Promise(() => {}) : database.query(sql, params)),
    }),
  })
  const { errors } = await door.answer('{ metrics { successRate } }')
  expect(errors).toMatchObject([
    { message: expect.stringContaining('longer than 50 ms'), extensions: { code: 'TIMEOUT' } },
  ])
  expect(await door.data(VERSION)).toEqual({ health: { version: '1.2.3' } })
  await door.close()
})

it('one address has a limited number of WebSockets', async () => {
  const door = await openDoor({ limits: { socketsPerAddress: 2 } })
  const open = async (): Promise<unknown> => (await door.socket().iterate({ query: VERSION }).next()).value
  const [one, two] = [door.socket(), door.socket()]
  const lasting = [one, two].map((client) => client.iterate({ query: 'subscription { interruptRaised { id } }' }))
  for (const client of [one, two]) await client.iterate({ query: VERSION }).next()
  await expect(open()).rejects.toThrow()
  for (const stream of lasting) await stream.return?.()
  await door.close()
})

describe('docs/security.md', () => {
  const rows = readFileSync(new URL('../../docs/security.md', import.meta.url), 'utf8').matchAll(
    /^\| `(\w+)` +\| ([\d,]+) +\|/gm,
  )
  const documented = Object.fromEntries([...rows].map(([, name, value]) => [name, Number(value?.replaceAll(',', ''))]))

  it('names every limit with its default', () => {
    expect(documented).toEqual(DEFAULT_LIMITS)
  })
})
