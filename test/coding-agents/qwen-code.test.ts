import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Activity, Outcome, Work } from '../../src/runtime.ts'
import { createAcpRuntime } from '../../src/runtimes/acp.ts'
import { expectNothingLeft, makeWork, perform, processesOf } from '../contracts/runtime.suite.ts'
import { startModelStub } from '../fixtures/model/stub.ts'
import type { ModelStub, Turns } from '../fixtures/model/stub.ts'

const bin = join(import.meta.dirname, 'node_modules/.bin')
const isInstalled = existsSync(join(bin, 'qwen'))
if (!isInstalled) {
  const how = 'npm ci --prefix test/coding-agents --ignore-scripts'
  if (process.env['CI']) throw new Error(`In CI no coding agent may go untried: ${how}`)
  process.stderr.write(`\n!!! NOT TESTED: what needs a real coding agent is skipped. To test it: ${how}\n\n`)
}

const folder = mkdtempSync(join(tmpdir(), 'tutti-qwen-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Nothing but the model on loopback is talked to. */
const home = join(folder, 'home')
mkdirSync(join(home, '.qwen'), { recursive: true })
const settings = {
  telemetry: { enabled: false },
  privacy: { usageStatisticsEnabled: false },
  general: { enableAutoUpdate: false, disableAutoUpdate: true, disableUpdateNag: true },
  memory: { enableManagedAutoMemory: false },
}
writeFileSync(join(home, '.qwen/settings.json'), JSON.stringify(settings))

function attempt(model: ModelStub, permissions: Record<string, 'allow' | 'deny' | 'ask'>, type: Work['agent']['type']) {
  const work: Work = {
    ...makeWork(folder),
    agent: { id: 'a', name: 'qwen', type },
    title: 'Greet',
    description: 'Write hello.txt.',
    runtimeConfig: { acp: 'qwen' },
  }
  const args = [
    '--auth-type',
    'openai',
    '--openai-base-url',
    model.baseURL,
    '--openai-api-key',
    'none',
    '--model',
    'stub',
  ]
  const runtime = createAcpRuntime({
    definitions: {
      qwen: { preset: 'qwen-code', args, permissions, env: { NODE_COMPILE_CACHE: join(folder, 'cache') } },
    },
    environment: { PATH: `${bin}:${process.env['PATH']}`, HOME: home },
    limits: { cancelGraceMs: 3_000, killGraceMs: 2_000 },
  })
  return { work, runtime }
}

/** A model that wants one tool used on a file, and then says that all is well. */
async function modelThatWrites(workspace: () => string): Promise<ModelStub> {
  const turns: Turns = ({ body }) => {
    const isAnswered = body.messages.some(({ role }) => role === 'tool')
    if (isAnswered || !body.tools?.some(({ function: { name } }) => name === 'write_file')) return { text: 'All done.' }
    const call = { name: 'write_file', arguments: { file_path: join(workspace(), 'hello.txt'), content: 'hello\n' } }
    return { text: 'I write it.', calls: [call] }
  }
  return started(await startModelStub(turns))
}

function started(model: ModelStub): ModelStub {
  onTestFinished(() => model.stop())
  return model
}

async function write(edit: 'allow' | 'deny'): Promise<{ work: Work; outcome: Outcome; activities: Activity[] }> {
  let workspace = ''
  const model = await modelThatWrites(() => workspace)
  const { work, runtime } = attempt(model, { edit }, 'CODEGEN')
  workspace = work.workspace
  expect(await runtime.check(work.runtimeConfig)).toBeUndefined()
  const told = await perform(runtime, work)
  expectNothingLeft(work, [])
  return { work, ...told }
}

describe.runIf(isInstalled)('Qwen Code', () => {
  it('writes a file that it is allowed to write, and that is what its result says', async () => {
    const { work, outcome, activities } = await write('allow')
    expect(outcome).toMatchObject({
      kind: 'OK',
      summary: 'All done. · 1 file changed: hello.txt',
      output: { changed: [{ path: 'hello.txt', change: 'ADDED' }], agent: { name: 'qwen-code', version: '0.24.4' } },
      usage: { inputTokens: expect.any(Number), outputTokens: expect.any(Number) },
    })
    expect(readFileSync(join(work.workspace, 'hello.txt'), 'utf8')).toBe('hello\n')
    expect(activities.map(({ kind, text }) => `${kind} ${text}`)).toEqual(
      expect.arrayContaining([
        'MESSAGE I write it.',
        'ACTION edit: Writing to hello.txt (completed)',
        'MESSAGE All done.',
      ]),
    )
  })

  it('does not write a file that it is denied, whatever it says', async () => {
    const { work, outcome } = await write('deny')
    expect(outcome).toMatchObject({
      kind: 'ERROR',
      error: { class: 'AUTH', message: expect.stringContaining('Writing to hello.txt') },
    })
    expect(existsSync(join(work.workspace, 'hello.txt'))).toBe(false)
  })

  const waiting = async () => {
    const model = started(await startModelStub([{ hang: true, text: 'Let me think\n' }]))
    const { work, runtime } = attempt(model, {}, 'GENERAL')
    const controller = new AbortController()
    const told = perform(runtime, work, controller.signal)
    // It takes its time to start.
    await expect.poll(() => model.requests.length, { timeout: 90_000 }).toBeGreaterThan(0)
    return { work, told, controller }
  }

  it('ends with everything that it has started when it is canceled', async () => {
    const { work, told, controller } = await waiting()
    controller.abort()
    expect((await told).outcome.kind).toBe('CANCELED')
    expectNothingLeft(work, [])
  })

  it('is a crash when it is killed', async () => {
    const { work, told } = await waiting()
    // Those that one of them has started may go by themselves meanwhile.
    spawnSync('kill', ['-KILL', ...processesOf(work).map(String)])
    expect((await told).outcome).toMatchObject({
      kind: 'ERROR',
      error: { class: 'CRASH', message: expect.stringContaining('SIGKILL') },
    })
    expectNothingLeft(work, [])
  })
})
