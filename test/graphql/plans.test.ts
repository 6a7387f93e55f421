import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Door, openDoor } from './door.ts'
import { type Orchestra, orchestra, part } from './orchestrate.ts'

let door: Door
let all: Orchestra
beforeAll(async () => {
  door = await openDoor()
  all = orchestra(door)
})
afterAll(() => door.close())

const review = { policy: { review: true } }
const PLANS = `status plan { version nodes { key title } } plans(first: 10) { totalCount nodes { version nodes { key } } }
  planDiff(from: 1, to: 2) { nodes { added removed changed { key fields } } groups { added } addedOutputs removedOutputs fields }`

describe('a plan under review', () => {
  it('begins once it is approved, in the version that was seen (E72, E103)', async () => {
    const session = await all.start([part('a'), part('b', { dependsOn: ['a'] }), part('c')], {
      ...review,
      pattern: 'HIERARCHICAL',
      aggregate: 'NONE',
    })
    const first = await all.asked(session)
    const edits = [
      { remove: { key: 'b' } },
      {
        replace: {
          key: 'a',
          title: 'Do a well',
          anyAgent: true,
          maxAttempts: 2,
          gates: [{ evidence: { minArtifacts: 1 } }],
        },
      },
      { add: part('d', { dependsOn: ['c'] }) },
    ]
    const edited = await all.act('editPlan', { sessionId: session, edits }, 'status planVersion: plan { version }')
    expect(edited).toMatchObject({ session: { status: 'AWAITING_APPROVAL', planVersion: { version: 2 } } })

    expect(await all.session(session, PLANS)).toMatchObject({
      plan: { version: 2, nodes: [{ key: 'a', title: 'Do a well' }, { key: 'c' }, { key: 'd' }] },
      plans: {
        totalCount: 2,
        nodes: [
          { version: 1, nodes: [{ key: 'a' }, { key: 'b' }, { key: 'c' }] },
          { version: 2, nodes: [{ key: 'a' }, { key: 'c' }, { key: 'd' }] },
        ],
      },
      planDiff: {
        nodes: { added: ['d'], removed: ['b'], changed: [{ key: 'a', fields: ['gates', 'retry', 'title'] }] },
      },
    })
    expect(await all.act('answerInterrupt', { id: first, choice: 'APPROVE' })).toMatchObject({
      __typename: 'ConflictError',
      message: 'the interrupt is VOID',
    })
    expect(await all.act('approvePlan', { sessionId: session, planVersion: 1 })).toMatchObject({
      __typename: 'ConflictError',
      message: 'Version 2 of the plan waits for approval, not 1.',
    })
    expect(await all.act('approvePlan', { sessionId: session, planVersion: 2 }, 'status')).toMatchObject({
      session: { status: 'RUNNING' },
    })
    expect(await door.house.end(session)).toMatchObject({ status: 'SUCCEEDED' })
    const interrupts = await all.session(
      session,
      'interrupts { nodes { kind status answeredBy } } planDiff(from: 1, to: 9) { fields }',
    )
    expect(interrupts).toEqual({
      interrupts: {
        nodes: [
          { kind: 'PLAN', status: 'VOID', answeredBy: null },
          { kind: 'PLAN', status: 'ANSWERED', answeredBy: 'local' },
        ],
      },
      planDiff: null,
    })
    const late = await all.act('editPlan', { sessionId: session, edits: [{ remove: { key: 'a' } }] })
    expect(late).toMatchObject({ __typename: 'ConflictError' })
    expect(await all.act('approvePlan', { sessionId: session, planVersion: 2 })).toMatchObject({
      __typename: 'ConflictError',
      message: 'No plan waits for approval: the session is SUCCEEDED.',
    })
  })

  it('is edited no more once it has as many versions as its session may have (E103)', async () => {
    const session = await all.start([part('a')], { ...review, limits: { planVersions: 2 } })
    const edit = (title: string) =>
      all.act('editPlan', { sessionId: session, edits: [{ replace: { key: 'a', title } }] }, 'limits { planVersions }')
    expect(await edit('one')).toMatchObject({ session: { limits: { planVersions: 2 } } })
    expect(await edit('two')).toMatchObject({
      __typename: 'LimitError',
      message: 'the plan has 2 versions, which is the limit of its session: approve the last one, or reject it',
    })
    expect(await all.tryStart([part('a')], { limits: { planVersions: 0 } })).toMatchObject({
      __typename: 'InvalidInputError',
      fields: [{ path: ['limits', 'planVersions'] }],
    })
    await all.act('answerInterrupt', { id: await all.asked(session), choice: 'REJECT' })
    expect(await door.house.end(session)).toMatchObject({ status: 'CANCELED' })
  })

  it('that is rejected ends its session before anything has begun', async () => {
    const session = await all.start([part('a')], review)
    await all.act('answerInterrupt', { id: await all.asked(session), choice: 'REJECT', text: 'too dear' })
    expect(await door.house.end(session)).toMatchObject({
      status: 'CANCELED',
      reason: 'the plan was rejected by local: too dear',
      executions: {},
    })
  })

  it('tells where an edit is wrong, and makes none of them', async () => {
    const session = await all.start([part('a'), part('b')], { ...review, pattern: 'PARALLEL' })
    const cases: [edit: object, path: string[]][] = [
      [{ remove: { key: 'x' } }, ['remove', 'key']],
      [{ replace: { key: 'x', title: 'y' } }, ['replace', 'key']],
      [{ replace: { key: 'a', gates: [{ files: { exist: ['../x'] } }] } }, ['replace', 'gates', '0', 'files', 'exist']],
      [{ replace: { key: 'a', title: '' } }, ['replace', 'title']],
      [{ replace: { key: 'a', agent: 'worker', anyAgent: true } }, ['replace', 'anyAgent']],
      [{ add: part('a') }, ['add', 'key']],
      [{ add: part('n', { gates: [{ schema: { schema: { type: 7 } } }] }) }, ['add', 'gates', '0', 'schema', 'schema']],
      [{ add: part('n', { dependsOn: ['x'] }) }, ['add', 'dependsOn']],
      [{ add: part('n', { session: { pattern: 'SEQUENTIAL', parts: [] } }) }, ['add', 'session', 'parts']],
    ]
    for (const [edit, path] of cases) {
      const answered = await all.act('editPlan', { sessionId: session, edits: [{ replace: { key: 'b' } }, edit] })
      expect(answered).toMatchObject({ __typename: 'InvalidInputError' })
      expect(answered.fields?.map((field) => field.path)).toContainEqual(['edits', '1', ...path])
    }
    expect(await all.act('editPlan', { sessionId: session, edits: [] })).toMatchObject({
      fields: [{ path: ['edits'] }],
    })
    const whole = await all.act('editPlan', {
      sessionId: session,
      edits: [{ remove: { key: 'a' } }, { remove: { key: 'b' } }],
    })
    expect(whole).toMatchObject({ fields: [{ path: ['edits'], message: 'nothing would be left to do' }] })
    const nobody = await all.act('editPlan', {
      sessionId: session,
      edits: [{ replace: { key: 'a', capabilities: ['brain-surgery'] } }],
    })
    expect(nobody).toMatchObject({ __typename: 'InvalidInputError' })
    expect(await all.session(session, 'plan { version }')).toEqual({ plan: { version: 1 } })
    await all.act('cancelSession', { id: session })
  })

  it('of a session that does not exist is not found', async () => {
    expect(await all.act('editPlan', { sessionId: 'Session:x', edits: [{ remove: { key: 'a' } }] })).toMatchObject({
      __typename: 'NotFoundError',
    })
    expect(await all.act('approvePlan', { sessionId: 'Session:x', planVersion: 1 })).toMatchObject({
      __typename: 'NotFoundError',
    })
  })
})

describe('a plan', () => {
  it('shows all that was said of its nodes and groups', async () => {
    const nested = { pattern: 'SEQUENTIAL', parts: [part('inner')], slice: { executions: 3 } }
    const data = await door.data(
      `query ($input: StartOrchestrationInput!) { analyzeTask(input: $input) {
        ... on InvalidInputError { fields { path message } }
        ... on AnalyzeTaskSuccess {
          estimate { durationMs cost tokens criticalPath unknown }
          plan {
            groups { key onFailure quorum }
            nodes { key kind join votes fallback gates { kind settings } reserve { tokens cost } compensation { title capabilities } session { pattern keys settings } }
          }
        }
      } }`,
      {
        input: {
          project: door.house.projectId,
          pattern: 'PARALLEL',
          aggregate: 'VOTE',
          votes: 1,
          onFailure: 'QUORUM',
          quorum: 1,
          task: {
            title: 'x',
            subTasks: [
              part('a', {
                gates: [{ person: { question: 'ok?' } }, { command: { command: 'sleeper' } }],
                outputSchema: { type: 'object' },
                fallback: ['sleeper'],
                reserve: { tokens: 10, cost: 0.5 },
                compensation: { title: 'undo a', capabilities: ['anything'] },
              }),
              { key: 'c', title: 'a child', session: nested },
            ],
          },
        },
      },
    )
    expect(data).toMatchObject({
      analyzeTask: {
        estimate: { criticalPath: [expect.any(String), 'vote'] },
        plan: {
          groups: expect.arrayContaining([expect.objectContaining({ onFailure: 'QUORUM', quorum: 1 })]),
          nodes: [
            {
              key: 'a',
              kind: 'TASK',
              gates: [
                { kind: 'SCHEMA', settings: { schema: { type: 'object' } } },
                { kind: 'COMMAND', settings: { command: 'sleeper' } },
                { kind: 'PERSON', settings: { question: 'ok?' } },
              ],
              fallback: ['sleeper'],
              reserve: { tokens: 10, cost: 0.5 },
              compensation: { title: 'undo a', capabilities: ['anything'] },
            },
            { key: 'c', kind: 'SESSION', session: { pattern: 'SEQUENTIAL', keys: ['inner'] } },
            { kind: 'VOTE', join: 'ENOUGH', votes: 1 },
          ],
        },
      },
    })
  })

  it('is estimated from what its agents took before', async () => {
    const session = await all.start([part('a'), part('b')], { pattern: 'SEQUENTIAL' })
    await door.house.end(session)
    const { estimate } = (await all.session(session, 'estimate { durationMs criticalPath unknown }')) as never
    expect(estimate).toMatchObject({ criticalPath: ['a', 'b'], unknown: [] })
    const { durationMs } = estimate as { durationMs: number }
    expect(durationMs).toBeGreaterThan(0)
    expect(durationMs).toBeLessThan(60_000)
  })
})
