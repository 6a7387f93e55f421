import type { ChildProcess } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createClient } from 'graphql-ws'
import { afterEach, describe, expect, inject, it } from 'vitest'
import { WebSocket } from 'ws'
import { freshPostgres } from '../database.ts'
import { HOUSES } from '../house.ts'
import { type Member, startMember } from '../servers/member.ts'
import { POSTGRES_TEMPLATE } from '../services.ts'

const SHOP = fileURLToPath(new URL('../fixtures/repositories/shop', import.meta.url))
const AUDIT =
  'Audit this repository: analyse its structure, run its tests, review the code, then write its documentation and check that it can be released'

/** How often; each costs the start of a server. */
const KILLS = Number(process.env['KILLS'] ?? 1)

interface SeenEvent {
  seq: number
  type: string
}

/** Reads the session's events behind a cursor until one of them will do; returns those read. */
async function eventsOf(
  { url }: Member,
  sessionId: string,
  after: number,
  enough: (event: SeenEvent) => boolean,
): Promise<SeenEvent[]> {
  const client = createClient({ url: `${url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket })
  const seen: SeenEvent[] = []
  const query = `subscription ($id: ID!, $after: Int!) { sessionEvents(sessionId: $id, after: $after) {
    ... on SessionEvent { event { seq type } } } }`
  for await (const { data } of client.iterate<{ sessionEvents: { event?: SeenEvent } }>({
    query,
    variables: { id: sessionId, after },
  })) {
    const event = data?.sessionEvents.event
    if (!event) continue
    seen.push(event)
    if (enough(event)) break
  }
  await client.dispose()
  return seen
}

describe.each(HOUSES)('a server on $store with a bus in $bus that is killed in the middle of an audit', (kind) => {
  const folder = mkdtempSync(join(tmpdir(), 'tutti-kill-'))
  const servers: ChildProcess[] = []
  afterEach(() => {
    for (const server of servers) server.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })

  const start = (environment: Record<string, string>): Promise<Member> =>
    startMember(folder, environment, (server) => servers.push(server))
  const kill = async ({ process, ended }: Member): Promise<void> => {
    process.kill('SIGKILL')
    await ended
  }

  it('goes on where it was: nothing accepted runs again, events are 1 to n, the audit ends', async () => {
    const repository = join(folder, 'shop')
    cpSync(SHOP, repository, { recursive: true })
    const environment: Record<string, string> =
      kind.store === 'postgres'
        ? { DATABASE_URL: await freshPostgres(POSTGRES_TEMPLATE), REDIS_URL: inject('redisUrl') as string }
        : {}
    let server = await start(environment)
    const made = await server.ask(
      `mutation ($path: String!) { createProject(input: { name: "shop", workspace: $path }) {
        ... on CreateProjectSuccess { project { id } } } }`,
      { path: repository },
    )
    const started = await server.ask(
      `mutation ($project: ID!, $text: String!) { startOrchestration(input: { project: $project, aggregate: AGENT,
        task: { title: "Audit", description: $text } }) { __typename
        ... on StartOrchestrationSuccess { session { id } } ... on Error { message } } }`,
      { project: (made['createProject'] as { project: { id: string } }).project.id, text: AUDIT },
    )
    const { id } = (started['startOrchestration'] as { session: { id: string } }).session

    // What had been accepted at each kill must stand, as it was, at the end.
    const SESSION = `query ($id: ID!) { node(id: $id) { ... on Session { status reason
      executions(first: 100) { nodes { key status endedAt attempts { number status } } } } } }`
    interface Execution {
      key: string
      status: string
      endedAt: string
      attempts: { number: number; status: string }[]
    }
    const read = async () =>
      (await server.ask(SESSION, { id }))['node'] as { status: string; executions: { nodes: Execution[] } }
    const accepted = new Map<string, Execution>()
    const seen: SeenEvent[] = []
    for (let kills = 0; kills < KILLS; kills++) {
      seen.push(...(await eventsOf(server, id, seen.length, ({ type }) => type === 'EXECUTION_ACCEPTED')))
      for (const execution of (await read()).executions.nodes) {
        if (execution.status === 'ACCEPTED') accepted.set(execution.key, execution)
      }
      await kill(server)
      server = await start(environment)
    }
    seen.push(...(await eventsOf(server, id, seen.length, () => false)))
    const session = await read()
    expect(session.status).toBe('SUCCEEDED')
    expect(accepted.size).toBeGreaterThanOrEqual(KILLS)
    const { nodes } = session.executions
    for (const [key, execution] of accepted) expect(nodes.find((node) => node.key === key)).toEqual(execution)
    expect(nodes.map(({ status }) => status)).toEqual(Array(6).fill('ACCEPTED'))
    for (const { attempts } of nodes) expect(attempts.filter(({ status }) => status === 'OK')).toHaveLength(1)
    expect(nodes.flatMap(({ attempts }) => attempts).some(({ status }) => status === 'LOST')).toBe(true)
    expect(seen.map(({ seq }) => seq)).toEqual(seen.map((_, index) => index + 1))
    await kill(server)
  })
})
