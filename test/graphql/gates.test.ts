import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { HouseOptions } from '../house.ts'
import { type Door, openDoor } from './door.ts'
import { type Orchestra, orchestra, part } from './orchestrate.ts'

/** Rejects what was tried once only. */
const JUDGE = `
const { input } = JSON.parse(require('fs').readFileSync(0, 'utf8'))
const isFirst = input.result.output.attempt === 1
const output = isFirst ? { verdict: 'REJECT', feedback: 'try harder' } : { verdict: 'ACCEPT' }
require('fs').writeFileSync(process.env.TUTTI_OUTPUT_DIR + '/result.json', JSON.stringify({ summary: 'judged', output }))`

let door: Door
let all: Orchestra
beforeAll(async () => {
  const commands: NonNullable<HouseOptions['commands']> = {
    judge: { argv: [process.execPath, '-e', JUDGE] },
    refuse: { argv: ['sh', '-c', 'echo this is bad; exit 1'] },
    pass: { argv: ['sh', '-c', 'echo fine'] },
  }
  door = await openDoor({ inside: { commands } })
  all = orchestra(door)
  for (const name of ['judge', 'refuse']) await all.hire(name)
})
afterAll(() => door.close())

const secondOnly = { schema: { schema: { type: 'object', properties: { attempt: { const: 2 } } } } }

describe('gates', () => {
  it('let a result pass once all of them accept it, and keep what they saw (E36, E39)', async () => {
    const gates = [
      { person: { question: 'ok?' } },
      { judge: { criteria: 'has to be the second one' } },
      { evidence: { minArtifacts: 1 } },
      { command: { command: 'pass' } },
    ]
    const session = await all.start([part('a', { gates })])
    await all.act('answerInterrupt', { id: await all.asked(session), choice: 'APPROVE', text: 'well done' })
    expect(await door.house.end(session)).toMatchObject({ status: 'SUCCEEDED' })
    const seen = await all.session(
      session,
      `verdicts(first: 3) { totalCount nodes { gate kind verdict text evidence execution { key } } pageInfo { hasNextPage endCursor } }
       executions { nodes { attempts { id } verdicts { kind verdict attemptId } feedback { attempt gate text } candidate { summary } output } }`,
    )
    expect(seen).toMatchObject({
      verdicts: {
        totalCount: 7,
        nodes: [
          { gate: 0, kind: 'COMMAND', verdict: 'ACCEPT', evidence: { command: 'pass' }, execution: { key: 'a' } },
          { gate: 1, kind: 'EVIDENCE', verdict: 'ACCEPT' },
          { gate: 2, kind: 'JUDGE', verdict: 'REJECT', text: 'try harder' },
        ],
        pageInfo: { hasNextPage: true },
      },
      executions: {
        nodes: [
          {
            feedback: [{ attempt: 1, gate: 'JUDGE', text: 'try harder' }],
            candidate: null,
            // The next attempt was handed the feedback (E40).
            output: { attempt: 2, feedback: [{ attempt: 1, gate: 'JUDGE', text: 'try harder' }] },
          },
        ],
      },
    })
    const [execution] = (seen as never as { executions: { nodes: [Record<string, { id: string }[]>] } }).executions
      .nodes
    expect(execution['verdicts']).toHaveLength(7)
    expect(execution['verdicts']?.[0]).toMatchObject({
      kind: 'PERSON',
      verdict: 'ACCEPT',
      attemptId: execution['attempts']?.[1]?.id,
    })
  })

  it('reject what does not fit, and hand the reason on (E40)', async () => {
    const session = await all.start([part('a', { gates: [secondOnly] })])
    expect(await door.house.end(session)).toMatchObject({ status: 'SUCCEEDED' })
    const { executions } = (await all.session(
      session,
      'executions { nodes { attempt feedback { gate text } output } }',
    )) as never
    expect(executions).toMatchObject({
      nodes: [{ attempt: 2, feedback: [{ gate: 'SCHEMA' }], output: { feedback: [{ attempt: 1, gate: 'SCHEMA' }] } }],
    })
  })

  it('give up what is rejected too often, and the next agent gets its turn (E27, E40)', async () => {
    const session = await all.start([
      part('a', { capabilities: ['refuse'], maxAttempts: 1, fallback: ['worker'], timeouts: { queueMs: 20_000 } }),
    ])
    expect(await door.house.end(session)).toMatchObject({ status: 'SUCCEEDED' })
    const { executions } = (await all.session(
      session,
      'executions { nodes { fallbacks agent { name } attempts { status agent { name } } } }',
    )) as never
    expect(executions).toMatchObject({
      nodes: [
        {
          fallbacks: 1,
          agent: { name: 'worker' },
          attempts: [
            { status: 'ERROR', agent: { name: 'refuse' } },
            { status: 'OK', agent: { name: 'worker' } },
          ],
        },
      ],
    })
    const rejected = await all.start([part('a', { gates: [{ command: { command: 'refuse' } }] })])
    await door.house.end(rejected)
    expect(
      await all.session(rejected, 'status executions { nodes { error { class } feedback { text } } }'),
    ).toMatchObject({
      status: 'FAILED',
      executions: { nodes: [{ error: { class: 'REJECTED' } }] },
    })
  })

  const leadsOut = { files: { changed: ['/etc/passwd'] } }
  const child = (parts: object[]) => ({ key: 'c', title: 'c', session: { pattern: 'SEQUENTIAL', parts } })
  it.each([
    [
      'a schema that is none',
      part('a', { gates: [secondOnly, { schema: { schema: 7 } }] }),
      ['gates', '1', 'schema', 'schema'],
    ],
    ['a path that leads out', part('a', { gates: [leadsOut] }), ['gates', '0', 'files', 'changed']],
    ['one that asks for nothing', part('a', { gates: [{ files: {} }] }), ['gates', '0', 'files']],
    [
      'a number out of range',
      part('a', { gates: [{ testReport: { minPassed: -1, maxFailed: 0 } }] }),
      ['gates', '0', 'testReport', 'minPassed'],
    ],
    [
      'a question that is none',
      part('a', { gates: [{ person: { question: ' ' } }] }),
      ['gates', '0', 'person', 'question'],
    ],
    ['too many of them', part('a', { gates: Array.from({ length: 21 }, () => secondOnly) }), ['gates']],
    ['an agent that falls back on itself', part('a', { agent: 'worker', fallback: ['worker'] }), ['fallback', '0']],
    ['nothing that could be skipped', part('a', { evenIfSkipped: true }), ['evenIfSkipped']],
    ['a compensation without a title', part('a', { compensation: { title: '' } }), ['compensation', 'title']],
    ['an amount of nothing', part('a', { reserve: { tokens: 0 } }), ['reserve', 'tokens']],
    ['an amount of less', part('a', { reserve: { cost: -1 } }), ['reserve', 'cost']],
    ['a child without parts', child([]), ['session', 'parts']],
    [
      'a gate of a child',
      child([part('a', { gates: [leadsOut] })]),
      ['session', 'parts', '0', 'gates', '0', 'files', 'changed'],
    ],
    ['a child that takes an agent', { ...child([part('a')]), agent: 'worker' }, ['agent']],
    [
      'children too deep',
      child([child([child([part('a')])])]),
      ['session', 'parts', '0', 'session', 'parts', '0', 'session'],
    ],
    ['a skill that nobody has', part('a', { capabilities: ['brain-surgery'] }), []],
    ['a command that is not there', part('a', { gates: [{ command: { command: 'nothing' } }] }), []],
  ])('with %s are refused where it is wrong', async (_what, wrong, path) => {
    const answered = await all.tryStart([part('z'), wrong], { pattern: 'HIERARCHICAL' })
    expect(answered).toMatchObject({ __typename: 'InvalidInputError', code: 'INVALID_INPUT' })
    expect(answered.fields?.map((field) => field.path)).toContainEqual(['task', 'subTasks', '1', ...path])
  })

  it('of a task are kept with it, and refused where they are wrong', async () => {
    const create = async (gates: object[]) => {
      const data = await door.data(
        `mutation ($input: CreateTaskInput!) { createTask(input: $input) { __typename
           ... on CreateTaskSuccess { task { id subTasks { key policy } } } ... on InvalidInputError { fields { path } } } }`,
        {
          input: { project: door.house.projectId, title: 't', subTasks: [part('a', { gates, fallback: ['sleeper'] })] },
        },
      )
      return data['createTask'] as { task: { id: string } }
    }
    const { task } = await create([secondOnly])
    expect(task).toMatchObject({
      subTasks: [{ policy: { fallback: ['sleeper'], gates: [{ kind: 'SCHEMA', schema: secondOnly.schema.schema }] } }],
    })
    expect(await create([leadsOut])).toMatchObject({
      __typename: 'InvalidInputError',
      fields: [{ path: ['subTasks', '0', 'gates', '0', 'files', 'changed'] }],
    })
    const session = await all.start([], { task: null, taskId: task.id })
    expect(await door.house.end(session)).toMatchObject({ executions: { a: { attempt: 2 } } })
  })

  it('are exactly one of their kinds', async () => {
    for (const gate of [{}, { command: { command: 'pass' }, files: { exist: ['a'] } }, { command: null }]) {
      const { errors } = await door.answer(
        'mutation ($input: StartOrchestrationInput!) { startOrchestration(input: $input) { __typename } }',
        { input: { project: 'x', task: { title: 't', subTasks: [part('a', { gates: [gate] })] } } },
      )
      expect(errors?.[0]?.extensions?.code ?? errors?.[0]?.message).not.toMatch(/INTERNAL|Unexpected/)
      expect(errors).toHaveLength(1)
    }
  })

  it('in sessions that lie deeper than any stack are refused, never a fault of the server', async () => {
    const query = 'mutation ($input: StartOrchestrationInput!) { startOrchestration(input: $input) { __typename } }'
    for (const depth of [50, 8_000]) {
      const open = '{"key":"a","title":"a","session":{"pattern":"SEQUENTIAL","parts":['.repeat(depth)
      const deep = `${open}${']}}'.repeat(depth)}`
      const response = await door.post(
        `{"query":${JSON.stringify(query)},"variables":{"input":{"project":"x","task":{"title":"t","subTasks":[${deep}]}}}}`,
      )
      const text = await response.text()
      expect(response.status).toBeLessThan(500)
      expect(text).not.toContain('INTERNAL_SERVER_ERROR')
      expect(text).toMatch(/InvalidInputError|BAD_USER_INPUT/)
    }
    const open = '{ key: "a", title: "a", session: { pattern: SEQUENTIAL, parts: ['.repeat(180)
    const literal = `mutation { startOrchestration(input: { project: "x", task: { title: "t", subTasks: [${open}${'] } }'.repeat(180)}] } }) { __typename } }`
    expect(await door.answer(literal)).toEqual(
      expect.objectContaining({ data: { startOrchestration: { __typename: 'InvalidInputError' } } }),
    )
    expect(door.logged.filter(({ msg }) => /unexpectedly/.test(String(msg)))).toEqual([])
  })
})
