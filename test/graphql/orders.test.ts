import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Door, openDoor } from './door.ts'

let door: Door
let ids: string[]
beforeAll(async () => {
  const open = await openDoor()
  ids = []
  for (let n = 0; n < 3; n++) ids.push(await open.house.start([{ key: 'a' }]))
  for (const id of ids) await open.house.end(id)
  await open.token(['VIEWER'], { name: 'reader', projectId: open.house.projectId })
  await open.token(['VIEWER', 'AGENT'], { name: 'both' })
  await open.token(['AGENT'], { name: 'over', expiresAt: new Date(Date.now() - 1) })
  await open.token(['AGENT'], { name: 'revoked', expiresAt: new Date(Date.now() + 3_600_000) })
  await open.house.database.query(`UPDATE "Token" SET "revokedAt" = now() WHERE name = 'revoked'`)
  door = open.as(await open.token(['ADMIN'], { name: 'admin' }))
})
afterAll(() => door.close())

const names = async (args: string): Promise<string[]> => {
  const { tokens } = (await door.data(`{ tokens${args} { totalCount nodes { name } } }`)) as never as {
    tokens: { totalCount: number; nodes: { name: string }[] }
  }
  expect(tokens.totalCount).toBe(tokens.nodes.length)
  return tokens.nodes.map(({ name }) => name)
}

describe('tokens', () => {
  const ALL = ['admin', 'revoked', 'over', 'both', 'reader']

  it('come in the order of time, either way, page by page', async () => {
    expect(await names('')).toEqual(ALL)
    expect(await names('(orderBy: { direction: DESC })')).toEqual(ALL)
    expect(await names('(orderBy: { direction: ASC })')).toEqual(ALL.toReversed())
    const found: string[] = []
    let after: string | null = null
    for (let more = true; more;) {
      const { tokens } = (await door.data(
        `query ($after: String) { tokens(first: 2, after: $after, orderBy: { direction: ASC }) {
          nodes { name } pageInfo { hasNextPage endCursor } } }`,
        { after },
      )) as never as {
        tokens: { nodes: { name: string }[]; pageInfo: { hasNextPage: boolean; endCursor: string } }
      }
      found.push(...tokens.nodes.map(({ name }) => name))
      after = tokens.pageInfo.endCursor
      more = tokens.pageInfo.hasNextPage
    }
    expect(found).toEqual(ALL.toReversed())
  })

  it.each([
    ['name: "both"', ['both']],
    ['role: VIEWER', ['both', 'reader']],
    ['role: AGENT, expired: false', ['revoked', 'both']],
    ['expired: true', ['over']],
    ['expired: false', ['admin', 'revoked', 'both', 'reader']],
    ['revoked: true', ['revoked']],
    ['revoked: false, expired: false', ['admin', 'both', 'reader']],
    ['name: "nobody"', []],
  ])('are found by { %s }', async (filter, expected) => {
    expect(await names(`(filter: { ${filter} })`)).toEqual(expected)
  })

  it('are found by their project', async () => {
    expect(await names(`(filter: { project: "${door.house.projectId}" })`)).toEqual(['reader'])
  })
})

it('the audit log is told from either end', async () => {
  for (const name of ['one', 'two']) {
    await door.data(
      `mutation { createToken(input: { name: "${name}", roles: [VIEWER] }) { ... on CreateTokenSuccess { token { id } } } }`,
    )
  }
  const subjects = async (direction: string): Promise<unknown[]> => {
    const { auditLog } = (await door.data(
      `{ auditLog(filter: { act: "createToken" }, orderBy: { direction: ${direction} }) { nodes { subject } } }`,
    )) as never as { auditLog: { nodes: { subject: string }[] } }
    return auditLog.nodes.map(({ subject }) => subject)
  }
  const oldest = await subjects('ASC')
  expect(oldest).toHaveLength(2)
  expect(await subjects('DESC')).toEqual(oldest.toReversed())
})

it('sessions of a project and of a task are told from either end', async () => {
  const { project, projects } = (await door.data(
    `{ project(name: "house") { oldest: sessions(orderBy: { direction: ASC }) { nodes { id } } newest: sessions { nodes { id } } }
      projects { nodes { sessions(first: 1, orderBy: { direction: ASC }) { nodes { id task { sessions(orderBy: { direction: ASC }) { nodes { id } } } } } } } }`,
  )) as never as {
    project: Record<'oldest' | 'newest', { nodes: { id: string }[] }>
    projects: { nodes: { sessions: { nodes: { id: string; task: { sessions: { nodes: { id: string }[] } } }[] } }[] }
  }
  const expected = ids.map((id) => ({ id: `Session:${id}` }))
  expect(project.oldest.nodes).toEqual(expected)
  expect(project.newest.nodes).toEqual(expected.toReversed())
  expect(projects.nodes[0]?.sessions.nodes).toMatchObject([
    { ...expected[0], task: { sessions: { nodes: [expected[0]] } } },
  ])
})
