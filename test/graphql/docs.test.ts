import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Kind, parse } from 'graphql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { schema } from '../../src/graphql/schema.ts'
import { type Door, openDoor } from './door.ts'
import { type Orchestra, orchestra } from './orchestrate.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/api.md'), 'utf8')
const examples = new Map(
  [...page.matchAll(/```graphql\n((?:query|mutation|subscription) (\w+).*?)```/gs)].map(([, text, name]) => [
    name,
    text,
  ]),
)

/** Lets in who can read the data directory, also when there are tokens. */
const KEY = 'key-of-the-house'

let door: Door
let all: Orchestra
const tried = new Set<string>()
beforeAll(async () => {
  door = await openDoor({ houseKey: KEY })
  all = orchestra(door)
})
afterAll(() => door.close())

/** All that an example answers. */
async function whole(name: string, variables: object = {}): Promise<Record<string, never>> {
  tried.add(name)
  const response = await door.post({ query: examples.get(name), variables }, { authorization: `Bearer ${KEY}` })
  const { data, errors } = (await response.json()) as { data: Record<string, never>; errors?: unknown[] }
  if (errors) throw new Error(JSON.stringify(errors))
  return data
}

/** What a subscription of the page sends until it completes. */
async function sent(name: string, variables: object): Promise<unknown[]> {
  tried.add(name)
  const items: unknown[] = []
  for await (const { data, errors } of door
    .socket()
    .iterate({ query: examples.get(name) ?? name, variables: { ...variables } })) {
    if (errors) throw new AggregateError(errors)
    items.push(Object.values(data ?? {})[0])
  }
  return items
}

/** What the one field of an example answers. */
async function example(name: string, variables: object = {}): Promise<never> {
  const [answered] = Object.values(await whole(name, variables))
  return answered as never
}

const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]
const operations = roots.flatMap((root) => Object.keys(root?.getFields() ?? {}))

describe('the page on the API', () => {
  it('names every operation, and none that is not there', () => {
    const [, table = ''] = /## Operations(.*?)##/s.exec(page) ?? []
    const named = [...table.matchAll(/`(\w+)`/g)].map(([, name]) => name)
    expect(named.toSorted()).toEqual(operations.toSorted())
  })

  it('has an example of every operation', () => {
    const shown = new Set<string>()
    for (const text of examples.values()) {
      for (const part of parse(text ?? '').definitions) {
        if (part.kind !== Kind.OPERATION_DEFINITION) continue
        for (const field of part.selectionSet.selections) if (field.kind === Kind.FIELD) shown.add(field.name.value)
      }
    }
    expect(operations.filter((name) => !shown.has(name))).toEqual([])
  })

  it('tells the story of a session with examples that work as they are printed', async () => {
    const started = await example('Start', { project: door.house.projectId })
    expect(started).toMatchObject({ session: { status: 'AWAITING_APPROVAL' } })
    const session = (started as { session: { id: string } }).session.id
    const uuid = session.replace('Session:', '')
    const raised = door.socket().iterate({ query: examples.get('Watch') ?? '', variables: { session } })
    tried.add('Watch')
    expect((await raised.next()).value?.data).toMatchObject({ interruptRaised: { kind: 'PLAN' } })
    expect(await example('Edit', { session })).toMatchObject({
      session: { plan: { version: 2 }, planDiff: { nodes: { added: ['check'] } } },
    })
    expect(await example('Approve', { session })).toMatchObject({ session: { status: 'RUNNING' } })

    const waiting = await door.house.until(uuid, ({ interrupts }) =>
      interrupts.some(({ kind, status }) => kind === 'APPROVAL' && status === 'OPEN'),
    )
    expect(waiting.executions['build']?.status).toBe('WAITING')
    const inbox = (await example('Inbox')) as { nodes: { id: string; shownHash: string; question: string }[] }
    expect(inbox).toMatchObject({
      totalCount: 1,
      nodes: [{ question: 'May this be released?', session: { id: session } }],
    })
    expect(await example('Pause', { session })).toMatchObject({ session: { status: 'PAUSED' } })
    expect(await example('Tell', { session })).toMatchObject({ session: { inputs: [{ by: 'local' }] } })
    const [{ id: interrupt, shownHash } = { id: '', shownHash: '' }] = inbox.nodes
    expect(await example('Answer', { interrupt, shownHash })).toMatchObject({ interrupt: { status: 'ANSWERED' } })
    expect(await example('Resume', { session })).toMatchObject({ session: { status: 'RUNNING' } })
    expect(await door.house.end(uuid)).toMatchObject({ status: 'SUCCEEDED' })
    await raised.return?.()

    const seen = (await example('Look', { session })) as { checkpoints: { seq: number }[] }
    expect(seen).toMatchObject({
      verdicts: { nodes: [{ kind: 'SCHEMA' }, { kind: 'EVIDENCE' }, { kind: 'PERSON', verdict: 'ACCEPT' }] },
      checkpoints: [{ execution: { key: 'build' } }, {}, {}, {}],
      children: { nodes: [{ status: 'SUCCEEDED' }] },
    })
    const checkpoint = seen.checkpoints[0]?.seq
    const retried = (await example('Retry', { session, checkpoint })) as { session: { id: string } }
    const forked = (await example('Fork', { session, checkpoint })) as { session: { id: string } }
    // What was approved was another plan.
    const approved = await all.act('approvePlan', { sessionId: forked.session.id, planVersion: 1 }, 'status')
    expect(approved).toMatchObject({ session: { status: 'RUNNING' } })
    for (const { session } of [retried, forked]) await door.house.end(session.id.replace('Session:', ''))
    expect(await example('Compare', { session, other: forked.session.id })).toMatchObject({ onlyInA: ['tell'] })

    const sleeping = await all.start([{ key: 'a', title: 'a', capabilities: ['anything'], input: { sleepMs: 60_000 } }])
    await door.house.until(sleeping, ({ executions }) => executions['a']?.status === 'RUNNING')
    expect(await example('RollBack', { session: sleeping })).toMatchObject({
      session: { status: expect.stringMatching(/^ROLL/) },
    })
    await door.house.end(sleeping)
  })

  it('tells of workers with examples that work as they are printed', async () => {
    const registered = await door.data(
      `mutation { registerAgent(input: { name: "reader", type: GENERAL, capabilities: [], runtime: "pull", runtimeConfig: {} }) {
        ... on RegisterAgentSuccess { agent { id } } } }`,
    )
    const {
      agent: { id: agent },
    } = registered['registerAgent'] as unknown as { agent: { id: string } }
    const watched = door.socket().iterate({ query: examples.get('WorkAvailable') ?? '', variables: { agent } })
    tried.add('WorkAvailable')
    expect((await watched.next()).value?.data).toEqual({ workAvailable: { waiting: 0 } })
    const claimed = example('Claim', { agent, key: 'claim-1' })
    let id = ''
    await expect
      .poll(async () => {
        const { session } = await all.tryStart([{ key: 'a', title: 'a', agent: 'reader' }])
        id = session?.id.replace('Session:', '') ?? ''
        return id
      })
      .not.toBe('')
    const { work } = (await claimed) as { work: object }
    expect(await whole('AtWork', { ...work })).toMatchObject({
      heartbeat: { canceled: false },
      reportActivity: { canceled: false },
    })
    expect(await example('Fail', { ...work })).toEqual({ replayed: false })
    const { work: again } = (await example('Claim', { agent, key: 'claim-2' })) as { work: object }
    expect(await example('Complete', { ...again })).toEqual({ replayed: false })
    expect(await door.house.end(id)).toMatchObject({ status: 'SUCCEEDED' })
    await watched.return?.()
  })

  it('tells of knowledge with examples that work as they are printed', async () => {
    const project = door.house.projectId
    const { knowledge } = (await example('Remember', { project })) as { knowledge: { id: string } }
    expect(await example('Remember', { project })).toMatchObject({ isNew: false, knowledge: { id: knowledge.id } })
    const reviewed = (await example('Review', { knowledge: knowledge.id })) as { knowledge: { id: string } }
    expect(reviewed).toMatchObject({ knowledge: { review: 'APPROVED', supersedes: { id: knowledge.id } } })
    expect(await example('Recall', { project })).toMatchObject({
      totalCount: 1,
      edges: [{ score: expect.any(Number) as number, node: { id: reviewed.knowledge.id, sources: [{ by: 'local' }] } }],
    })
    const forgottenId = reviewed.knowledge.id
    expect(await example('Forget', { knowledge: forgottenId })).toEqual({ forgottenId })
  })

  it('shows the rest with examples that work as they are printed', async () => {
    const { project } = (await example('SetUp', { workspace: door.house.dataDir })) as { project: { id: string } }
    const made = (await whole('Describe', { project: project.id })) as unknown as {
      createTask: { task: { id: string } }
      registerAgent: { agent: { id: string } }
    }
    const ids = { project: project.id, task: made.createTask.task.id, agent: made.registerAgent.agent.id }
    expect(await whole('Change', ids)).toMatchObject({
      updateProject: { project: {} },
      updateTask: { task: { priority: 9 } },
      updateAgent: { agent: { slots: 4 } },
    })
    expect(await example('Analyze', ids)).toMatchObject({ selections: [{ agent: { name: 'writer' } }] })

    const { session } = (await all.act('startOrchestration', { project: ids.project, taskId: ids.task })) as {
      session: { id: string }
    }
    const watched = await Promise.all([
      sent('Events', { session: session.id, after: 0 }),
      sent('State', { session: session.id }),
      sent('Shown', { session: session.id }),
    ])
    const { seq } = await door.house.end(session.id.replace('Session:', ''))
    expect(watched[0].slice(1)).toHaveLength(seq)
    expect(watched[1].at(-1)).toMatchObject({ status: 'SUCCEEDED' })
    expect(await example('Polled', { session: session.id })).toMatchObject({ seq, events: { nodes: { length: seq } } })

    const lists = await whole('Lists', { project: ids.project })
    expect(lists).toMatchObject({
      project: { id: ids.project },
      projects: { totalCount: 1 },
      tasks: { nodes: [{ priority: 9 }] },
      agents: { nodes: [{ name: 'writer' }] },
      sessions: { totalCount: 1, nodes: [{ id: session.id }] },
      executions: { nodes: [{}] },
      artifacts: { nodes: [{}] },
    })
    const [execution] = (lists['executions'] as unknown as { nodes: { id: string }[] }).nodes
    expect(watched[2]).toMatchObject([{ executionId: execution?.id }])
    expect(await sent('Output', { execution: execution?.id })).toMatchObject([{ seq: 1 }])
    expect(await whole('Again', { id: session.id, ids: [execution?.id, ids.agent] })).toMatchObject({
      node: { id: session.id, status: 'SUCCEEDED' },
      nodes: [{ id: execution?.id }, { id: ids.agent }],
    })
    expect(await whole('Figures', ids)).toMatchObject({
      metrics: { successRate: 1, groups: [{ executions: 1, successRate: 1 }] },
      health: { database: 'UP' },
    })
    expect(await example('Happened', ids)).toMatchObject({
      totalCount: 1,
      nodes: [{ sessionId: session.id, seq, type: 'SESSION_SUCCEEDED' }],
    })

    const sleeping = await all.start([{ key: 'a', title: 'a', capabilities: ['anything'], input: { sleepMs: 60_000 } }])
    expect(await example('Cancel', { session: sleeping })).toMatchObject({ session: { stopping: expect.any(String) } })
    await door.house.end(sleeping)
    expect(await whole('PutAway', ids)).toMatchObject({
      archiveTask: { task: {} },
      archiveAgent: { agent: {} },
      archiveProject: { project: { archivedAt: expect.any(String) } },
    })
    // From the first token on everybody needs one.
    const { token } = (await example('LetIn', ids)) as { token: { id: string } }
    expect(await example('LetOut', { token: token.id })).toMatchObject({ token: { revokedAt: expect.any(String) } })
    expect(await whole('Doors')).toMatchObject({
      tokens: { nodes: [{ name: 'dashboard' }] },
      auditLog: { nodes: [{ act: 'createToken' }] },
    })
  })

  it('shows no example that is not tried here', () => {
    expect([...tried].toSorted()).toEqual([...examples.keys()].toSorted())
  })
})
