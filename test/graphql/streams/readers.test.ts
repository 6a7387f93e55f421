import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { watchReader } from '../../../src/graphql/reader.ts'
import { type Door, openDoor } from '../door.ts'

interface Heard {
  response: IncomingMessage
  /** Everything that came so far. */
  text(): string
  /** The payloads of all results so far. */
  results(): { data?: { executionActivity: { seq: number } }; errors?: { extensions?: object; message: string }[] }[]
}

/** Subscribes as a client of server-sent events that reads as it likes. */
async function listen(door: Door, query: string, variables: object): Promise<Heard> {
  const headers = { 'content-type': 'application/json', accept: 'text/event-stream' }
  const sent = request(`${door.url}/graphql`, { method: 'POST', headers })
  sent.end(JSON.stringify({ query, variables }))
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  let text = ''
  response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  return {
    response,
    text: () => text,
    results: () => [...text.matchAll(/^data: (\{.*\})$/gm)].map(([, json = '']) => JSON.parse(json) as never),
  }
}

const SLOW_MS = 6_000

const seqs = (heard: Heard): number[] =>
  heard.results().flatMap(({ data }) => (data ? [data.executionActivity.seq] : []))

describe('a client of server-sent events that does not read', () => {
  it('is told where to go on with an event of its own, is kept nothing for, and misses nothing', async () => {
    const door = await openDoor({ limits: { slowReaderMs: SLOW_MS } })
    const id = await door.house.start([{ key: 'a' }])
    await door.house.end(id)
    const { id: execution } = await door.house.database.prisma.execution.findFirstOrThrow({ where: { sessionId: id } })
    const lines = 4_000
    await door.house.database.query(
      `INSERT INTO "Activity" ("executionId", seq, attempt, kind, text, at)
       SELECT $1::uuid, n, 1, 'OUTPUT', $2, now() FROM generate_series(2, ${lines}) n`,
      [execution, 'x'.repeat(8_000)],
    )
    const query =
      'subscription ($id: ID!, $after: Int) { executionActivity(executionId: $id, after: $after) { seq text } }'
    const slow = await listen(door, query, { id: execution })
    await once(slow.response, 'data')
    slow.response.pause()
    expect(seqs(slow).length).toBeLessThan(lines)
    const paused = performance.now()
    // Some time before it is cut off.
    await expect.poll(() => performance.now() - paused).toBeGreaterThan(SLOW_MS * 1.4)
    slow.response.resume()
    await once(slow.response, 'end')
    const all = Array.from({ length: lines }, (_, index) => index + 1)
    const got = seqs(slow)
    const cursor = got.at(-1) as number
    expect(cursor).toBeLessThan(lines)
    expect(got).toEqual(all.slice(0, cursor))
    expect(slow.results().at(-1)).toEqual({
      errors: [{ message: expect.stringMatching(/after: the last cursor/), extensions: { code: 'TOO_SLOW', cursor } }],
    })
    const again = await listen(door, query, { id: execution, after: cursor })
    await once(again.response, 'end')
    expect([...got, ...seqs(again)]).toEqual(all)
    await door.close()
  })

  it('for much longer is cut off: nothing waits for ever', async () => {
    const signals: AbortSignal[] = []
    const server = createServer((_, response: ServerResponse) => {
      signals.push(watchReader(response, 200))
      response.write('x'.repeat(50_000_000))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    const closed = new Promise<void>((resolve) => {
      server.on('request', (_, response: ServerResponse) => response.once('close', () => resolve()))
    })
    socket.pause()
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
    await closed
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
    socket.destroy()
    server.close()
  })

  it('is left alone as long as nothing waits for it', async () => {
    const door = await openDoor({ limits: { slowReaderMs: 100 } })
    const id = await door.house.start([{ key: 'a', input: { sleepMs: 60_000 } }])
    await door.house.until(id, ({ status }) => status === 'RUNNING')
    const quiet = await listen(door, 'subscription ($id: ID!) { sessionUpdated(sessionId: $id) { status } }', { id })
    const begin = performance.now()
    await expect.poll(() => performance.now() - begin).toBeGreaterThan(500)
    await door.house.coordinator.cancel(id, 'enough')
    await once(quiet.response, 'end')
    expect(quiet.text()).toMatch(/CANCELED.*event: complete\n/s)
    expect(quiet.text()).not.toContain('TOO_SLOW')
    await door.close()
  })
})
