import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { graphql } from '../../src/generated/gql/gql.ts'
import { type Door, openDoor } from './door.ts'

let door: Door
beforeAll(async () => {
  door = await openDoor()
})
afterAll(() => door.close())

const START = graphql(`
  mutation TestStart($input: StartOrchestrationInput!) {
    startOrchestration(input: $input) {
      __typename
      ... on StartOrchestrationSuccess {
        replayed
        session {
          id
          status
          pattern
        }
      }
      ... on InvalidInputError {
        fields {
          path
          message
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`)

const SESSION = graphql(`
  query TestSession($id: ID!) {
    session(id: $id) {
      id
      status
      seq
      reason
      output
      durationMs
      queuedMs
      limits {
        concurrency
        totalMs
      }
      project {
        name
      }
      task {
        title
        subTasks {
          key
          dependsOn {
            key
          }
        }
      }
      analysis {
        complexity
        pattern
        factors {
          name
          contribution
        }
      }
      plan {
        version
        pattern
        nodes {
          key
          timeouts {
            attemptMs
          }
        }
        edges {
          from
          to
          data
        }
        groups {
          key
        }
        criticalPath
      }
      executionCounts {
        status
        count
      }
      executions(first: 10) {
        totalCount
        nodes {
          id
          key
          status
          summary
          output
          agent {
            name
            running
          }
          selection {
            reasons
          }
          attempts {
            number
            status
            durationMs
          }
          input {
            upstream {
              key
              status
            }
          }
          activities {
            totalCount
            nodes {
              seq
              kind
              text
            }
          }
          artifacts {
            totalCount
          }
        }
      }
      events(first: 100) {
        totalCount
        nodes {
          seq
          type
        }
      }
      checkpoints {
        seq
        execution {
          key
        }
        acceptedIds
      }
      artifacts {
        totalCount
      }
    }
  }
`)

const subTask = (key: string, dependsOn: string[] = [], input: unknown = {}) => ({
  key,
  title: `Do ${key}`,
  capabilities: ['anything'],
  dependsOn,
  input,
})

const start = async (input: object) => {
  const task = { title: 'Two things', subTasks: [subTask('a'), subTask('b', ['a'])] }
  return (await door.ask(START, { input: { project: door.house.projectId, task, ...input } })).startOrchestration
}

/** The id of the session that was started; else the test fails with what was answered. */
async function started(input: object = {}): Promise<string> {
  const result = await start(input)
  if (result.__typename !== 'StartOrchestrationSuccess') throw new Error(JSON.stringify(result))
  return result.session.id
}

const uuidOf = (globalId: string): string => globalId.replace('Session:', '')

async function ended(input: object = {}) {
  const id = await started(input)
  await door.house.end(uuidOf(id))
  const { session } = await door.ask(SESSION, { id })
  if (!session) throw new Error('the session is gone')
  return session
}

describe('startOrchestration', () => {
  it('runs a task to its end, and everything of it can be asked for', async () => {
    const session = await ended({ limits: { concurrency: 2, attemptMs: 20_000 } })
    const [a, b] = session.executions.nodes
    expect(session).toMatchObject({
      status: 'SUCCEEDED',
      reason: null,
      project: { name: 'house' },
      task: {
        title: 'Two things',
        subTasks: [
          { key: 'a', dependsOn: [] },
          { key: 'b', dependsOn: [{ key: 'a' }] },
        ],
      },
      limits: { concurrency: 2, totalMs: 3_600_000 },
      plan: {
        version: 1,
        nodes: [{ key: 'a', timeouts: { attemptMs: 20_000 } }, { key: 'b' }],
        edges: [{ from: 'a', to: 'b', data: true }],
        criticalPath: ['a', 'b'],
      },
      executionCounts: [{ status: 'ACCEPTED', count: 2 }],
      executions: { totalCount: 2 },
      artifacts: { totalCount: 2 },
    })
    expect(session.plan.pattern).toBe(session.analysis.pattern)
    const points = session.analysis.factors.reduce((sum, { contribution }) => sum + contribution, 0)
    expect(points).toBeCloseTo(session.analysis.complexity, 1)
    expect(a).toMatchObject({
      key: 'a',
      status: 'ACCEPTED',
      agent: { name: 'worker', running: 0 },
      input: { upstream: [] },
    })
    expect(b).toMatchObject({
      key: 'b',
      summary: 'b is done',
      attempts: [{ number: 1, status: 'OK' }],
      input: { upstream: [{ key: 'a', status: 'ACCEPTED' }] },
      activities: { totalCount: 1, nodes: [{ seq: 1, kind: 'OUTPUT', text: 'working on b' }] },
      artifacts: { totalCount: 1 },
    })
    expect(a?.selection?.reasons.length).toBeGreaterThan(0)
    expect(session.events.totalCount).toBe(session.seq)
    expect(session.events.nodes.map(({ seq }) => seq)).toEqual(Array.from({ length: session.seq }, (_, n) => n + 1))
    expect(session.checkpoints).toMatchObject([
      { execution: { key: 'a' }, acceptedIds: [a?.id] },
      { execution: { key: 'b' }, acceptedIds: [a?.id, b?.id] },
    ])
    expect(session.output).toMatchObject({ key: 'b' })
  })

  it('takes a task that exists, and the same key and input once, however often and at once', async () => {
    const data = await door.data(
      'mutation ($project: ID!) { createTask(input: { project: $project, title: "do anything" }) { ... on CreateTaskSuccess { task { id } } } }',
      { project: door.house.projectId },
    )
    const { task } = data['createTask'] as { task: { id: string } }
    const input = { task: null, taskId: task.id, idempotencyKey: 'once' }
    const results = await Promise.all(Array.from({ length: 16 }, () => start(input)))
    const sessions = results.map((result) => (result.__typename === 'StartOrchestrationSuccess' ? result : undefined))
    expect(new Set(sessions.map((result) => result?.session.id)).size).toBe(1)
    expect(sessions.filter((result) => result?.replayed === false)).toHaveLength(1)
    expect(await start({ ...input, pattern: 'PIPELINE' })).toMatchObject({ __typename: 'ConflictError' })
    await door.house.end(uuidOf(sessions[0]?.session.id ?? ''))
  })

  it.each([
    ['neither a task nor an id of one', { task: null }, 'InvalidInputError'],
    ['both of them', { taskId: 'Task:x' }, 'InvalidInputError'],
    ['a task that does not exist', { task: null, taskId: 'Task:x' }, 'NotFoundError'],
    ['a project that does not exist', { project: 'Project:x' }, 'NotFoundError'],
    ['a limit out of range', { limits: { concurrency: 0 } }, 'InvalidInputError'],
    ['an empty key', { idempotencyKey: '' }, 'InvalidInputError'],
    ['parts that PARALLEL cannot have', { pattern: 'PARALLEL' }, 'InvalidInputError'],
    [
      'a skill that nobody has',
      { task: { title: 'x', subTasks: [{ ...subTask('a'), capabilities: ['brain-surgery'] }] } },
      'InvalidInputError',
    ],
  ])('is refused with %s', async (_what, input, outcome) => {
    const sessions = () => door.house.database.prisma.session.count()
    const before = await sessions()
    const result = await start(input)
    expect(result.__typename).toBe(outcome)
    expect('fields' in result ? result.fields : ['no fields']).not.toEqual([])
    expect(await sessions()).toBe(before)
  })
})

describe('analyzeTask', () => {
  it('says what startOrchestration would do, and does nothing', async () => {
    const count = async () => [
      await door.house.database.prisma.session.count(),
      await door.house.database.prisma.task.count(),
    ]
    const before = await count()
    const task = { title: 'x', subTasks: [subTask('a'), subTask('b', ['a']), subTask('c')] }
    const data = await door.data(
      `query ($input: StartOrchestrationInput!) {
        analyzeTask(input: $input) {
          ... on AnalyzeTaskSuccess {
            decomposition analysis { complexity } plan { version criticalPath edges { from to } } selections { key agent { name } reasons }
          }
        }
      }`,
      { input: { project: door.house.projectId, task, pattern: 'HIERARCHICAL', aggregate: 'NONE' } },
    )
    expect(data['analyzeTask']).toMatchObject({
      decomposition: 'CALLER',
      plan: { version: 0, criticalPath: ['a', 'b'], edges: [{ from: 'a', to: 'b' }] },
      selections: ['a', 'b', 'c'].map((key) => ({ key, agent: { name: 'worker' } })),
    })
    expect(await count()).toEqual(before)
  })

  it('refuses what startOrchestration would refuse', async () => {
    const data = await door.data(
      'query ($input: StartOrchestrationInput!) { analyzeTask(input: $input) { __typename } }',
      { input: { project: 'Project:x', task: { title: 'x' } } },
    )
    expect(data).toEqual({ analyzeTask: { __typename: 'NotFoundError' } })
  })
})

describe('cancelSession', () => {
  const cancel = async (id: string, reason?: string) => {
    const data = await door.data(
      `mutation ($input: CancelSessionInput!) {
        cancelSession(input: $input) { __typename ... on CancelSessionSuccess { session { status stopping reason } } ... on Error { code } }
      }`,
      { input: { id, reason } },
    )
    return data['cancelSession']
  }

  it('stops what runs, says why, and twice is once', async () => {
    const id = await started({ task: { title: 'x', subTasks: [subTask('a', [], { sleepMs: 60_000 })] } })
    await door.house.until(uuidOf(id), ({ executions }) => executions['a']?.status === 'RUNNING')
    // At once: a second one that comes later may find the session CANCELED, which is for good.
    const why = 'changed my mind'
    for (const answer of await Promise.all([cancel(id, why), cancel(id, why)])) {
      const session = { status: expect.stringMatching(/^CANCEL(ING|ED)$/), stopping: why }
      expect(answer).toMatchObject({ __typename: 'CancelSessionSuccess', session })
    }
    expect(await door.house.end(uuidOf(id))).toMatchObject({ status: 'CANCELED', reason: why })
    expect(await cancel(id)).toEqual({ __typename: 'ConflictError', code: 'CONFLICT' })
  })

  it('of what does not exist is refused', async () => {
    expect(await cancel('Session:x')).toEqual({ __typename: 'NotFoundError', code: 'NOT_FOUND' })
  })
})

describe('retrySession', () => {
  const retry = async (id: string, idempotencyKey?: string) => {
    const data = await door.data(
      `mutation ($input: RetrySessionInput!) {
        retrySession(input: $input) {
          __typename
          ... on RetrySessionSuccess {
            replayed
            session { id retryOf { id retries { id } } executions { nodes { key status carriedFrom { session { id } } } } }
          }
        }
      }`,
      { input: { id, idempotencyKey } },
    )
    return data['retrySession'] as { replayed: boolean; session: { id: string } }
  }

  it('goes on from what was accepted, once per key', async () => {
    const failing = { ...subTask('b', ['a'], { failTimes: 1 }), maxAttempts: 1 }
    const failed = await ended({ task: { title: 'x', subTasks: [subTask('a'), failing] } })
    expect(failed).toMatchObject({ status: 'FAILED', reason: expect.stringMatching(/^b failed/) })
    const again = await retry(failed.id, 'again')
    expect(again).toMatchObject({
      replayed: false,
      session: { retryOf: { id: failed.id, retries: [{ id: again.session.id }] } },
    })
    expect(await retry(failed.id, 'again')).toMatchObject({ replayed: true, session: { id: again.session.id } })
    await door.house.end(uuidOf(again.session.id))
    const data = await door.data(
      `query ($id: ID!) { session(id: $id) { executions { nodes { key status carriedFrom { session { id } } cause { key } } } } }`,
      { id: again.session.id },
    )
    expect(data).toMatchObject({
      session: {
        executions: {
          nodes: [{ key: 'a', status: 'ACCEPTED', carriedFrom: { session: { id: failed.id } } }, { key: 'b' }],
        },
      },
    })
  })

  it('of a session that runs, that succeeded or that does not exist is refused', async () => {
    const running = await started({ task: { title: 'x', subTasks: [subTask('a', [], { sleepMs: 60_000 })] } })
    expect(await retry(running)).toEqual({ __typename: 'ConflictError' })
    await door.house.coordinator.cancel(uuidOf(running), 'enough')
    await door.house.end(uuidOf(running))
    expect(await retry((await ended()).id)).toEqual({ __typename: 'ConflictError' })
    expect(await retry('Session:x')).toEqual({ __typename: 'NotFoundError' })
  })
})
