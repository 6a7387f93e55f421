import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ProbeResult } from '../../src/cli/probe-result.ts'
import type { ConfigFile } from '../../src/configFile.ts'
import { work } from '../../worker/worker.js'
import { type Agents, openAgents } from '../fixtures/a2a/agents.ts'
import { textPart } from '../fixtures/a2a/parts.ts'
import { type ModelStub, startModelStub } from '../fixtures/model/stub.ts'
import { endOf, ENTRY, folderWith, start, tutti } from './tutti.ts'

const FIXTURE = join(import.meta.dirname, '../fixtures/acp/agent.js')
const acpAgent = (...steps: object[]): { argv: [string, ...string[]] } => ({
  argv: [process.execPath, FIXTURE, JSON.stringify({ steps })],
})

let home: string
let folder: string
let url: string
let stub: ModelStub
let remotes: Agents
const workers = new AbortController()
let worker: Promise<void>
beforeAll(async () => {
  ;[stub, remotes] = await Promise.all([startModelStub(), openAgents()])
  stub.say(({ body }) => {
    if (body.model === 'broken') return { status: 401, message: 'this key is not valid' }
    const call = { name: 'write', arguments: { path: 'hello.txt', content: 'Hello!\n' } }
    return body.messages.length === 2 ? { calls: [call] } : { text: 'Wrote hello.txt.' }
  })
  remotes.add('reader', ({ status }) => status('TASK_STATE_COMPLETED', textPart('It greets people.')))
  remotes.add('rejects', ({ status }) => status('TASK_STATE_REJECTED', textPart('not today')))
  const model = { provider: 'openai-compatible' as const, baseURL: stub.baseURL }
  const card = (name: string) => ({ card: remotes.card(name), allowPrivate: ['127.0.0.1'] })
  const config = {
    builtinAgents: false,
    models: { writes: { ...model, model: 'stub', tools: ['write'] }, broken: { ...model, model: 'broken' } },
    acp: {
      writes: acpAgent({ write: { path: 'hello.txt', content: 'Hello!\n' } }, { say: 'Wrote hello.txt.' }),
      idle: acpAgent({ say: 'All done!' }),
    },
    a2a: { reader: card('reader'), rejects: card('rejects') },
    agents: [
      { name: 'model', type: 'CODEGEN', model: 'writes' },
      { name: 'broken-model', model: 'broken' },
      { name: 'acp', type: 'CODEGEN', acp: 'writes' },
      { name: 'idle-acp', type: 'CODEGEN', acp: 'idle' },
      { name: 'a2a', type: 'REVIEW', a2a: 'reader' },
      { name: 'rejecting-a2a', a2a: 'rejects' },
      { name: 'pull', pull: true },
      { name: 'failing-pull', pull: true },
      { name: 'lonely-pull', pull: true },
    ],
  } satisfies ConfigFile
  home = folderWith({ 'tutti.config.json': JSON.stringify(config) })
  folder = join(home, 'work')
  mkdirSync(folder)
  const server = start(home, process.execPath, ['--liftoff-only', ENTRY, 'serve', '--port', '0'])
  await server.says(/Ctrl-C stops the server/)
  url = /listens at (\S+)/.exec(server.stdout())?.[1] ?? ''
  const { signal } = workers
  worker = Promise.all([
    work({ url, agent: 'pull', signal, perform: ({ title }) => ({ summary: `did ${title}`, output: { title } }) }),
    work({
      url,
      agent: 'failing-pull',
      signal,
      perform() {
        throw Object.assign(new Error('the tape is full'), { class: 'AGENT' })
      },
    }),
  ]).then(() => {})
})
afterAll(async () => {
  workers.abort()
  await Promise.allSettled([worker, stub.stop(), remotes.close()])
})

const tried = async (name: string, code: number): Promise<ProbeResult> => {
  const running = tutti(home, 'agents', 'test', name, '--in', folder, '--json', '--quiet')
  return JSON.parse((await endOf(running, code)).stdout) as ProbeResult
}

describe.concurrent('tutti agents test', () => {
  it('has a model work, and tells the tokens that it took', async () => {
    expect(await tried('model', 0)).toMatchObject({
      agent: { runtime: 'model', status: 'ONLINE' },
      works: true,
      summary: 'Wrote hello.txt.',
      usage: { inputTokens: 20, outputTokens: 10 },
      changes: [{ path: 'hello.txt', status: 'ADDED' }],
      notes: [],
    })
    expect(await tried('broken-model', 1)).toMatchObject({
      works: false,
      why: expect.stringContaining('this key is not valid'),
      next: expect.stringContaining('tutti.config.ts'),
    })
  })

  it('has a coding agent work, and does not believe what it says', async () => {
    expect(await tried('acp', 0)).toMatchObject({
      agent: { runtime: 'acp', status: 'ONLINE' },
      works: true,
      changes: [{ path: 'hello.txt', status: 'ADDED' }],
      notes: [],
    })
    expect(await tried('idle-acp', 1)).toMatchObject({
      works: false,
      why: expect.stringContaining('All done!'),
    })
  })

  it('has a remote agent work', async () => {
    expect(await tried('a2a', 0)).toMatchObject({
      agent: { runtime: 'a2a', status: 'ONLINE' },
      works: true,
      summary: 'It greets people.',
      changes: [],
    })
    expect(await tried('rejecting-a2a', 1)).toMatchObject({ works: false, why: expect.stringContaining('not today') })
  })

  it('has a worker work, and says so where none is there', async () => {
    expect(await tried('pull', 0)).toMatchObject({
      agent: { runtime: 'pull', status: 'ONLINE' },
      works: true,
      summary: 'did Read README.md',
      evidence: [{ kind: 'WORKER' }],
    })
    expect(await tried('failing-pull', 1)).toMatchObject({ works: false, why: 'the tape is full' })
    expect(await tried('lonely-pull', 1)).toMatchObject({
      agent: { status: 'OFFLINE' },
      works: false,
      why: expect.stringMatching(/No worker has asked for its work lately.*docs\/runtimes\/pull\.md/),
      session: null,
    })
  })
})
