import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { parse, validate } from 'graphql'
import { afterAll, beforeAll, describe, expect, expectTypeOf, it, onTestFinished } from 'vitest'
import type { TypedDocumentString } from '../../src/generated/gql/graphql.ts'
import { schema } from '../../src/graphql/schema.ts'
import type { Activity, Result, WorkOptions } from '../../worker/worker.d.ts'
import { DOCUMENTS, work } from '../../worker/worker.js'
import { type Door, openDoor } from '../graphql/door.ts'
import { type Orchestra, orchestra, part } from '../graphql/orchestrate.ts'
import type { SENDING } from '../graphql/working.ts'

/** What the schema wants of a worker. */
type Sending = typeof SENDING extends TypedDocumentString<unknown, infer Variables> ? Variables : never

let door: Door
let all: Orchestra
let token: string
beforeAll(async () => {
  door = await openDoor()
  const admin = door.as(await door.token(['ADMIN'], { name: 'root' }))
  token = await door.token(['AGENT'])
  all = orchestra(admin)
  await admin.data(
    `mutation ($project: ID!) { registerAgent(input: { project: $project, name: "robot", type: GENERAL, capabilities: ["robot"],
      runtime: "pull", runtimeConfig: {}, slots: 10 }) { ... on RegisterAgentSuccess { agent { status } } } }`,
    { project: door.house.projectId },
  )
})
afterAll(() => door.close())

/** Lets a worker work until the test ends, or it is stopped. */
function hire(perform: WorkOptions['perform'], more: Partial<WorkOptions> = {}) {
  const controller = new AbortController()
  const options = { url: door.url, token, agent: 'robot', leaseMs: 2_000, signal: controller.signal }
  const ended = work({ ...options, perform, ...more })
  const stop = async (): Promise<void> => {
    controller.abort()
    await ended
  }
  onTestFinished(() => stop().catch(() => {}))
  return { ended, stop, controller }
}

async function start(more: object = {}): Promise<string> {
  let session: { id: string } | undefined
  const parts = [part('a', { capabilities: ['robot'], ...more })]
  await expect.poll(async () => ({ session } = await all.tryStart(parts)).session).toBeDefined()
  return session?.id.replace('Session:', '') as string
}

describe('a worker', () => {
  it('asks only what the schema has', () => {
    expect(DOCUMENTS.flatMap((text) => validate(schema, parse(text)))).toEqual([])
    expectTypeOf<Result>().toExtend<Omit<Sending['result'], 'attempt' | 'fence'>>()
    expectTypeOf<Activity[]>().toExtend<Sending['shown']['activities']>()
  })

  it('does work, shows what it does in order, and goes on with the next', async () => {
    hire(({ input }, { activity }) => {
      for (let line = 1; line <= 250; line += 1) activity(line % 2 ? `${line}` : { kind: 'OUTPUT', text: `${line}` })
      return { summary: 'did it', output: input, files: [{ name: 'a/b.txt', text: 'x' }], usage: { inputTokens: 1 } }
    })
    for (const n of [1, 2]) {
      const id = await start({ input: { n } })
      expect(await door.house.end(id)).toMatchObject({ status: 'SUCCEEDED', output: { n } })
      const shown = await door.house.database.prisma.activity.findMany({
        where: { execution: { sessionId: id } },
        orderBy: { seq: 'asc' },
      })
      expect(shown.map(({ text }) => Number(text))).toEqual(Array.from({ length: 250 }, (_, index) => index + 1))
    }
  })

  it('tells what it throws as a failure of its class, and a result that is refused as one of its own', async () => {
    const tried: string[] = []
    hire(({ attempt, input }) => {
      tried.push(`${String(input)} ${attempt}`)
      if (input === 'class') throw Object.assign(new Error('no such place'), { class: 'VALIDATION' })
      return { summary: 'x', output: 1, files: [{ name: '../up', text: 'x' }] }
    })
    for (const [input, error] of [
      ['class', { class: 'VALIDATION', message: 'no such place' }],
      ['refused', { class: 'AGENT', message: expect.stringContaining('files.0.name') }],
    ] as const) {
      const { executions } = await door.house.end(await start({ input, maxAttempts: 1 }))
      expect(executions['a']?.error).toMatchObject(error)
    }
    expect(tried).toEqual(['class 1', 'refused 1'])
  })

  it('outlives its lease by heartbeats, and is told when the work is canceled', async () => {
    const begun = Promise.withResolvers<void>()
    const told = Promise.withResolvers<unknown>()
    hire(async (_work, { signal }) => {
      begun.resolve()
      if (!signal.aborted) await once(signal, 'abort')
      told.resolve(signal.reason)
      return { summary: 'late', output: 1 }
    })
    const id = await start()
    await begun.promise
    const offer = () => door.house.database.prisma.offer.findFirstOrThrow({ where: { attempt: { sessionId: id } } })
    const { leaseUntil } = await offer()
    await expect.poll(async () => (await offer()).leaseUntil?.getTime()).toBeGreaterThan(Number(leaseUntil) + 2_000)
    expect(await offer()).toMatchObject({ fence: 1, status: 'CLAIMED' })
    await all.act('cancelSession', { id })
    expect(await told.promise).toMatchObject({ message: 'it was canceled' })
    expect(await door.house.end(id)).toMatchObject({ status: 'CANCELED' })
  })

  it('finishes what it has in hand once it is stopped', async () => {
    const begun = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    const { controller, ended } = hire(async () => {
      begun.resolve()
      await goOn.promise
      return { summary: 'done', output: 'finished' }
    })
    const id = await start()
    await begun.promise
    controller.abort()
    goOn.resolve()
    await ended
    expect(await door.house.end(id)).toMatchObject({ status: 'SUCCEEDED', output: 'finished' })
  })

  it('asks again while the server is away, loses nothing of what it has done, and is handed nothing twice', async () => {
    let away = 0
    const proxy = createServer((request, response) => {
      void (async () => {
        const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>))
        away += 1
        // Each second answer gets lost: before the server hears of it, or on its way back.
        if (away % 4 === 1) return response.writeHead(503).end()
        const headers = { 'content-type': 'application/json', authorization: request.headers.authorization ?? '' }
        const answer = await fetch(`${door.url}/graphql`, { method: 'POST', headers, body })
        const text = await answer.text()
        if (away % 4 === 3) return response.destroy()
        response.writeHead(answer.status).end(text)
      })().catch(() => response.destroy())
    }).listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    onTestFinished(() => proxy.closeAllConnections())
    let done = 0
    hire(
      (_work, { activity }) => {
        done += 1
        for (const line of ['one', 'two', 'three']) activity(line)
        return { summary: 'done', output: 'once' }
      },
      { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, leaseMs: 30_000 },
    )
    const id = await start()
    expect(await door.house.end(id)).toMatchObject({ status: 'SUCCEEDED', output: 'once' })
    expect(done).toBe(1)
    const shown = await door.house.database.prisma.activity.findMany({ where: { execution: { sessionId: id } } })
    expect(shown.map(({ text }) => text).toSorted()).toEqual(['one', 'three', 'two'])
  })

  it('ends with the reason if the server does not want it', async () => {
    const never = () => ({ summary: 'x' })
    await expect(hire(never, { token: 'tutti_wrong' }).ended).rejects.toThrow(/lets nobody in/)
    await expect(hire(never, { agent: 'nobody' }).ended).rejects.toThrow(/no such agent/)
    await expect(hire(never, { token: await door.token(['VIEWER']) }).ended).rejects.toThrow(/AGENT or ADMIN/)
  })
})
