import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pino from 'pino'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type App, createApp } from '../../../src/app.ts'
import { readConfig } from '../../../src/config.ts'
import { type ModelRequest, type ModelStub, startModelStub, textOf, type Turn } from '../../fixtures/model/stub.ts'
import { call } from './house.ts'

const folder = mkdtempSync(join(tmpdir(), 'tutti-model-server-'))
const workspace = join(folder, 'workspace')
let stub: ModelStub
let app: App

beforeAll(async () => {
  stub = await startModelStub(said)
  mkdirSync(workspace)
  writeFileSync(
    join(workspace, 'double.test.js'),
    `const test = require('node:test')
     test('doubles', () => require('node:assert').equal(require('./double.js')(21), 42))`,
  )
  const model = { provider: 'openai-compatible', baseURL: stub.baseURL, apiKeyEnv: 'MODEL_KEY' }
  writeFileSync(
    join(folder, 'tutti.config.json'),
    JSON.stringify({
      builtinAgents: false,
      commands: { tests: { argv: [process.execPath, '--test', 'double.test.js'], sandbox: { mode: 'off' } } },
      models: {
        coder: { ...model, model: 'coder', tools: ['read', 'write'], price: { input: 1, output: 2 } },
        judge: { ...model, model: 'judge' },
      },
      agents: [
        { name: 'coder', type: 'CODEGEN', capabilities: ['write-code'], model: 'coder' },
        { name: 'judge', type: 'REVIEW', capabilities: ['judge'], model: 'judge' },
      ],
    }),
  )
  const environment = {
    TUTTI_PORT: '0',
    TUTTI_DATA_DIR: join(folder, 'data'),
    MODEL_KEY: 'k',
    PATH: process.env['PATH'],
  }
  app = await createApp(await readConfig(environment, folder), pino({ level: 'silent' }))
})
afterAll(async () => {
  await app.close()
  await stub.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** Answers of the coder so far. */
let steps = 0

/** The coder boasts first. Once it is told that it has done nothing for good, its next attempt writes what is asked for. */
function said({ body }: ModelRequest): Turn {
  if (body.model === 'judge') {
    const isProven = body.messages.some((message) => textOf(message).includes('"FILES_CHANGED"'))
    return { text: JSON.stringify(isProven ? { verdict: 'ACCEPT' } : { verdict: 'REJECT', feedback: 'no proof' }) }
  }
  steps++
  if (steps <= 3) return { text: 'Done! All tests pass.' }
  if (steps > 4) return { text: 'Wrote double.js.' }
  return call('write', { path: 'double.js', content: 'module.exports = (x) => 2 * x\n' })
}

async function ask(query: string, variables: object = {}): Promise<Record<string, unknown>> {
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ query, variables })
  const response = await fetch(`${app.url}/graphql`, { method: 'POST', headers, body })
  const { data, errors } = (await response.json()) as { data: Record<string, unknown>; errors?: object[] }
  if (errors) throw new Error(JSON.stringify(errors))
  return data
}

it('a model that says "done" and did nothing is rejected; what it writes is accepted once its gates have seen it', async () => {
  const { createProject } = (await ask(
    `mutation ($input: CreateProjectInput!) { createProject(input: $input) { ... on CreateProjectSuccess { project { id } } } }`,
    { input: { name: 'p', workspace } },
  )) as never as { createProject: { project: { id: string } } }
  const gates = [{ command: { command: 'tests' } }, { judge: { criteria: 'The function is there.' } }]
  const subTask = { key: 'double', title: 'Write double.js', capabilities: ['write-code'], gates }
  const { startOrchestration } = (await ask(
    `mutation ($input: StartOrchestrationInput!) {
      startOrchestration(input: $input) { ... on StartOrchestrationSuccess { session { id } } ... on Error { message } }
    }`,
    {
      input: {
        project: createProject.project.id,
        task: { title: 'A function', subTasks: [subTask] },
        policy: { isolation: 'NONE' },
      },
    },
  )) as never as { startOrchestration: { session: { id: string } } }
  const query = `query ($id: ID!) { session(id: $id) {
    status
    verdicts(first: 10) { nodes { gate kind verdict text } }
    executions { nodes { attempts { status error { class message } usage { inputTokens outputTokens cost } } evidence { kind passed } summary } }
  } }`
  const look = async () => (await ask(query, { id: startOrchestration.session.id }))['session'] as { status: string }
  let session = await look()
  while (['QUEUED', 'ANALYZING', 'RUNNING'].includes(session.status)) {
    await delay(50)
    session = await look()
  }
  expect(session).toMatchObject({
    status: 'SUCCEEDED',
    verdicts: {
      nodes: [
        {
          gate: -1,
          kind: 'EVIDENCE',
          verdict: 'REJECT',
          text: 'it says that it is done, but it has changed no file of the workspace; it said: Done! All tests pass.',
        },
        { gate: 0, kind: 'COMMAND', verdict: 'ACCEPT' },
        { gate: 1, kind: 'JUDGE', verdict: 'ACCEPT' },
      ],
    },
    executions: {
      nodes: [
        {
          summary: 'Wrote double.js.',
          attempts: [
            {
              status: 'OK',
              error: null,
              usage: { inputTokens: 30, outputTokens: 15 },
            },
            { status: 'OK', error: null, usage: { inputTokens: 20, outputTokens: 10, cost: 0.00004 } },
          ],
          evidence: expect.arrayContaining([expect.objectContaining({ kind: 'FILES_CHANGED', passed: true })]),
        },
      ],
    },
  })
  expect(readFileSync(join(workspace, 'double.js'), 'utf8')).toBe('module.exports = (x) => 2 * x\n')
})
