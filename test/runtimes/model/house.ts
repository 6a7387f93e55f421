import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach } from 'vitest'
import type { Evidence, Outcome, Runtime, Work } from '../../../src/runtime.ts'
import { createModelRuntime } from '../../../src/runtimes/model.ts'
import type { ModelDefinitionInput } from '../../../src/runtimes/model/definition.ts'
import { makeWork } from '../../contracts/runtime.suite.ts'
import { type ModelRequest, type ModelStub, startModelStub, type Turn, type Turns } from '../../fixtures/model/stub.ts'

export const KEY = 'sk-very-secret-key'
export const environment = { PATH: process.env['PATH'], STUB_KEY: KEY, STUB_TENANT: 'tenant-7' }

/** A stub and what a test needs to have a model work with it. */
export interface House {
  stub: ModelStub
  /** Where workspaces and other files are. */
  folder: string
  /** A definition that leads to the stub. */
  base: ModelDefinitionInput
  /** A runtime with one model, that says these things. */
  runtimeOf(change?: Partial<ModelDefinitionInput>, turns?: Turns, limits?: object): Runtime
  workOf(change?: Partial<Work>): Work
  /** What was asked since the test began. */
  asked(): ModelRequest[]
}

/** For the tests of one file. */
export async function openHouse(): Promise<House> {
  const folder = mkdtempSync(join(tmpdir(), 'tutti-model-'))
  const stub = await startModelStub()
  const base: ModelDefinitionInput = { provider: 'openai-compatible', model: 'stub', baseURL: stub.baseURL }
  let before = 0
  beforeEach(() => {
    before = stub.requests.length
  })
  afterAll(async () => {
    await stub.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  return {
    stub,
    folder,
    base,
    runtimeOf(change = {}, turns, limits = {}) {
      if (turns) stub.say(turns)
      return createModelRuntime({ models: { it: { ...base, ...change } }, environment, limits })
    },
    workOf: (change = {}) => ({ ...makeWork(folder), runtimeConfig: { model: 'it' }, ...change }),
    asked: () => stub.requests.slice(before),
  }
}

export function agent(type: Work['agent']['type']): Pick<Work, 'agent'> {
  return { agent: { id: 'a', name: 'coder', type } }
}

export function evidenceOf(outcome: Outcome, kind: string): Evidence[] {
  return 'evidence' in outcome ? outcome.evidence.filter((one) => one.kind === kind) : []
}

/** A turn that calls a tool. */
export function call(name: string, input: object, text?: string): Turn & { text?: string } {
  return { calls: [{ name, arguments: input as never }], ...(text !== undefined && { text }) }
}
