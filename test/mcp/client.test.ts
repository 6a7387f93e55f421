import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { mcpDefinition, mcpSection } from '../../src/mcp/definition.ts'
import { type McpServers, openServers, reapServers } from '../../src/mcp/servers.ts'
import type { Failure } from '../../src/processes/failure.ts'
import { createSandbox, type Sandbox } from '../../src/processes/sandbox.ts'
import type { SandboxConfig } from '../../src/processes/sandbox/settings.ts'
import type { Work } from '../../src/runtime.ts'
import { expectNothingLeft, makeWork, processesOf } from '../contracts/runtime.suite.ts'
import { noSandbox } from '../processes/bubblewrap.ts'

const FIXTURE = join(import.meta.dirname, '../fixtures/mcp/server.js')
const KEY = 'the-key-of-the-server'
const environment = { PATH: process.env['PATH'], KEY, SECRET: 'of the server' }

const folder = mkdtempSync(join(tmpdir(), 'tutti-mcp-'))
const [open, locked] = [await listen({}), await listen({ MCP_KEY: KEY })]
afterAll(() => {
  for (const { child } of [open, locked]) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

/** Starts the fixture as a server over HTTP. */
async function listen(env: Record<string, string>): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, [FIXTURE, 'http'], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const [port] = (await once(child.stdout, 'data')) as [Buffer]
  return { child, url: `http://127.0.0.1:${String(port).trim()}/mcp` }
}

const program = (behaviour = 'stdio', change: object = {}): object => ({
  argv: [process.execPath, FIXTURE, behaviour],
  ...change,
})

interface Opened {
  work: Work
  servers: McpServers | Failure
  cancel(): void
}

async function openAll(definitions: Record<string, object>, sandbox?: Sandbox): Promise<Opened> {
  const work = makeWork(folder)
  const canceled = new AbortController()
  const limits = { lineBytes: 8_192, lines: 100, waitingBytes: 65_536, stdoutBytes: 8_192, killGraceMs: 2_000 }
  const parts = { servers: mcpSection.parse(definitions), environment, sandbox, limits }
  const servers = await openServers(Object.keys(definitions), parts, work, canceled.signal)
  return { work, servers, cancel: () => canceled.abort() }
}

/** Those of servers that could be opened. */
async function opened(
  definitions: Record<string, object>,
  sandbox?: Sandbox,
): Promise<Opened & { servers: McpServers }> {
  const { servers, ...rest } = await openAll(definitions, sandbox)
  if ('class' in servers) throw new Error(servers.message)
  return { servers, ...rest }
}

async function refused(definition: object): Promise<Failure> {
  const { work, servers } = await openAll({ it: definition })
  expectNothingLeft(work, [])
  expect(existsSync(`${work.outputDir}.mcp.process.json`)).toBe(false)
  if (!('class' in servers)) throw new Error('it was opened')
  return servers
}

function call({ tools }: McpServers, tool: string, input = {}, signal = new AbortController().signal) {
  const found = tools.find(({ origin }) => origin.tool === tool)
  if (!found) throw new Error(`there is no ${tool}`)
  return found.call(input, signal)
}

describe.each([
  ['a program', () => program()],
  ['a server over HTTP', () => ({ url: open.url })],
])('%s', (_, definition) => {
  it('tells its tools, with the schemas of their arguments', async () => {
    const { work, servers } = await opened({ it: definition() })
    expect(servers.tools.find(({ name }) => name === 'it__add')).toMatchObject({
      origin: { server: 'it', tool: 'add' },
      description: 'Adds two numbers.',
      schema: { type: 'object', required: ['a', 'b'], properties: { a: { type: 'number', description: 'the first' } } },
      approve: false,
    })
    const names = servers.tools.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(names.filter((name) => !/^[A-Za-z0-9_-]{1,64}$/.test(name))).toEqual([])
    await servers.close()
    expectNothingLeft(work, [])
  })

  it('answers calls, and says what went wrong', async () => {
    const { servers } = await opened({ it: definition() })
    expect(await call(servers, 'add', { a: 1, b: 2 })).toEqual({ ok: true, text: '3' })
    expect(await call(servers, 'fail')).toEqual({ ok: false, text: 'the disk is full' })
    expect(await call(servers, 'add', { a: 'one' })).toMatchObject({ ok: false, text: expect.stringContaining('b') })
    expect(await call(servers, 'structured')).toEqual({ ok: true, text: '{"n":1}' })
    expect(await call(servers, 'picture')).toEqual({ ok: true, text: '(image image/png, 300 bytes, not shown)' })
    await servers.close()
  })

  it('is given up when it does not answer, and when its attempt is canceled', async () => {
    const { servers } = await opened({ it: { ...definition(), limits: { callMs: 200 } } })
    expect(await call(servers, 'hang')).toEqual({ ok: false, text: 'it did not answer in time' })
    expect(await call(servers, 'hang', {}, AbortSignal.abort())).toEqual({ ok: false, text: 'it was canceled' })
    expect(await call(servers, 'add', { a: 1, b: 2 })).toMatchObject({ ok: true })
    await servers.close()
  })

  it('tells no more than the limit', async () => {
    const { servers } = await opened({ it: { ...definition(), limits: { resultCharacters: 1_000 } } })
    const { ok, text } = await call(servers, 'flood')
    expect(ok).toBe(true)
    expect(text).toMatch(/^y+ … \(99\d{3} more characters\)$/)
    expect(text.length).toBeLessThanOrEqual(1_000)
    expect(await call(servers, 'too.large')).toMatchObject({ ok: false, text: expect.stringMatching(/4194304 bytes/) })
    await servers.close()
  })

  it('may be used as far as its tools are allowed', async () => {
    const { servers } = await opened({ it: { ...definition(), tools: ['add', 'fail'], approve: ['fail'] } })
    expect(servers.tools.map(({ name, approve }) => [name, approve])).toEqual([
      ['it__add', false],
      ['it__fail', true],
    ])
    await servers.close()
    const { class: errorClass, message } = await refused({ ...definition(), tools: ['multiply'] })
    expect(errorClass).toBe('VALIDATION')
    expect(message).toMatch(/no tool "multiply".*add, fail/)
  })

  it('may send what nobody asked for', async () => {
    const { servers } = await opened({ it: { ...definition(), limits: { callMs: 500, messageBytes: 100_000 } } })
    expect(await call(servers, 'notify')).toMatchObject({ ok: false })
    await servers.close()
  })
})

describe('a program', () => {
  it('works in the workspace, with an environment of its own', async () => {
    const { work, servers } = await opened({ it: program('stdio', { env: { STYLE: 'short' }, allowEnv: ['KEY'] }) })
    expect((await call(servers, 'place')).text).toBe(work.workspace)
    const variables = JSON.parse((await call(servers, 'variables')).text) as Record<string, string>
    expect(variables).toMatchObject({ STYLE: 'short', KEY, TUTTI_ATTEMPT_ID: work.attemptId })
    expect(variables).not.toHaveProperty('SECRET')
    await servers.close()
  })

  it('may print before it begins', async () => {
    const { servers } = await opened({ it: program('chatty') })
    expect(await call(servers, 'add', { a: 1, b: 2 })).toMatchObject({ ok: true })
    await servers.close()
  })

  it('that crashes is an error of this call and of those after it', async () => {
    const { work, servers } = await opened({ it: program() })
    const gone = { ok: false, text: 'it has ended (about to crash)' }
    expect(await call(servers, 'crash')).toEqual(gone)
    expect(await call(servers, 'add', { a: 1, b: 2 })).toEqual(gone)
    await servers.close()
    expectNothingLeft(work, [])
  })

  it.each([
    ['silent', /did not answer within 500 ms \(limits.connectMs\)/, { limits: { connectMs: 500 } }],
    ['deaf', /did not answer within 500 ms/, { limits: { connectMs: 500 } }],
    ['exit', /it has ended \(the license is missing\)/, {}],
    ['garbage', /no message of the protocol/, {}],
    ['endless line', /more than 4194304 bytes/, {}],
  ])('that is of no use is an error of class UNAVAILABLE: %s', async (behaviour, message, change) => {
    const failure = await refused(program(behaviour, change))
    expect(failure.class).toBe('UNAVAILABLE')
    expect(failure.message).toMatch(message)
  })

  it('that cannot be found is an error with what to do', async () => {
    expect(await refused({ argv: ['no-such-program'] })).toEqual({
      class: 'UNAVAILABLE',
      message:
        'MCP server "it": there is no executable no-such-program. Install it, or give its absolute path in argv[0].',
    })
  })

  it('ends with all that it has started', async () => {
    const { work, servers, cancel } = await opened({ one: program(), two: program() })
    await call(servers, 'daemon')
    const hanging = call(servers, 'hang')
    expect(processesOf(work)).toHaveLength(3)
    expect(existsSync(`${work.outputDir}.mcp.process.json`)).toBe(true)
    cancel()
    await servers.close()
    await hanging
    expectNothingLeft(work, [])
    expect(existsSync(`${work.outputDir}.mcp.process.json`)).toBe(false)
  })

  it('is ended by another server once its own is gone', async () => {
    const { work, servers } = await opened({ it: program() })
    await call(servers, 'daemon')
    await reapServers(work.outputDir, 2_000)
    expectNothingLeft(work, [])
    await servers.close()
  })

  it('is not left running by another one that cannot be used', async () => {
    const { work, servers } = await openAll({ good: program(), bad: program('exit') })
    expect(servers).toMatchObject({ class: 'UNAVAILABLE', message: expect.stringContaining('"bad"') })
    expectNothingLeft(work, [])
  })
})

describe.skipIf(noSandbox !== undefined)('a program in the sandbox', () => {
  it('sees what it is to see, answers, and ends with all that it has started', async () => {
    const hidden = join(folder, 'of-the-server')
    mkdirSync(hidden)
    // A clone below /tmp would be hidden, and with it the libraries of the fixture.
    const defaults: SandboxConfig = { mode: 'required', read: [join(import.meta.dirname, '../..')] }
    const sandbox = createSandbox({ environment, hidden: [hidden], defaults })
    const { work, servers } = await opened({ it: program(), reads: program('stdio', { tools: ['place'] }) }, sandbox)
    expect(await call(servers, 'add', { a: 1, b: 2 })).toEqual({ ok: true, text: '3' })
    expect((await call(servers, 'place')).text).toBe(work.workspace)
    expect((await call(servers, 'daemon')).ok).toBe(true)
    await servers.close()
    expectNothingLeft(work, [])
  })
})

describe('a server over HTTP', () => {
  it('is sent headers from the environment, which are told to nobody', async () => {
    const { servers } = await opened({ it: { url: locked.url, headersEnv: { 'x-key': 'KEY' } } })
    expect(await call(servers, 'add', { a: 1, b: 2 })).toMatchObject({ ok: true })
    await servers.close()
    expect((await refused({ url: locked.url })).class).toBe('AUTH')
    expect(await refused({ url: locked.url, headersEnv: { 'x-key': 'NOT_SET' } })).toEqual({
      class: 'AUTH',
      message: `MCP server "it": the server's environment has no NOT_SET, which headersEnv names. Set it.`,
    })
  })

  it('that is not there is an error of class UNAVAILABLE', async () => {
    const nobody = createServer().listen(0, '127.0.0.1')
    await once(nobody, 'listening')
    const { port } = nobody.address() as AddressInfo
    nobody.close()
    await once(nobody, 'close')
    const failure = await refused({ url: `http://127.0.0.1:${port}/mcp` })
    expect(failure).toMatchObject({ class: 'UNAVAILABLE', message: expect.stringMatching(/ECONNREFUSED/) })
  })
})

describe('a definition', () => {
  it.each([
    [{}, 'give either argv'],
    [{ argv: ['a'], url: 'http://a' }, 'give either argv'],
    [{ url: 'ftp://a' }, 'Invalid URL'],
    [{ url: 'http://a', env: { A: 'b' } }, 'are for a program'],
    [{ argv: ['a'], headersEnv: { a: 'A' } }, 'is for a server over HTTP'],
    [{ argv: ['a'], tools: ['b'], approve: ['c'] }, 'names tools that agents may use'],
  ])('is refused where it cannot be meant: %j', (definition, words) => {
    const { error } = mcpDefinition.safeParse(definition)
    expect(error?.issues.map(({ message }) => message).join()).toContain(words)
  })
})
