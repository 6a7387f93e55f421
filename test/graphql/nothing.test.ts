import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createAcpRuntime } from '../../src/runtimes/acp.ts'
import { scratch } from '../servers/process.ts'
import { createRepository, type TestRepository } from '../workspaces/repository.ts'
import { type Door, openDoor } from './door.ts'
import { type Orchestra, orchestra, part } from './orchestrate.ts'

const FIXTURE = join(import.meta.dirname, '../fixtures/acp/agent.js')

/** Coding agents by what they do, which all say in the end that they are done. */
const AGENTS: Record<string, object[]> = {
  boaster: [{ say: 'All done, every test passes!' }],
  // Writes what is wanted once it is told that it did not, and shows what it was told.
  late: [
    { 'once rejected': [{ shell: 'echo hello > hello.txt' }, { prompt: true }] },
    { say: '\nAll done, every test passes!' },
  ],
}

let door: Door
let all: Orchestra
let repository: TestRepository
beforeAll(async () => {
  repository = createRepository(join(scratch('nothing'), 'repository'), { 'readme.md': 'read me' })
  const that = (steps: object[]) => ({
    argv: [process.execPath, FIXTURE, JSON.stringify({ steps })] as [string, string, string],
  })
  const definitions = Object.fromEntries(Object.entries(AGENTS).map(([name, steps]) => [name, that(steps)]))
  const runtime = createAcpRuntime({ definitions, environment: { PATH: process.env['PATH'] } })
  door = await openDoor({ inside: { runtime, workspace: repository.folder } })
  all = orchestra(door)
  for (const name of Object.keys(AGENTS)) await hire(name)
})
afterAll(() => door.close())

async function hire(name: string): Promise<void> {
  const agent = { project: door.house.projectId, name, type: 'CODEGEN', capabilities: [name] }
  const { registerAgent } = await door.data(
    'mutation ($input: RegisterAgentInput!) { registerAgent(input: $input) { __typename ... on Error { message } } }',
    { input: { ...agent, runtime: 'acp', runtimeConfig: { acp: name } } },
  )
  expect(registerAgent).toEqual({ __typename: 'RegisterAgentSuccess' })
}

/** Starts a session of one part that an agent does: as soon as the coordinator knows of the agent. */
async function start(name: string, more: object = {}): Promise<string> {
  let id = ''
  const tryStart = async () => {
    const { session, ...answered } = await all.tryStart([part('a', { capabilities: [name], ...more })])
    id = session?.id.replace('Session:', '') ?? ''
    return answered
  }
  const started = { __typename: 'StartOrchestrationSuccess' }
  await expect.poll(tryStart).toMatchObject(started)
  return id
}

const WHY =
  'it says that it is done, but no file in the workspace has changed, although that was its task; ' +
  'it said: All done, every test passes!'
const REJECTED = { gate: -1, kind: 'EVIDENCE', verdict: 'REJECT', text: WHY }
const FIELDS = `
  status reason
  verdicts(first: 20) { nodes { gate kind verdict text evidence attemptId } }
  events(first: 100) { nodes { type data } }
  executions { nodes {
    status error { class message } summary output evidence { kind } artifacts { nodes { name } }
    feedback { attempt gate text } attempts { id number status error { class } }
  } }`

interface Seen {
  verdicts: { nodes: { evidence: { checks?: object[] } }[] }
  events: { nodes: { type: string }[] }
  executions: { nodes: { attempts: { id: string }[]; output: { answer: string } }[] }
}

it('E114: an agent that says "done" and did nothing is rejected with that reason, and accepted once it has done it', async () => {
  const gates = [{ files: { exist: ['hello.txt'] } }]
  const id = await start('late', { gates })
  expect(await door.house.end(id)).toMatchObject({ status: 'SUCCEEDED' })
  const { executions, verdicts, events } = (await all.session(id, FIELDS)) as unknown as Seen
  const [execution] = executions.nodes
  expect(execution).toMatchObject({
    status: 'ACCEPTED',
    error: null,
    feedback: [{ attempt: 1, gate: 'EVIDENCE', text: WHY }],
    attempts: [
      { number: 1, status: 'OK', error: null },
      { number: 2, status: 'OK', error: null },
    ],
    output: { changed: [{ path: 'hello.txt', change: 'ADDED' }] },
  })
  // What the second attempt was told.
  expect(execution?.output.answer).toContain(WHY)
  expect(verdicts.nodes).toMatchObject([
    { ...REJECTED, attemptId: execution?.attempts[0]?.id },
    { gate: 0, kind: 'FILES', verdict: 'ACCEPT' },
    { kind: 'MERGE', verdict: 'ACCEPT' },
  ])
  // What was seen of the first one.
  expect(verdicts.nodes[0]?.evidence.checks).toMatchObject([
    { kind: 'TOOL_CALLS', detail: { count: 0 } },
    { kind: 'FILES', detail: { count: 0 } },
    { kind: 'STOP_REASON', passed: true },
  ])
  const told = events.nodes.filter(({ type }) => /^(VERDICT|ATTEMPT_E|EXECUTION_(READY|VAL))/.test(type))
  expect(told.slice(0, 5)).toMatchObject([
    { type: 'EXECUTION_READY' },
    { type: 'ATTEMPT_ENDED', data: { number: 1, status: 'OK' } },
    { type: 'EXECUTION_VALIDATING' },
    { type: 'VERDICT_GIVEN', data: { key: 'a', ...REJECTED } },
    { type: 'EXECUTION_READY', data: { rejected: WHY } },
  ])
  expect(repository.git('show', `tutti/${id}:hello.txt`)).toBe('hello\n')
})

it('E114: an agent that never does anything fails its part with that reason once it was rejected too often', async () => {
  const id = await start('boaster')
  const message = `rejected 4 times, at last by EVIDENCE: ${WHY}`
  expect(await door.house.end(id)).toMatchObject({ status: 'FAILED', reason: `a failed: ${message}` })
  const seen = await all.session(id, FIELDS)
  expect(seen).toMatchObject({
    verdicts: { nodes: [REJECTED, REJECTED, REJECTED, REJECTED] },
    executions: {
      nodes: [
        {
          status: 'FAILED',
          error: { class: 'REJECTED', message },
          summary: null,
          output: null,
          artifacts: { nodes: [] },
          feedback: [1, 2, 3, 4].map((attempt) => ({ attempt, gate: 'EVIDENCE', text: WHY })),
          attempts: [1, 2, 3, 4].map((number) => ({ number, status: 'OK', error: null })),
        },
      ],
    },
  })
})
