import { isInputObjectType } from 'graphql'
import { v4 } from 'uuid'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Role, ROLES } from '../../src/core/gate.ts'
import { builder } from '../../src/graphql/builder.ts'
import { schema } from '../../src/graphql/schema.ts'
import { type Door, openDoor } from './door.ts'
import { orchestra, part } from './orchestrate.ts'

/** Who may do what, beside ADMIN; ANY: every role may ask, and the thing itself decides. */
const NEEDS: Record<string, Role | 'ANY' | Role[]> = {
  answerInterrupt: 'ANY',
  approvePlan: 'ANY',
  archiveAgent: 'ADMIN',
  archiveProject: 'ADMIN',
  archiveTask: 'OPERATOR',
  cancelSession: 'OPERATOR',
  claimWork: 'AGENT',
  completeWork: 'AGENT',
  createProject: 'ADMIN',
  createTask: 'OPERATOR',
  createToken: 'ADMIN',
  editPlan: 'OPERATOR',
  failWork: 'AGENT',
  forgetKnowledge: 'APPROVER',
  forkSession: 'OPERATOR',
  heartbeat: 'AGENT',
  pauseSession: 'OPERATOR',
  registerAgent: 'ADMIN',
  rememberKnowledge: ['OPERATOR', 'AGENT'],
  reportActivity: 'AGENT',
  resumeSession: 'OPERATOR',
  retrySession: 'OPERATOR',
  reviewKnowledge: 'APPROVER',
  revokeToken: 'ADMIN',
  rollbackSession: 'OPERATOR',
  sendInput: 'OPERATOR',
  startOrchestration: 'OPERATOR',
  updateAgent: 'ADMIN',
  updateProject: 'ADMIN',
  updateTask: 'OPERATOR',
}
const CASES = Object.entries(NEEDS).flatMap(([mutation, needs]) =>
  ROLES.map((role) => [role, mutation, needs] as const),
)

let door: Door
let admin: Door
/** Of each kind of thing there is one. */
let ids: Record<'project' | 'task' | 'session' | 'plan' | 'agent' | 'interrupt' | 'token' | 'knowledge', string>
const secrets = new Map<Role, string>()

const dump = async (): Promise<string> => {
  const tables = [
    'Project',
    'Task',
    'Session',
    'Plan',
    'Execution',
    'Agent',
    'Interrupt',
    'Journal',
    'Knowledge',
  ] as const
  const rows = tables.map((table) => door.house.database.query(`SELECT t::text FROM "${table}" t ORDER BY 1`))
  const tokens = door.house.database.query('SELECT id, "revokedAt" FROM "Token" ORDER BY id')
  return JSON.stringify(await Promise.all([...rows, tokens]))
}

beforeAll(async () => {
  door = await openDoor()
  const { house } = door
  admin = door.as(await door.token(['ADMIN'], { name: 'root' }))
  for (const role of ROLES) secrets.set(role, await door.token([role]))
  const all = orchestra(admin)
  const session = await all.start([part('a', { gates: [{ person: { question: 'May it?' } }] })])
  const interrupt = await all.asked(session)
  const plan = await all.start([part('a')], { policy: { review: true } })
  await all.asked(plan)
  await all.hire('worker')
  const said = { project: house.projectId, kind: 'TIP', title: 'A tip', text: 'It helps.' }
  const { rememberKnowledge } = await admin.data(
    'mutation ($input: RememberKnowledgeInput!) { rememberKnowledge(input: $input) { ... on RememberKnowledgeSuccess { knowledge { id } } } }',
    { input: said },
  )
  const { knowledge } = rememberKnowledge as unknown as { knowledge: { id: string } }
  const { prisma } = house.database
  ids = {
    project: house.projectId,
    task: (await prisma.task.findFirstOrThrow()).id,
    session,
    plan,
    agent: (await prisma.agent.findFirstOrThrow({ where: { origin: 'API', projectId: { not: null } } })).id,
    interrupt,
    knowledge: knowledge.id,
    token: (await prisma.token.findFirstOrThrow({ where: { name: 'VIEWER' } })).id,
  }
})
afterAll(() => door.close())

/** Input that would be taken if the ids were known, and those who ask were somebody else. */
function inputOf(mutation: string, at: typeof ids): object {
  const inputs: Record<string, object> = {
    answerInterrupt: { id: at.interrupt, choice: 'APPROVE' },
    approvePlan: { sessionId: at.plan, planVersion: 1 },
    archiveAgent: { id: at.agent },
    archiveProject: { id: at.project },
    archiveTask: { id: at.task },
    cancelSession: { id: at.session },
    claimWork: { agent: at.agent, worker: 'mine' },
    completeWork: { attempt: at.session, fence: 1, summary: 'mine' },
    createProject: { name: 'mine', workspace: '/nowhere/at/all' },
    createTask: { project: at.project, title: 'mine' },
    createToken: { name: 'mine', roles: ['ADMIN'], project: at.project },
    editPlan: { sessionId: at.plan, edits: [{ replace: { key: 'a', title: 'mine' } }] },
    failWork: { attempt: at.session, fence: 1, message: 'mine' },
    forgetKnowledge: { id: at.knowledge },
    forkSession: { id: at.session },
    heartbeat: { attempt: at.session, fence: 1 },
    pauseSession: { id: at.session },
    registerAgent: {
      project: at.project,
      name: 'm',
      type: 'GENERAL',
      capabilities: [],
      runtime: 'command',
      runtimeConfig: {},
    },
    reportActivity: { attempt: at.session, fence: 1, activities: [{ text: 'mine' }] },
    rememberKnowledge: { project: at.project, kind: 'TIP', title: 'mine', text: 'mine' },
    resumeSession: { id: at.session },
    retrySession: { id: at.session },
    reviewKnowledge: { id: at.knowledge, decision: 'REJECT' },
    revokeToken: { id: at.token },
    rollbackSession: { id: at.session, checkpoint: 0 },
    sendInput: { sessionId: at.session, text: 'mine' },
    startOrchestration: { project: at.project, task: { title: 'mine' } },
    updateAgent: { id: at.agent, disabled: true },
    updateProject: { id: at.project, description: 'mine' },
    updateTask: { id: at.task, title: 'mine' },
  }
  return inputs[mutation] as object
}

async function act(who: Door, mutation: string, at: typeof ids): Promise<{ __typename: string; code?: string }> {
  const type = schema.getMutationType()?.getFields()[mutation]?.args[0]?.type
  const data = await who.data(
    `mutation ($input: ${String(type)}) { ${mutation}(input: $input) { __typename ... on Error { code message } } }`,
    { input: inputOf(mutation, at) },
  )
  return data[mutation] as { __typename: string }
}

describe('the schema', () => {
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]

  it('says of every field of a root who may ask for it', () => {
    const fields = roots.flatMap((root) => Object.values(root?.getFields() ?? {}))
    const silent = fields.filter(({ extensions }) => {
      const { authScopes } = extensions['pothosOptions'] as { authScopes?: unknown }
      return authScopes === undefined
    })
    expect(fields.length).toBeGreaterThan(40)
    expect(silent.map(({ name }) => name)).toEqual([])
  })

  it('has a line in this table for every mutation', () => {
    expect(Object.keys(NEEDS).toSorted()).toEqual(Object.keys(schema.getMutationType()?.getFields() ?? {}).toSorted())
    expect(Object.values(schema.getTypeMap()).filter(isInputObjectType).length).toBeGreaterThan(20)
  })

  it('cannot be built with one that does not, so that no server starts with it', () => {
    builder.queryField('naked', (t) => t.boolean({ description: 'Says not who may ask.', resolve: () => true }))
    expect(() => builder.toSchema()).toThrow('Query.naked does not say who may ask for it')
  })
})

describe('a role', () => {
  const isAllowed = (role: Role, needs: (typeof NEEDS)[string]): boolean =>
    needs === 'ANY' || role === 'ADMIN' || [needs].flat().includes(role)

  it.each(CASES.filter(([role, , needs]) => !isAllowed(role, needs)))(
    '%s may not %s: FORBIDDEN, and nothing changes',
    async (role, mutation) => {
      const before = await dump()
      const who = door.as(secrets.get(role) as string)
      expect(await act(who, mutation, ids)).toMatchObject({ __typename: 'ForbiddenError', code: 'FORBIDDEN' })
      expect(await dump()).toBe(before)
    },
  )

  it.each(CASES.filter(([role, , needs]) => isAllowed(role, needs)))('%s may %s', async (role, mutation) => {
    // Of nothing that there is, so that all of them find the same.
    const nothing = Object.fromEntries(Object.keys(ids).map((key) => [key, v4()])) as typeof ids
    const { __typename } = await act(door.as(secrets.get(role) as string), mutation, nothing)
    expect(['NotFoundError', 'InvalidInputError']).toContain(__typename)
  })

  it.each(['VIEWER', 'OPERATOR', 'AGENT'] as const)(
    '%s may not answer what asks an APPROVER, nor approve a plan',
    async (role) => {
      const before = await dump()
      const who = door.as(secrets.get(role) as string)
      for (const mutation of ['answerInterrupt', 'approvePlan']) {
        expect(await act(who, mutation, ids)).toMatchObject({ __typename: 'ForbiddenError', code: 'FORBIDDEN' })
      }
      expect(await dump()).toBe(before)
    },
  )

  it.each(ROLES)('%s may look, and sees tokens and the audit log as ADMIN alone', async (role) => {
    const who = door.as(secrets.get(role) as string)
    const { sessions } = await who.data('{ sessions { totalCount } viewer { name roles projects } }')
    expect(sessions).toEqual({ totalCount: 2 })
    const codes = ['tokens', 'auditLog'].map(async (field) => {
      const { data, errors } = await who.answer(`{ ${field} { totalCount } }`)
      return errors?.[0]?.extensions?.code ?? (data ? 'shown' : 'nothing')
    })
    const expected = role === 'ADMIN' ? 'shown' : 'FORBIDDEN'
    expect(await Promise.all(codes)).toEqual([expected, expected])
  })

  it('APPROVER may answer, and approve', async () => {
    const who = door.as(secrets.get('APPROVER') as string)
    expect(await act(who, 'answerInterrupt', ids)).toMatchObject({ __typename: 'AnswerInterruptSuccess' })
    expect(await act(who, 'approvePlan', ids)).toMatchObject({ __typename: 'ApprovePlanSuccess' })
    await door.house.end(ids.session)
    await door.house.end(ids.plan)
  })

  it('nobody has without having been given it: what is signed for no role may ask for nothing', async () => {
    const none = door.as(await door.token([]))
    expect(await none.data('{ viewer { roles } }')).toEqual({ viewer: { roles: [] } })
    const { errors } = await none.answer('{ sessions { totalCount } }')
    expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }])
  })
})
