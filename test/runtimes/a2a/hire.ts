import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import type { Work } from '../../../src/runtime.ts'
import { type A2aDefinition, createA2aRuntime } from '../../../src/runtimes/a2a.ts'
import { makeWork, perform } from '../../contracts/runtime.suite.ts'
import { type AgentOptions, openAgents, type Script } from '../../fixtures/a2a/agents.ts'

const LIMITS = { pollMs: 10, retryMs: 10, cancelMs: 2_000 }

/** Real agents on this machine, each with a runtime of its own that knows it as "it". They go with the tests. */
export async function openHiring() {
  const agents = await openAgents()
  const folder = mkdtempSync(join(tmpdir(), 'tutti-a2a-'))
  afterAll(async () => {
    await agents.close()
    rmSync(folder, { recursive: true, force: true })
  })
  let count = 0

  /** One agent that does this, and a runtime for it. */
  function hire(script: Script, options: AgentOptions = {}, definition: Partial<A2aDefinition> = {}, environment = {}) {
    count += 1
    const name = `agent-${count}`
    agents.add(name, script, options)
    const it = { card: agents.card(name), allowPrivate: ['127.0.0.1'], ...definition }
    const runtime = createA2aRuntime({ definitions: { it }, environment, limits: LIMITS })
    const work = (change: Partial<Work> = {}): Work => ({
      ...makeWork(folder),
      runtimeConfig: { a2a: 'it' },
      ...change,
    })
    return {
      runtime,
      work,
      run: (change: Partial<Work> = {}) => perform(runtime, work(change)),
      /** Methods that it was asked for. */
      asked: () => agents.asked.filter((line) => line.startsWith(`${name} `)).map((line) => line.split(' ')[1]),
    }
  }
  return { agents, folder, hire }
}

export type Hired = ReturnType<Awaited<ReturnType<typeof openHiring>>['hire']>
