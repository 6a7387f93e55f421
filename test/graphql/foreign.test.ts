import { getNamedType, type GraphQLInputType, isInputObjectType } from 'graphql'
import { v4, v7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { schema } from '../../src/graphql/schema.ts'
import { createToken } from '../../src/store/token.ts'
import { type Door, openDoor } from './door.ts'
import { orchestra, part } from './orchestrate.ts'

type Kind =
  'Project' | 'Task' | 'Session' | 'Execution' | 'Attempt' | 'Artifact' | 'Interrupt' | 'Agent' | 'Token' | 'Knowledge'

let door: Door
/** ADMIN of a project that has nothing in it. */
let other: Door
/** What there is in the house's project. */
const there = {} as Record<Kind, string>
let own: string
const TABLES = [
  'Project',
  'Task',
  'Session',
  'Plan',
  'Execution',
  'Agent',
  'Interrupt',
  'Journal',
  'IdempotencyKey',
  'Knowledge',
  'KnowledgeSource',
]

beforeAll(async () => {
  door = await openDoor()
  const { prisma, query } = door.house.database
  const admin = door.as(await door.token(['ADMIN'], { name: 'root' }))
  const all = orchestra(admin)
  const done = await all.start([part('a', { input: { files: { 'report.txt': 'secret' } } })])
  await door.house.end(done)
  const waiting = await all.start([part('a', { gates: [{ person: { question: 'May it?' } }] })], {
    idempotencyKey: 'theirs',
  })
  there.Interrupt = await all.asked(waiting)
  await all.hire('worker')
  there.Project = door.house.projectId
  there.Session = waiting
  there.Task = (await prisma.task.findFirstOrThrow()).id
  there.Execution = (await prisma.execution.findFirstOrThrow({ where: { sessionId: done } })).id
  there.Attempt = (await prisma.attempt.findFirstOrThrow({ where: { sessionId: done } })).id
  there.Artifact = (await prisma.artifact.findFirstOrThrow({ where: { sessionId: done } })).id
  there.Agent = (await prisma.agent.findFirstOrThrow({ where: { projectId: { not: null } } })).id
  const grant = { name: 'theirs', roles: ['VIEWER'], projectId: there.Project, createdBy: 'test' } as const
  there.Token = (await createToken(query, v7(), grant)).id
  const said = { project: there.Project, kind: 'TIP', title: 'Theirs', text: 'It is theirs.' }
  const { rememberKnowledge } = await admin.data(
    'mutation ($input: RememberKnowledgeInput!) { rememberKnowledge(input: $input) { ... on RememberKnowledgeSuccess { knowledge { id } } } }',
    { input: said },
  )
  const { knowledge } = rememberKnowledge as unknown as { knowledge: { id: string } }
  there.Knowledge = knowledge.id.replace('Knowledge:', '')
  own = v7()
  await prisma.project.create({ data: { id: own, name: 'other', workspace: '/tmp' } })
  other = door.as(await door.token(['ADMIN'], { name: 'stranger', projectId: own }))
})
afterAll(() => door.close())

/** Everything that takes the id of something, with the kind of thing; $id stands for the id. */
const ASKED: readonly [kind: Kind, operation: string][] = [
  ...(
    [
      'Project',
      'Task',
      'Session',
      'Execution',
      'Attempt',
      'Artifact',
      'Interrupt',
      'Agent',
      'Token',
      'Knowledge',
    ] as const
  ).flatMap((kind): [Kind, string][] => [
    [kind, 'query ($id: ID!) { node(id: $id) { __typename id } }'],
    [kind, 'query ($id: ID!) { nodes(ids: [$id, $id]) { __typename id } }'],
  ]),
  ['Project', 'query ($id: ID!) { project(id: $id) { name } }'],
  ['Project', 'query ($id: ID!) { tasks(filter: { project: $id }) { totalCount nodes { id } } }'],
  ['Project', 'query ($id: ID!) { sessions(filter: { project: $id }) { totalCount nodes { id } } }'],
  ['Project', 'query ($id: ID!) { executions(filter: { project: $id }) { totalCount nodes { id } } }'],
  ['Project', 'query ($id: ID!) { artifacts(filter: { project: $id }) { totalCount nodes { id } } }'],
  ['Project', 'query ($id: ID!) { agents(filter: { project: $id, runtime: "command" }) { totalCount } }'],
  ['Project', 'query ($id: ID!) { interrupts(filter: { project: $id }) { totalCount nodes { id } } }'],
  ['Project', 'query ($id: ID!) { events(filter: { project: $id }) { totalCount nodes { type } } }'],
  ['Project', 'query ($id: ID!) { knowledge(filter: { project: $id }) { totalCount nodes { id } } }'],
  ['Project', 'query ($id: ID!) { knowledge(search: "theirs", filter: { project: $id }) { totalCount nodes { id } } }'],
  ['Session', 'query ($id: ID!) { knowledge(filter: { session: $id }) { totalCount nodes { id } } }'],
  ['Session', 'query ($id: ID!) { knowledge(search: "theirs", filter: { session: $id }) { totalCount nodes { id } } }'],
  ['Session', 'query ($id: ID!) { events(filter: { session: $id }) { totalCount nodes { type } } }'],
  ['Project', 'query ($id: ID!) { tokens(filter: { project: $id }) { totalCount nodes { id } } }'],
  ['Project', 'query ($id: ID!) { auditLog(filter: { project: $id }) { totalCount nodes { id } } }'],
  [
    'Project',
    'query ($id: ID!) { metrics(project: $id, since: "2020-01-01T00:00:00Z", until: "2099-01-01T00:00:00Z") { sessions { count } successRate agents { name } patterns { sessions } } }',
  ],
  [
    'Project',
    'query ($id: ID!) { analyzeTask(input: { project: $id, task: { title: "x" } }) { __typename ... on Error { message } } }',
  ],
  ['Task', 'query ($id: ID!) { sessions(filter: { task: $id }) { totalCount nodes { id } } }'],
  ['Session', 'query ($id: ID!) { session(id: $id) { status } }'],
  ['Session', 'query ($id: ID!) { compareSessions(a: $id, b: $id) { same } }'],
  ['Session', 'query ($id: ID!) { executions(filter: { session: $id }) { totalCount nodes { id } } }'],
  ['Session', 'query ($id: ID!) { artifacts(filter: { session: $id }) { totalCount nodes { id } } }'],
  ['Session', 'query ($id: ID!) { interrupts(filter: { session: $id }) { totalCount nodes { id } } }'],
  ['Execution', 'query ($id: ID!) { artifacts(filter: { execution: $id }) { totalCount nodes { id } } }'],
  ['Agent', 'query ($id: ID!) { executions(filter: { agent: $id }) { totalCount nodes { id } } }'],
  ...(
    [
      ['Interrupt', 'answerInterrupt', 'id: $id, choice: APPROVE'],
      ['Session', 'approvePlan', 'sessionId: $id, planVersion: 1'],
      ['Agent', 'archiveAgent', 'id: $id'],
      ['Agent', 'claimWork', 'agent: $id, worker: "x"'],
      ['Attempt', 'completeWork', 'attempt: $id, fence: 1, summary: "x", output: 1'],
      ['Attempt', 'failWork', 'attempt: $id, fence: 1, message: "x"'],
      ['Attempt', 'heartbeat', 'attempt: $id, fence: 1'],
      ['Attempt', 'reportActivity', 'attempt: $id, fence: 1, activities: [{ text: "x" }]'],
      ['Project', 'archiveProject', 'id: $id'],
      ['Task', 'archiveTask', 'id: $id'],
      ['Session', 'cancelSession', 'id: $id'],
      ['Project', 'createTask', 'project: $id, title: "x"'],
      ['Project', 'createToken', 'project: $id, name: "x", roles: [ADMIN]'],
      ['Session', 'editPlan', 'sessionId: $id, edits: [{ remove: "a" }]'],
      ['Session', 'forkSession', 'id: $id'],
      ['Knowledge', 'forgetKnowledge', 'id: $id'],
      ['Session', 'pauseSession', 'id: $id'],
      [
        'Project',
        'registerAgent',
        'project: $id, name: "x", type: GENERAL, capabilities: [], runtime: "command", runtimeConfig: {command: "worker"}',
      ],
      ['Project', 'rememberKnowledge', 'project: $id, kind: TIP, title: "x", text: "x"'],
      ['Knowledge', 'reviewKnowledge', 'id: $id, decision: REJECT'],
      ['Session', 'resumeSession', 'id: $id'],
      ['Session', 'retrySession', 'id: $id'],
      ['Token', 'revokeToken', 'id: $id'],
      ['Session', 'rollbackSession', 'id: $id, checkpoint: 0'],
      ['Session', 'sendInput', 'sessionId: $id, text: "x"'],
      ['Project', 'startOrchestration', 'project: $id, task: { title: "x" }'],
      ['Agent', 'updateAgent', 'id: $id, disabled: true'],
      ['Project', 'updateProject', 'id: $id, description: "x"'],
      ['Task', 'updateTask', 'id: $id, title: "x"'],
    ] as const
  ).map(([kind, name, input]): [Kind, string] => [
    kind,
    `mutation ($id: ID!) { ${name}(input: { ${input} }) { __typename ... on Error { code message } } }`,
  ]),
  ['Execution', 'subscription ($id: ID!) { executionActivity(executionId: $id) { text } }'],
  ['Session', 'subscription ($id: ID!) { sessionActivity(sessionId: $id) { text } }'],
  ['Session', 'subscription ($id: ID!) { sessionEvents(sessionId: $id) { __typename } }'],
  ['Session', 'subscription ($id: ID!) { sessionUpdated(sessionId: $id) { status } }'],
  ['Session', 'subscription ($id: ID!) { interruptRaised(session: $id) { id } }'],
  ['Agent', 'subscription ($id: ID!) { workAvailable(agent: $id) { waiting } }'],
]

/** The whole answer, as it came. */
async function answerTo(query: string, id: string): Promise<string> {
  const accept = query.startsWith('subscription') ? 'text/event-stream' : 'application/graphql-response+json'
  const response = await other.post({ query, variables: { id } }, { accept })
  return `${response.status} ${await response.text()}`
}

describe('what belongs to another project', () => {
  it.each(ASKED)('%s: %s is answered byte for byte as what is not there', async (kind, query) => {
    const before = await dump()
    for (const name of [(id: string) => `${kind}:${id}`, (id: string) => id]) {
      const unknown = await answerTo(query, name(v4()))
      expect(await answerTo(query, name(there[kind]))).toBe(unknown)
      expect(unknown).not.toContain('Unexpected')
    }
    expect(await dump()).toBe(before)
  })

  it('has each operation that takes an id in that table', () => {
    const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]
    const taking = roots
      .flatMap((root) => Object.values(root?.getFields() ?? {}))
      .filter(({ args }) => args.some(({ type }) => takesId(type)))
    const missing = taking.filter(({ name }) => !ASKED.some(([, query]) => query.includes(` ${name}(`)))
    expect(missing.map(({ name }) => name)).toEqual([])
    expect(taking.length).toBeGreaterThan(30)
  })

  it('is in no list and no count, and no name finds it', async () => {
    const lists = ['projects', 'tasks', 'sessions', 'executions', 'artifacts', 'interrupts', 'tokens', 'knowledge']
    const counts = await other.data(`{ ${lists.map((list) => `${list} { totalCount nodes { id } }`).join(' ')}
      auditLog { nodes { viewer projectId } }
      events(filter: { since: "${new Date(Date.now() - 86_400_000).toISOString()}" }) { totalCount nodes { type } }
      agents { nodes { name project { id } } }
      project(name: "house") { id }
      health { sessionsRunning }
      metrics(since: "2020-01-01T00:00:00Z") { sessions { count } patterns { sessions } agents { name } groups(by: AGENT) { key } } }`)
    const { auditLog, agents, ...rest } = counts as Record<string, { nodes: Record<string, unknown>[] }>
    expect(rest).toEqual({
      ...Object.fromEntries(lists.map((list) => [list, { totalCount: 0, nodes: [] }])),
      projects: { totalCount: 1, nodes: [{ id: `Project:${own}` }] },
      tokens: { totalCount: 1, nodes: [{ id: expect.stringMatching(/^Token:/) }] },
      events: { totalCount: 0, nodes: [] },
      project: null,
      health: { sessionsRunning: 0 },
      metrics: { sessions: [], patterns: [], agents: [], groups: [] },
    })
    // Those that are offered to every project are there for everybody.
    expect(agents?.nodes.map(({ project }) => project)).toEqual([null, null])
    expect(auditLog?.nodes.every(({ projectId }) => projectId === `Project:${own}`)).toBe(true)
  })

  it('says nothing as a cursor, on the highest level or below', async () => {
    const cursor = (id: string): string => Buffer.from(`GPC:S:${id}`).toString('base64')
    const below =
      'query ($id: ID!, $after: String) { project(id: $id) { sessions(after: $after) { edges { cursor } } } }'
    const above = 'query ($after: String) { sessions(after: $after) { edges { cursor } pageInfo { hasPreviousPage } } }'
    const session = await door.house.database.prisma.session.findFirstOrThrow()
    // One of its own, so that there is something to page over.
    const task = v7()
    await door.house.database.query(`INSERT INTO "Task" (id, "projectId", title) VALUES ($1, $2, 'mine')`, [task, own])
    await door.house.database.query(
      `INSERT INTO "Session" SELECT * FROM jsonb_populate_record(NULL::"Session",
         (SELECT to_jsonb(s) || jsonb_build_object('id', $1::text, 'projectId', $2::text, 'taskId', $3::text, 'endedAt', now(), 'status', 'CANCELED')
          FROM "Session" s WHERE id = $4))`,
      [v7(), own, task, session.id],
    )
    for (const query of [above, below]) {
      const asked = async (id: string) => other.answer(query, { id: own, after: cursor(id) })
      expect(await asked(session.id)).toEqual(await asked(v4()))
      expect(JSON.stringify(await other.answer(query, { id: own }))).toContain('cursor')
    }
  })

  it('cannot be downloaded', async () => {
    const get = async (id: string): Promise<string> => {
      const authorization = `Bearer ${await door.token(['ADMIN'], { projectId: own })}`
      const response = await fetch(`${door.url}/artifacts/${id}`, { headers: { authorization } })
      return `${response.status} ${await response.text()}`
    }
    expect(await get(there.Artifact)).toBe(await get(v4()))
    const admin = { authorization: `Bearer ${await door.token(['VIEWER'])}` }
    expect((await fetch(`${door.url}/artifacts/${there.Artifact}`, { headers: admin })).status).toBe(200)
    expect((await fetch(`${door.url}/artifacts/${there.Artifact}`)).status).toBe(401)
  })

  it('is not heard of by whoever watches everything, neither of theirs nor of a project that is foreign', async () => {
    const client = other.socket()
    const heard = client.iterate({ query: 'subscription { interruptRaised { session { project { id } } } }' })
    const foreign = client.iterate({
      query: `subscription { interruptRaised(project: "Project:${there.Project}") { id } }`,
    })
    const first = Promise.race([heard.next(), foreign.next()])
    // Theirs is open already; what is its own comes, and nothing came before.
    const interrupt = v7()
    const mine = await door.house.database.prisma.session.findFirstOrThrow({ where: { projectId: own } })
    await door.house.database.query(
      `INSERT INTO "Interrupt" SELECT * FROM jsonb_populate_record(NULL::"Interrupt",
         (SELECT to_jsonb(i) || jsonb_build_object('id', $1::text, 'sessionId', $2::text, 'executionId', NULL) FROM "Interrupt" i WHERE id = $3))`,
      [interrupt, mine.id, there.Interrupt],
    )
    door.house.bus.ring('interrupts', 1)
    expect((await first).value).toMatchObject({
      data: { interruptRaised: { session: { project: { id: `Project:${own}` } } } },
    })
    await Promise.all([heard.return?.(), foreign.return?.()])
  })

  it('has idempotency keys of its own, so that those in use tell nothing', async () => {
    const input = { project: own, task: { title: 'mine' }, idempotencyKey: 'theirs' }
    const query =
      'mutation ($input: StartOrchestrationInput!) { startOrchestration(input: $input) { __typename ... on StartOrchestrationSuccess { replayed session { id } } ... on Error { message } } }'
    const [once, again] = [await other.data(query, { input }), await other.data(query, { input })]
    expect(once['startOrchestration']).toMatchObject({ __typename: 'StartOrchestrationSuccess', replayed: false })
    expect(again['startOrchestration']).toMatchObject({ replayed: true })
    const { session } = once['startOrchestration'] as { session: { id: string } }
    await door.house.coordinator.cancel(session.id.replace('Session:', ''), 'enough')
    await door.house.end(session.id.replace('Session:', ''))
  })
})

describe('what belongs to everybody', () => {
  it.each([
    ['createProject', '{ name: "x", workspace: "/tmp" }'],
    ['updateProject', '{ id: $id, workspace: "/etc" }'],
    ['updateProject', '{ id: $id, name: "house" }'],
    ['createToken', '{ name: "x", roles: [VIEWER] }'],
    ['registerAgent', '{ name: "x", type: GENERAL, capabilities: [], runtime: "command", runtimeConfig: {} }'],
  ])('%s %s is for those alone who may act in all projects', async (mutation, input) => {
    const used = input.includes('$id') ? '($id: ID!)' : ''
    const data = await other.data(`mutation ${used} { ${mutation}(input: ${input}) { __typename } }`, { id: own })
    expect(data[mutation]).toEqual({ __typename: 'ForbiddenError' })
  })

  it('an agent without a project is changed by none of some projects', async () => {
    const shared = await door.house.database.prisma.agent.findFirstOrThrow({ where: { projectId: null } })
    for (const mutation of ['updateAgent', 'archiveAgent']) {
      const data = await other.data(`mutation ($id: ID!) { ${mutation}(input: { id: $id }) { __typename } }`, {
        id: shared.id,
      })
      expect(data[mutation]).toEqual({ __typename: 'ForbiddenError' })
    }
    expect(await door.house.database.prisma.agent.findUnique({ where: { id: shared.id } })).toEqual(shared)
  })
})

async function dump(): Promise<string> {
  const rows = TABLES.map((table) => door.house.database.query(`SELECT t::text FROM "${table}" t ORDER BY 1`))
  return JSON.stringify(await Promise.all(rows))
}

function takesId(given: GraphQLInputType, seen = new Set<string>()): boolean {
  const type = getNamedType(given)
  if (!isInputObjectType(type)) return type.name === 'ID'
  if (seen.has(type.name)) return false
  seen.add(type.name)
  return Object.values(type.getFields()).some((field) => takesId(field.type, seen))
}
