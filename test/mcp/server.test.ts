import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, StreamableHTTPClientTransport, type Transport } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { afterAll, describe, expect, it } from 'vitest'
import type { ConfigFile } from '../../src/configFile.ts'
import { openTutti, PROJECT } from '../a2a/tutti.ts'
import { ENTRY } from '../cli/tutti.ts'

const CLERK = join(import.meta.dirname, '../fixtures/agents/clerk.js')
const TOOLS = [
  'analyze_task',
  'answer_interrupt',
  'cancel_session',
  'get_knowledge',
  'get_session',
  'list_agents',
  'list_interrupts',
  'list_sessions',
  'remember_knowledge',
  'search_knowledge',
  'start_session',
  'watch_events',
]

const tutti = await openTutti({ mcpServer: true })
const folder = mkdtempSync(join(tmpdir(), 'tutti-mcp-server-'))
mkdirSync(join(folder, 'shop'))
writeFileSync(
  join(folder, 'tutti.config.json'),
  JSON.stringify({
    builtinAgents: false,
    sandbox: { mode: 'off' },
    commands: { clerk: { argv: [process.execPath, CLERK] } },
    agents: [{ name: 'clerk', command: 'clerk', capabilities: ['clerk'] }],
  } satisfies ConfigFile),
)
const clients: Client[] = []
afterAll(async () => {
  for (const client of clients) await client.close()
  await tutti.close()
  rmSync(folder, { recursive: true, force: true })
})

async function connect(transport: Transport, mode: 'legacy' | 'auto' = 'legacy'): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } })
  await client.connect(transport)
  clients.push(client)
  return client
}

function overHttp(secret?: string): Transport {
  const headers: Record<string, string> = secret === undefined ? {} : { authorization: `Bearer ${secret}` }
  return new StreamableHTTPClientTransport(new URL(`${tutti.url}/mcp`), { requestInit: { headers } })
}

function overStdio(args: string[], env: Record<string, string> = {}): Transport {
  const { PATH = '', HOME = '' } = process.env
  const command = ['--liftoff-only', ENTRY, 'mcp', ...args]
  return new StdioClientTransport({
    command: process.execPath,
    args: command,
    cwd: folder,
    env: { PATH, HOME, ...env },
    stderr: 'ignore',
  })
}

/** What tools tell that is used here. */
interface Answer {
  id: string
  status: string
  endedAt: string | null
  hasNextPage: boolean
  endCursor: string
  interrupts: object[]
  events: { seq: number }[]
  sessions: { id: string; status: string }[]
  selections: { agent: { name: string } | null }[]
  nodes: { id: string; shownHash: string }[]
  knowledge: { id: string; text: string }[]
}

/** What a tool answers; its error fails the test. */
async function use(client: Client, name: string, input: object = {}): Promise<Answer> {
  const { ok, text } = await call(client, name, input)
  if (!ok) throw new Error(text)
  return JSON.parse(text) as Answer
}

async function call(client: Client, name: string, input: object): Promise<{ ok: boolean; text: string }> {
  const result = await client.callTool({ name, arguments: input as Record<string, unknown> })
  const [block] = result.content
  return { ok: result.isError !== true, text: block?.type === 'text' ? block.text : '' }
}

/** Asks until a session is as it is to be: a call waits no longer than its limit. */
async function settled(client: Client, session: string): Promise<Answer> {
  for (;;) {
    const found = await use(client, 'get_session', { session, waitMs: 20_000 })
    if (found.endedAt !== null || found.interrupts.length > 0) return found
  }
}

describe.each([
  ['streamable HTTP, with the handshake of 2025', async () => connect(overHttp(await tutti.token(['ADMIN'])))],
  ['streamable HTTP, with that of 2026', async () => connect(overHttp(await tutti.token(['ADMIN'])), 'auto')],
  ['`tutti mcp`', async () => connect(overStdio(['--repo', 'shop']))],
])('Tutti as an MCP server over %s', (way, open) => {
  const where = way.includes('HTTP') ? { project: PROJECT } : {}
  let opening: Promise<Client> | undefined
  const client = (): Promise<Client> => (opening ??= open())

  it('offers its tools, and says of each argument what it means', async () => {
    const { tools } = await (await client()).listTools()
    expect(tools.map(({ name }) => name).toSorted()).toEqual(TOOLS)
    for (const { name, description, inputSchema, annotations } of tools) {
      expect(description).toMatch(/\.$/)
      expect(annotations?.readOnlyHint).toBe(
        !['answer_interrupt', 'cancel_session', 'remember_knowledge', 'start_session'].includes(name),
      )
      expect(inputSchema.type).toBe('object')
    }
  })

  it('has a task done, and hands over what came of it', async () => {
    const mcp = await client()
    const agents = await use(mcp, 'list_agents')
    expect(agents.nodes).toMatchObject([{ name: 'clerk', capabilities: ['clerk'] }])
    const task = { title: 'Write a letter', ...where }
    const analysis = await use(mcp, 'analyze_task', task)
    expect(analysis).toMatchObject({ analysis: { complexity: expect.any(Number) } })
    expect(analysis.selections[0]?.agent).toEqual({ name: 'clerk' })
    const { id } = await use(mcp, 'start_session', { ...task, idempotencyKey: 'one' })
    expect((await use(mcp, 'start_session', { ...task, idempotencyKey: 'one' })).id).toBe(id)
    const done = await settled(mcp, id)
    expect(done).toMatchObject({
      status: 'SUCCEEDED',
      executions: { nodes: [{ status: 'ACCEPTED', summary: 'Write is done', agent: { name: 'clerk' } }] },
      artifacts: { nodes: [{ name: expect.stringContaining('note.txt') }] },
    })
    const { sessions } = await use(mcp, 'list_sessions', { ended: true })
    expect(sessions.map((session) => session.id)).toContain(id)
  })

  it('tells events page by page, in order and to the end', async () => {
    const mcp = await client()
    const { sessions } = await use(mcp, 'list_sessions', { ended: true })
    const id = sessions.find(({ status }) => status === 'SUCCEEDED')?.id
    const seen: number[] = []
    let page = await use(mcp, 'watch_events', { session: id, first: 3 })
    for (; page.hasNextPage; page = await use(mcp, 'watch_events', { session: id, first: 3, after: page.endCursor })) {
      seen.push(...page.events.map(({ seq }) => seq))
    }
    seen.push(...page.events.map(({ seq }) => seq))
    expect(page).toMatchObject({ ended: true, status: 'SUCCEEDED' })
    expect(seen.length).toBeGreaterThan(3)
    expect(seen).toEqual(seen.map((_, index) => index + 1))
  })

  it('lets a question be answered', async () => {
    const mcp = await client()
    const { id } = await use(mcp, 'start_session', { title: 'Ask for a name', ...where })
    expect((await settled(mcp, id)).interrupts).toMatchObject([{ kind: 'QUESTION', question: 'What is the name?' }])
    const [open] = (await use(mcp, 'list_interrupts', { session: id })).nodes
    const { id: interrupt, shownHash } = open as Answer['nodes'][number]
    expect(open).toMatchObject({ shown: { hint: 'short' }, choices: expect.arrayContaining(['ANSWER']) })
    await use(mcp, 'answer_interrupt', { interrupt, choice: 'ANSWER', text: 'Ada', shownHash })
    expect(await settled(mcp, id)).toMatchObject({ executions: { nodes: [{ summary: 'Ask is done for Ada' }] } })
    const again = await call(mcp, 'answer_interrupt', { interrupt, choice: 'ANSWER', text: 'Bob' })
    expect(again).toMatchObject({ ok: false, text: expect.stringContaining('has ended') })
  })

  it('cancels what is not wanted any more', async () => {
    const mcp = await client()
    const { id } = await use(mcp, 'start_session', { title: 'Sleep on it', ...where })
    expect(await use(mcp, 'cancel_session', { session: id, reason: 'not today' })).toMatchObject({ id })
    expect(await settled(mcp, id)).toMatchObject({ status: 'CANCELED' })
  })

  it('keeps what is remembered, once, and finds it', async () => {
    const mcp = await client()
    const [tag, long] = [`zoo ${way}`, `Feed it at noon over ${way}. ${'Not before. '.repeat(200)}`]
    const tip = { kind: 'TIP', title: 'Feeding the okapi', text: long, tags: [tag], confidence: 0.9, ...where }
    const said = await use(mcp, 'remember_knowledge', tip)
    expect(said).toMatchObject({ isNew: true, review: 'PROPOSED', text: long })
    expect(await use(mcp, 'remember_knowledge', tip)).toMatchObject({ isNew: false, id: said.id })
    const search = { search: 'when is the okapi fed?', kind: 'TIP', tag, ...where }
    const { knowledge, ...page } = await use(mcp, 'search_knowledge', search)
    expect(page).toMatchObject({ totalCount: 1, hasNextPage: false })
    expect(knowledge).toMatchObject([{ id: said.id, confidence: 1.9 / 2.9, score: expect.any(Number) as number }])
    expect(knowledge[0]?.text.length).toBeLessThanOrEqual(1_000)
    expect(await use(mcp, 'search_knowledge', { ...search, approved: true })).toMatchObject({ knowledge: [] })
    for (const id of [said.id, said.id.replace('Knowledge:', '')]) {
      expect(await use(mcp, 'get_knowledge', { knowledge: id })).toMatchObject({
        text: long,
        sources: [{ confidence: 0.9 }],
      })
    }
    const secret = { ...tip, text: `It is ghp_${'Zq7Xw2Rv9Tb4Ny6Mc1Kd8Hf3Jg5Lp0SaUeIo'}` }
    expect(await call(mcp, 'remember_knowledge', secret)).toMatchObject({
      ok: false,
      text: expect.stringContaining('GitHub token') as string,
    })
    const nobody = '01977e0c-6c1b-7c3e-9f3c-0b1a2c3d4e5f'
    expect(await call(mcp, 'get_knowledge', { knowledge: nobody })).toEqual({
      ok: false,
      text: `There is no piece of knowledge ${nobody}.`,
    })
  })

  it('says in its own words what is wrong, as errors of the tool', async () => {
    const mcp = await client()
    const nobody = '01977e0c-6c1b-7c3e-9f3c-0b1a2c3d4e5f'
    expect(await call(mcp, 'get_session', { session: nobody })).toEqual({
      ok: false,
      text: `There is no session ${nobody}.`,
    })
    expect(await call(mcp, 'start_session', { title: 'x', project: 'nowhere' })).toMatchObject({
      ok: false,
      text: expect.stringContaining('There is no project nowhere'),
    })
    expect(await call(mcp, 'watch_events', { session: nobody, first: 1_000 })).toMatchObject({ ok: false })
  })
})

describe('who may use it', () => {
  it('is nobody without a token over HTTP', async () => {
    await tutti.token(['VIEWER'])
    await expect(connect(overHttp())).rejects.toThrow(/401|Unauthorized|token/i)
    await expect(connect(overHttp('not-a-token'))).rejects.toThrow(/401|Unauthorized|token/i)
  })

  it('is held to the rights that they have', async () => {
    const viewer = await connect(overHttp(await tutti.token(['VIEWER'], PROJECT)))
    expect(await call(viewer, 'start_session', { title: 'Write', project: PROJECT })).toMatchObject({
      ok: false,
      text: expect.stringContaining('OPERATOR'),
    })
    expect((await use(viewer, 'list_sessions')).sessions).toBeInstanceOf(Array)
    const tip = { kind: 'TIP', title: 'x', text: 'y', project: PROJECT }
    expect(await call(viewer, 'remember_knowledge', tip)).toMatchObject({
      ok: false,
      text: expect.stringContaining('OPERATOR, AGENT'),
    })
    expect(await use(viewer, 'search_knowledge', { search: 'x', project: PROJECT })).toMatchObject({ knowledge: [] })
    const other = await connect(overHttp(await tutti.token(['OPERATOR'], 'other')))
    expect(await call(other, 'start_session', { title: 'Write', project: PROJECT })).toMatchObject({ ok: false })
    expect((await use(other, 'list_sessions')).sessions).toEqual([])
  })

  it('takes nothing that a page could send, nor what is too large', async () => {
    const authorization = `Bearer ${await tutti.token(['VIEWER'])}`
    const send = (headers: Record<string, string>, body: string): Promise<Response> =>
      fetch(`${tutti.url}/mcp`, { method: 'POST', headers: { authorization, ...headers }, body })
    expect((await send({ 'content-type': 'text/plain' }, '{}')).status).toBe(415)
    expect((await send({ 'content-type': 'application/json' }, 'x'.repeat(2_000_000))).status).toBe(413)
    const accept = 'application/json, text/event-stream'
    expect((await send({ 'content-type': 'application/json', accept }, 'nonsense')).status).toBe(400)
    expect((await fetch(`${tutti.url}/mcp`, { headers: { authorization } })).status).toBe(405)
  })

  it('is told by `tutti mcp` what a server elsewhere refuses', async () => {
    const [viewer, stranger] = [await tutti.token(['VIEWER']), 'not-a-token']
    const args = ['--server', tutti.url]
    const mcp = await connect(overStdio(args, { TUTTI_TOKEN: viewer }))
    expect((await use(mcp, 'list_agents')).nodes).toMatchObject([{ name: 'clerk' }])
    const unknown = await connect(overStdio(args, { TUTTI_TOKEN: stranger }))
    expect(await call(unknown, 'list_agents', {})).toMatchObject({
      ok: false,
      text: expect.stringContaining('TUTTI_TOKEN'),
    })
    expect(existsSync(join(folder, '.tutti'))).toBe(true)
  })

  it('may be those of a server that takes trusted documents alone', async () => {
    const strict = await openTutti({ mcpServer: true, trustedDocuments: {} })
    const mcp = await connect(new StreamableHTTPClientTransport(new URL(`${strict.url}/mcp`)))
    expect((await use(mcp, 'list_agents')).nodes).toMatchObject([{ name: 'clerk' }])
    await strict.close()
  })

  it('is nobody where it is not switched on', async () => {
    const closed = await openTutti()
    expect((await fetch(`${closed.url}/mcp`, { method: 'POST' })).status).toBe(405)
    await closed.close()
  })
})
