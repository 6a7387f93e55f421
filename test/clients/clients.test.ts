import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Door, openDoor } from '../graphql/door.ts'
import type { ApiClient, Item } from './client.ts'
import { areInstalled, findProgram, missing } from './installed.ts'
import { type Wire, wireTo } from './wire.ts'

type Open = (url: string) => ApiClient | Promise<ApiClient>

/** Loaded when they are tried: they may not be installed. */
const CLIENTS: { name: string; load(): Promise<Open>; keeps?: boolean }[] = [
  { name: 'graphql-ws', load: async () => (await import('./graphqlWs.ts')).open },
  { name: 'graphql-sse', load: async () => (await import('./graphqlSse.ts')).open },
  { name: 'urql over WebSocket', load: async () => (await import('./urql.ts')).open },
  { name: 'urql over server-sent events', load: async () => (await import('./urql.ts')).openSse },
  { name: 'Apollo Client', load: async () => (await import('./apollo.ts')).open, keeps: true },
  { name: 'Relay', load: async () => (await import('./relay.ts')).open, keeps: true },
  { name: 'curl', load: async () => (await import('./curl.ts')).open },
]

const hasCurl = findProgram('curl') !== undefined
if (!areInstalled) missing('the clients in test/clients', 'npm ci --prefix test/clients')
if (!hasCurl) missing('curl', 'apt-get install curl')
const canTry = (name: string) => (name === 'curl' ? hasCurl : areInstalled)

let door: Door
let wire: Wire
/** A project with three sessions that have ended. */
let project: string
let sessions: string[]

beforeAll(async () => {
  door = await openDoor()
  wire = await wireTo(door.url)
  const { prisma } = door.house.database
  const id = uuid()
  await prisma.project.create({ data: { id, name: 'paged', workspace: door.house.dataDir, concurrency: 10 } })
  project = `Project:${id}`
  sessions = []
  for (let n = 0; n < 3; n++) {
    const session = await door.house.start([{ key: 'a' }], { projectId: id })
    sessions.unshift(`Session:${session}`)
    await door.house.end(session)
  }
})
afterAll(async () => {
  await wire.close()
  await door.close()
})

const upTo = (n: number): number[] => Array.from({ length: n }, (_, index) => index + 1)
const numbers = (items: Item[]): number[] => items.flatMap(({ event }) => (event ? [event.seq] : []))
const uuidOf = (id: string): string => id.replace('Session:', '')

describe.each(CLIENTS)('$name', ({ name, load, keeps = false }) => {
  let client: ApiClient
  beforeAll(async () => {
    if (canTry(name)) client = await (await load())(`${wire.url}/graphql`)
  })
  afterAll(() => client?.close())
  beforeEach(({ skip }) => skip(!canTry(name), 'it is not installed'))

  /** Starts a session of one part. */
  async function start(more: object = {}): Promise<string> {
    const task = { title: 'One part', subTasks: [{ key: 'a', title: 'a', capabilities: ['anything'], ...more }] }
    const { result } = await client.ask('Start', { input: { project: door.house.projectId, task } })
    expect(result).toMatchObject({ __typename: 'StartOrchestrationSuccess' })
    return result?.session?.id ?? ''
  }

  it('asks for something by its global id', async () => {
    expect(await client.ask('Project', { id: project })).toMatchObject({ node: { id: project, name: 'paged' } })
  })

  it('reads a connection in two pages', async () => {
    expect(await client.pages(project, 2)).toEqual({ totalCount: 3, first: sessions.slice(0, 2), both: sessions })
  })

  it('is told of the success of a mutation, or of what was wrong', async () => {
    const rename = async (id: string, name: string) => (await client.ask('Rename', { input: { id, name } })).result
    expect(await rename(project, 'paged')).toMatchObject({
      __typename: 'UpdateProjectSuccess',
      project: { id: project, name: 'paged' },
    })
    expect(await rename(project, '')).toMatchObject({
      __typename: 'InvalidInputError',
      code: 'INVALID_INPUT',
      fields: [{ path: ['name'] }],
    })
    expect(await rename('Project:x', 'x')).toMatchObject({ __typename: 'NotFoundError', code: 'NOT_FOUND' })
  })

  it('follows a session to its end, with every event once and in order', async () => {
    const session = await start()
    const items: Item[] = []
    for await (const item of client.follow(session, 0)) items.push(item)
    const { seq } = await door.house.end(uuidOf(session))
    expect(items[0]).toMatchObject({ __typename: 'SessionSnapshot', session: { id: session } })
    expect(numbers(items)).toEqual(upTo(seq))
    expect(items.at(-1)?.event?.type).toBe('SESSION_SUCCEEDED')
  })

  it('goes on behind the last cursor when the connection was cut', async () => {
    const session = await start({ gates: [{ person: { question: 'Go on?' } }] })
    const items: Item[] = []
    const cutOff = async () => {
      for await (const item of client.follow(session, 0)) {
        items.push(item)
        // Now it waits for a person, so there is more to come.
        if (item.event?.type === 'INTERRUPT_RAISED') wire.cut()
      }
    }
    await expect(cutOff()).rejects.toThrow()
    await answer(session)
    for await (const item of client.follow(session, items.at(-1)?.cursor ?? 0)) items.push(item)
    const { seq } = await door.house.end(uuidOf(session))
    expect(numbers(items)).toEqual(upTo(seq))
  })

  if (!keeps) return
  it('sees everywhere in its cache what one answer says', async () => {
    await client.ask('Project', { id: project })
    expect(client.held?.(project)).toMatchObject({ id: project, name: 'paged' })
    for (const name of ['renamed', 'paged']) {
      await client.ask('Rename', { input: { id: project, name } })
      expect(client.held?.(project)).toMatchObject({ id: project, name })
    }
  })
})

describe('graphql-ws left to connect again by itself', () => {
  it.skipIf(!areInstalled)('begins where it began, and sends again what was seen: cursors tell', async () => {
    const { openAgain } = await import('./graphqlWs.ts')
    const client = openAgain(`${wire.url}/graphql`)
    const id = await door.house.start([{ key: 'a', gates: [{ kind: 'PERSON', question: 'Go on?' }] }])
    const cursors: number[] = []
    let cuts = 0
    for await (const { cursor = 0, event } of client.follow(`Session:${id}`, 0)) {
      if (cursor > 0) cursors.push(cursor)
      if (event?.type !== 'INTERRUPT_RAISED') continue
      cuts += 1
      if (cuts === 1) wire.cut()
      else await answer(id)
    }
    await client.close()
    const { seq } = await door.house.end(id)
    expect(cuts).toBe(2)
    expect(cursors.indexOf(1, 1)).toBeGreaterThan(0)
    const isNew = (cursor: number, index: number) => cursors.slice(0, index).every((before) => before < cursor)
    expect(cursors.filter(isNew)).toEqual(upTo(seq))
  })
})

/** Approves what a session asks. */
async function answer(session: string): Promise<void> {
  const { interrupts } = await door.house.until(uuidOf(session), (state) => state.interrupts.length > 0)
  await door.data(
    'mutation ($id: ID!) { answerInterrupt(input: { id: $id, choice: APPROVE }) { ... on Error { message } } }',
    { id: interrupts[0]?.id },
  )
}
