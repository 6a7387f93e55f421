import { v4, v7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Door, openDoor } from './door.ts'

interface Piece {
  id: string
  title: string
  text: string
  review: string
  confidence: number
}
interface Page {
  totalCount: number
  edges: { cursor: string; score: number | null; node: Piece }[]
  nodes: Piece[]
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; endCursor: string | null }
}
interface Outcome {
  __typename: string
  isNew?: boolean
  knowledge: Piece
  message: string
  fields?: { path: string[]; message: string }[]
}

const FIELDS = `id kind title text tags review reviewedBy reviewReason reviewedAt confidence freshness confirmedAt expiresAt staleAt
  createdAt updatedAt project { id } supersededBy { id } supersedes { id text }
  sources { by reference confidence createdAt session { id } execution { id } agent { name } }`

let door: Door
let operator: Door
let approver: Door
let worker: Door
/** A project of their own for each group of tests. */
let project: string

beforeAll(async () => {
  door = await openDoor({ limits: { knowledgePerProject: 40 } })
  operator = door.as(await door.token(['OPERATOR'], { name: 'ada' }))
  approver = door.as(await door.token(['APPROVER'], { name: 'eve' }))
  worker = door.as(await door.token(['AGENT'], { name: 'worker-1' }))
  project = door.house.projectId
})
afterAll(() => door.close())

async function freshProject(): Promise<string> {
  const id = v7()
  await door.house.database.prisma.project.create({ data: { id, name: id, workspace: '/tmp' } })
  return id
}

async function act(who: Door, name: string, input: object): Promise<Outcome> {
  const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}`
  const success = name === 'forgetKnowledge' ? 'forgottenId' : `knowledge { ${FIELDS} }`
  const isNew = name === 'rememberKnowledge' ? 'isNew' : ''
  const data = await who.data(
    `mutation ($input: ${type}Input!) { ${name}(input: $input) { __typename ... on ${type}Success { ${isNew} ${success} }
      ... on Error { message } ... on InvalidInputError { fields { path message } } } }`,
    { input },
  )
  return data[name] as unknown as Outcome
}

const remember = (input: object, who = operator): Promise<Outcome> =>
  act(who, 'rememberKnowledge', { project, kind: 'TIP', title: 'A tip', ...input })
const review = (input: object, who = approver): Promise<Outcome> => act(who, 'reviewKnowledge', input)

async function list(args: string, who = operator): Promise<Page> {
  const { knowledge } = await who.data(
    `{ knowledge(${args}) { totalCount edges { cursor score node { id title } } nodes { id title } pageInfo { hasNextPage hasPreviousPage endCursor } } }`,
  )
  return knowledge as unknown as Page
}

describe('what is remembered', () => {
  it('is there as it was said, PROPOSED, with where it comes from', async () => {
    const session = await door.house.start([{ key: 'a' }])
    await door.house.end(session)
    const { prisma } = door.house.database
    const execution = await prisma.execution.findFirstOrThrow({ where: { sessionId: session } })
    const agent = await prisma.agent.findFirstOrThrow({ where: { name: 'worker' } })
    const expiresAt = '2999-01-01T00:00:00.000Z'
    const { __typename, isNew, knowledge } = await remember({
      kind: 'RECIPE',
      title: 'Releasing',
      text: 'Tag it, then push the tag.',
      tags: ['release', 'git', 'release'],
      confidence: 0.9,
      reference: 'https://shop.example/release.md',
      execution: `Execution:${execution.id}`,
      agent: `Agent:${agent.id}`,
      expiresAt,
    })
    expect({ __typename, isNew }).toEqual({ __typename: 'RememberKnowledgeSuccess', isNew: true })
    expect(knowledge).toMatchObject({
      kind: 'RECIPE',
      title: 'Releasing',
      text: 'Tag it, then push the tag.',
      tags: ['release', 'git'],
      review: 'PROPOSED',
      reviewedBy: null,
      confidence: 1.9 / 2.9,
      freshness: expect.closeTo(1, 2) as number,
      expiresAt,
      project: { id: `Project:${project}` },
      supersededBy: null,
      supersedes: null,
      sources: [
        {
          by: 'ada',
          reference: 'https://shop.example/release.md',
          confidence: 0.9,
          session: { id: `Session:${session}` },
          execution: { id: `Execution:${execution.id}` },
          agent: { name: 'worker' },
        },
      ],
    })
    const { node } = await operator.data(`query ($id: ID!) { node(id: $id) { ... on Knowledge { ${FIELDS} } } }`, {
      id: knowledge.id,
    })
    expect(node).toEqual({ ...knowledge, freshness: (node as { freshness: number } | null)?.freshness })
    const { nodes } = await list(`filter: { session: "${session}" }`)
    expect(nodes).toMatchObject([{ id: knowledge.id }])
  })

  it('K1, K3: is kept once, and more surely with each who says so', async () => {
    const first = await remember({ text: 'Run the tests twice.' })
    const second = await remember({ text: 'Run the  tests twice', title: 'Other' }, worker)
    expect(second).toMatchObject({
      isNew: false,
      knowledge: { id: first.knowledge.id, title: 'A tip', sources: [{ by: 'ada' }, { by: 'worker-1' }] },
    })
    expect(second.knowledge.confidence).toBeGreaterThan(first.knowledge.confidence)
  })

  it('is remembered once under a key, which no other input can have', async () => {
    const said = { text: 'Keys are kept.', idempotencyKey: 'one', expiresAt: '2999-01-01T00:00:00Z' }
    const answers = await Promise.all(Array.from({ length: 16 }, () => remember(said)))
    const [{ knowledge }] = answers as [Outcome]
    expect(answers.filter(({ isNew }) => isNew)).toHaveLength(1)
    expect(new Set(answers.map((answer) => answer.knowledge.id)).size).toBe(1)
    const again = await remember(said)
    expect(again).toMatchObject({ isNew: false, knowledge: { id: knowledge.id, sources: { length: 1 } } })
    for (const other of [{ text: 'Others.' }, { expiresAt: '2998-01-01T00:00:00Z' }, { confidence: 1 }]) {
      expect(await remember({ ...said, ...other })).toMatchObject({ __typename: 'ConflictError' })
    }
  })

  it.each<[input: object, path: string, message: string]>([
    [{ title: ' ' }, 'title', 'empty'],
    [{ title: 'x'.repeat(201) }, 'title', '200'],
    [{ text: '' }, 'text', 'empty'],
    [{ text: 'x'.repeat(10_001) }, 'text', '10000'],
    [{ tags: Array.from({ length: 21 }, (_, n) => `t${n}`) }, 'tags', '20'],
    [{ tags: ['x'.repeat(51)] }, 'tags.0', '50'],
    [{ confidence: 1.1 }, 'confidence', 'at most 1'],
    [{ confidence: -0.1 }, 'confidence', 'at least 0'],
    [{ reference: 'x'.repeat(501) }, 'reference', '500'],
    [{ expiresAt: '2020-01-01T00:00:00Z' }, 'expiresAt', 'over already'],
  ])('is refused where it exceeds a limit: case %#', async (input, path, message) => {
    const answer = await remember({ text: 'Limits', ...input })
    expect(answer.__typename).toBe('InvalidInputError')
    expect(answer.fields?.map((field) => field.path.join('.'))).toEqual([path])
    expect(answer.message).toContain(message)
  })

  it.each(['text', 'title', 'reference', 'tags'])(
    'is refused with a secret in its %s, which is not repeated',
    async (at) => {
      const secret = 'ghp_Zq7Xw2Rv9Tb4Ny6Mc1Kd8Hf3Jg5Lp0SaUeIo'
      const answer = await remember({ text: 'Secrets', [at]: at === 'tags' ? [secret] : `Use ${secret} here` })
      expect(answer).toMatchObject({ __typename: 'InvalidInputError' })
      expect(answer.message).toContain('GitHub token')
      expect(JSON.stringify(answer)).not.toContain(secret)
      expect(JSON.stringify(door.logged)).not.toContain(secret)
    },
  )

  it('comes from nothing that is not there, or is elsewhere', async () => {
    const elsewhere = await freshProject()
    const session = await door.house.start([{ key: 'a' }])
    await door.house.end(session)
    for (const [origin, what] of [
      [{ session: v4() }, 'session'],
      [{ execution: v4() }, 'execution'],
      [{ agent: v4() }, 'agent'],
      [{ session, project: elsewhere }, 'session'],
      [{ project: v4() }, 'project'],
    ] as const) {
      const answer = await remember({ text: `Of ${JSON.stringify(origin)}`, ...origin })
      expect(answer).toMatchObject({ __typename: 'NotFoundError', message: `There is no such ${what}.` })
    }
    await door.house.database.prisma.project.update({ where: { id: elsewhere }, data: { archivedAt: new Date() } })
    expect(await remember({ text: 'Archived', project: elsewhere })).toMatchObject({ __typename: 'NotFoundError' })
  })

  it('has room for so much in a project, and what is there already takes none', async () => {
    const full = await freshProject()
    const { prisma } = door.house.database
    for (let n = 0; n < 40; n++) await remember({ project: full, text: `Number ${n}` })
    expect(await prisma.knowledge.count({ where: { projectId: full } })).toBe(40)
    expect(await remember({ project: full, text: 'One more' })).toMatchObject({
      __typename: 'LimitError',
      message: expect.stringContaining('40 pieces') as string,
    })
    expect(await remember({ project: full, text: 'Number 7' }, worker)).toMatchObject({ isNew: false })
  })
})

describe('a review', () => {
  it('K8: is that of a person, with their reason, and written down as done with a right that few have', async () => {
    const { knowledge } = await remember({ text: 'Reviews are good.' })
    const rejected = await review({ id: knowledge.id, decision: 'REJECT', reason: 'Not so.' })
    expect(rejected).toMatchObject({
      __typename: 'ReviewKnowledgeSuccess',
      knowledge: { review: 'REJECTED', confidence: 0, reviewedBy: 'eve', reviewReason: 'Not so.' },
    })
    expect((await list('filter: { review: [REJECTED] }')).nodes).toMatchObject([{ id: knowledge.id }])
    // An agent cannot bring it back.
    expect(await remember({ text: 'Reviews are good.' }, worker)).toMatchObject({
      isNew: false,
      knowledge: { review: 'REJECTED' },
    })
    const approved = await review({ id: knowledge.id, decision: 'APPROVE' })
    expect(approved).toMatchObject({ knowledge: { review: 'APPROVED', confidence: 9.5 / 10.5, reviewReason: null } })
    const admin = door.as(await door.token(['ADMIN']))
    const { auditLog } = await admin.data(
      '{ auditLog(filter: { act: "reviewKnowledge" }) { nodes { viewer subject outcome projectId } } }',
    )
    const entry = { viewer: 'eve', subject: knowledge.id, outcome: 'DONE', projectId: `Project:${project}` }
    expect(auditLog).toEqual({ nodes: [entry, entry] })
  })

  it('K11: can put other words in its place', async () => {
    const { knowledge } = await remember({ text: 'Use node 18.', title: 'Node' })
    const correction = { title: 'Node', text: 'Use node 24.' }
    const { knowledge: next } = await review({ id: knowledge.id, decision: 'CORRECT', correction })
    expect(next).toMatchObject({
      ...correction,
      review: 'APPROVED',
      supersedes: { id: knowledge.id, text: 'Use node 18.' },
    })
    expect(await remember({ text: 'Use node 18.' }, worker)).toMatchObject({ isNew: false, knowledge: { id: next.id } })
    expect(await review({ id: knowledge.id, decision: 'APPROVE' })).toMatchObject({
      __typename: 'ConflictError',
      message: `It was replaced by ${next.id}: review that one.`,
    })
    const taken = await review({ id: next.id, decision: 'CORRECT', correction: { title: 'x', text: 'Use node 18' } })
    expect(taken).toMatchObject({
      __typename: 'ConflictError',
      message: expect.stringContaining(knowledge.id) as string,
    })
    const { totalCount } = await list(`search: "node"`)
    expect(totalCount).toBe(1)
    expect((await list(`search: "node", filter: { superseded: true }`)).nodes).toMatchObject([{ id: knowledge.id }])
    expect((await list(`filter: { superseded: true }`)).nodes).toMatchObject([{ id: knowledge.id }])
  })

  it('takes a correction with CORRECT and with nothing else, and is of something', async () => {
    const { knowledge } = await remember({ text: 'Corrections' })
    const correction = { title: 'x', text: 'y' }
    for (const input of [{ decision: 'CORRECT' }, { decision: 'APPROVE', correction }]) {
      const answer = await review({ id: knowledge.id, ...input })
      expect(answer).toMatchObject({ __typename: 'InvalidInputError', fields: [{ path: ['correction'] }] })
    }
    expect(await review({ id: v4(), decision: 'APPROVE' })).toMatchObject({ __typename: 'NotFoundError' })
  })

  it('K12: is not needed to forget it, which leaves a row of the audit log and nothing else', async () => {
    const { knowledge } = await remember({ text: 'Forget me.', idempotencyKey: 'forget' })
    expect(await act(approver, 'forgetKnowledge', { id: knowledge.id })).toMatchObject({ forgottenId: knowledge.id })
    expect(await act(approver, 'forgetKnowledge', { id: knowledge.id })).toMatchObject({ __typename: 'NotFoundError' })
    expect(await operator.data('query ($id: ID!) { node(id: $id) { id } }', { id: knowledge.id })).toEqual({
      node: null,
    })
    const { prisma } = door.house.database
    const rows = await prisma.auditEntry.findMany({ where: { act: 'forgetKnowledge' } })
    expect(rows).toMatchObject([{ viewer: 'eve', subject: knowledge.id, projectId: project, outcome: 'DONE' }])
    expect(await remember({ text: 'Fresh', idempotencyKey: 'forget' })).toMatchObject({ isNew: true })
  })
})

describe('a list of knowledge', () => {
  let shop: string
  const ids: string[] = []
  beforeAll(async () => {
    shop = await freshProject()
    const said = [
      { kind: 'RECIPE', title: 'Deploying to staging', text: 'Push a tag; the pipeline deploys it.', tags: ['deploy'] },
      { kind: 'FAILURE', title: 'Timeouts', text: 'The deployment to staging timed out behind the proxy.' },
      { kind: 'TIP', title: 'Cache', text: 'Clear the cache of the build.' },
      { kind: 'OUTCOME', title: 'Migration', text: 'The database was migrated in a minute.' },
    ]
    for (const input of said) ids.push((await remember({ project: shop, ...input })).knowledge.id)
  })

  it('has the newest first unless ordered otherwise, page by page in both directions', async () => {
    const where = () => `filter: { project: "${shop}" }`
    const all = await list(where())
    expect(all.nodes.map(({ id }) => id)).toEqual(ids.toReversed())
    expect(all).toMatchObject({ totalCount: 4, edges: [{ score: null }, {}, {}, {}] })
    const first = await list(`${where()}, first: 3`)
    expect(first.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false })
    const second = await list(`${where()}, first: 3, after: "${first.pageInfo.endCursor}"`)
    expect(second).toMatchObject({ nodes: [{ id: ids[0] }], pageInfo: { hasNextPage: false, hasPreviousPage: true } })
    const oldest = await list(`${where()}, last: 1`)
    expect(oldest.nodes).toMatchObject([{ id: ids[0] }])
    const byTime = await list(`${where()}, orderBy: { field: CONFIRMED_AT, direction: ASC }`)
    expect(byTime.nodes.map(({ id }) => id)).toEqual(ids)
  })

  it('is narrowed by what the pieces are', async () => {
    const found = async (filter: string) =>
      (await list(`filter: { project: "${shop}", ${filter} }`)).nodes.map(({ id }) => id)
    expect(await found('kind: [TIP, FAILURE]')).toEqual([ids[2], ids[1]])
    expect(await found('tag: "deploy"')).toEqual([ids[0]])
    expect(await found('review: [APPROVED]')).toEqual([])
    expect(await found('stale: true')).toEqual([])
    expect(await found('stale: false')).toHaveLength(4)
  })

  it('K10: has what answers a search best first, each with its score, page by page', async () => {
    const where = `search: "how do I deploy to staging?", filter: { project: "${shop}" }`
    const all = await list(where)
    expect(all.nodes.map(({ id }) => id)).toEqual([ids[0], ids[1]])
    expect(all.totalCount).toBe(2)
    const [best, next] = all.edges.map(({ score }) => score ?? 0)
    expect(best).toBeGreaterThan(next ?? Infinity)
    expect(next).toBeGreaterThan(0)
    const first = await list(`${where}, first: 1`)
    expect(first).toMatchObject({ totalCount: 2, pageInfo: { hasNextPage: true }, nodes: [{ id: ids[0] }] })
    const second = await list(`${where}, first: 1, after: "${first.pageInfo.endCursor}"`)
    expect(second).toMatchObject({
      pageInfo: { hasNextPage: false },
      edges: [{ score: expect.closeTo(next ?? 0, 4) as number, node: { id: ids[1] } }],
    })
    expect((await list(`${where}, last: 1`)).nodes).toMatchObject([{ id: ids[1] }])
    const before = await list(`${where}, last: 1, before: "${second.pageInfo.endCursor}"`)
    expect(before.nodes).toMatchObject([{ id: ids[0] }])
    expect((await list(`${where}, first: 0`)).nodes).toEqual([])
  })

  it('K10: has the approved one first of two that say as much', async () => {
    const pair = await freshProject()
    const one = await remember({ project: pair, title: 'Linting', text: 'Run the linter first.' })
    await remember({ project: pair, title: 'Linting', text: 'Run the linter last.' })
    await review({ id: one.knowledge.id, decision: 'APPROVE' })
    const { nodes } = await list(`search: "linter", filter: { project: "${pair}" }`)
    expect(nodes.map(({ id }) => id)[0]).toBe(one.knowledge.id)
  })

  it('comes with what the pieces refer to, searched or not', async () => {
    const filter = `filter: { project: "${shop}" }`
    for (const args of [filter, `search: "staging cache database", ${filter}`]) {
      const { knowledge } = await operator.data(
        `{ knowledge(${args}) { nodes { title sources { by } supersededBy { id } supersedes { id } project { name } } } }`,
      )
      const { nodes } = knowledge as unknown as { nodes: { title: string }[] }
      expect(nodes.map(({ title }) => title).toSorted()).toEqual([
        'Cache',
        'Deploying to staging',
        'Migration',
        'Timeouts',
      ])
      const more = { sources: [{ by: 'ada' }], supersededBy: null, supersedes: null, project: { name: shop } }
      expect(nodes).toEqual(nodes.map(({ title }) => ({ title, ...more })))
    }
  })

  it('refuses what cannot be searched for, and finds nothing for what says nothing', async () => {
    const refused = async (args: string) => (await operator.answer(`{ knowledge(${args}) { totalCount } }`)).errors
    const bad = [{ extensions: { code: 'BAD_USER_INPUT' } }]
    expect(await refused(`search: "x", orderBy: { field: CONFIDENCE, direction: DESC }`)).toMatchObject(bad)
    expect(await refused(`search: "${'x'.repeat(1_001)}"`)).toMatchObject(bad)
    expect(await refused(`search: "x", after: "forged"`)).toMatchObject(bad)
    expect((await list('search: "of the and"')).totalCount).toBe(0)
    expect((await list('search: "🎉"')).totalCount).toBe(0)
    expect((await list(`search: "", filter: { project: "${shop}" }`)).totalCount).toBe(4)
  })
})

describe('whoever has one project alone', () => {
  it('finds, counts and pages over what is in it, and nothing else', async () => {
    const [mine, theirs] = [await freshProject(), await freshProject()]
    const own = (await remember({ project: mine, text: 'Penguins swim.' })).knowledge.id
    const foreign = (await remember({ project: theirs, text: 'Penguins waddle.' })).knowledge.id
    const me = door.as(await door.token(['OPERATOR', 'APPROVER'], { projectId: mine }))
    expect(await list('search: "penguins"', me)).toMatchObject({ totalCount: 1, nodes: [{ id: own }] })
    expect(await list('first: 5', me)).toMatchObject({ totalCount: 1, nodes: [{ id: own }] })
    expect((await list(`search: "penguins", filter: { project: "${theirs}" }`, me)).totalCount).toBe(0)
    const cursor = (id: string): string => Buffer.from(`GPC:S:${id.replace('Knowledge:', '')}`).toString('base64')
    for (const args of ['first: 5', 'search: "penguins", first: 5']) {
      expect(await list(`${args}, after: "${cursor(foreign)}"`, me)).toEqual(
        await list(`${args}, after: "${cursor(v4())}"`, me),
      )
    }
    // Of both, what says the same is apart.
    const said = await remember({ project: mine, text: 'Penguins waddle.' }, me)
    expect(said).toMatchObject({ isNew: true })
    expect(await review({ id: foreign, decision: 'REJECT' }, me)).toMatchObject({ __typename: 'NotFoundError' })
    expect(await act(me, 'forgetKnowledge', { id: foreign })).toMatchObject({ __typename: 'NotFoundError' })
    const { data } = await me.answer('query ($id: ID!) { node(id: $id) { id } }', { id: foreign })
    expect(data).toEqual({ node: null })
  })
})
