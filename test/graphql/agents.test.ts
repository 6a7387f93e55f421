import { v4 } from 'uuid'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { graphql } from '../../src/generated/gql/gql.ts'
import { type Door, openDoor } from './door.ts'

let door: Door
beforeAll(async () => {
  door = await openDoor({ limits: { agentsPerProject: 3 } })
})
afterAll(() => door.close())

const REGISTER = graphql(`
  mutation TestRegister($input: RegisterAgentInput!) {
    registerAgent(input: $input) {
      __typename
      ... on RegisterAgentSuccess {
        changed
        agent {
          id
          name
          version
          status
          slots
          running
          capabilities
          origin
          timeouts {
            attemptMs
          }
          project {
            name
          }
        }
      }
      ... on InvalidInputError {
        fields {
          path
          message
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

describe('agents', () => {
  const helper = {
    name: 'helper',
    type: 'GENERAL' as const,
    capabilities: ['help'],
    runtime: 'command',
    runtimeConfig: { command: 'worker' },
  }
  const register = async (more: object = {}) =>
    (await door.ask(REGISTER, { input: { ...helper, ...more } })).registerAgent

  it('are registered; the same again changes nothing, another registration is a new version', async () => {
    const first = await register()
    expect(first).toMatchObject({
      changed: true,
      agent: { version: 1, status: 'ONLINE', slots: 5, running: 0, origin: 'API' },
    })
    expect(await register()).toMatchObject({ changed: false, agent: { version: 1 } })
    const second = await register({ slots: 3, timeouts: { attemptMs: 1_000 } })
    expect(second).toMatchObject({ changed: true, agent: { version: 2, slots: 3, timeouts: { attemptMs: 1_000 } } })
    const agents = await Promise.all(Array.from({ length: 8 }, () => register({ slots: 4 })))
    expect(agents.filter((agent) => agent.__typename === 'RegisterAgentSuccess' && agent.changed)).toHaveLength(1)
  })

  it('keep how they were registered in each version, the newest first, and attempts know theirs', async () => {
    const { database, start, end } = door.house
    const { id } = await database.prisma.agent.findFirstOrThrow({ where: { name: 'helper', projectId: null } })
    const sessionId = await start([{ agent: 'helper', capabilities: [] }])
    await end(sessionId)
    // Cursors are numbers: a page begins behind the version of its cursor.
    const page = async (args: string) => {
      const data = await door.data(
        `query ($id: ID!) { node(id: $id) { ... on Agent {
        versions(${args}) { totalCount nodes { version registration } pageInfo { hasNextPage endCursor } } } } }`,
        {
          id: `Agent:${id}`,
        },
      )
      return (data['node'] as { versions: object }).versions
    }
    const { name: _, ...rest } = helper
    const kept = { ...rest, description: '', workspace: 'SHARED' }
    const versions = [
      { version: 3, registration: { ...kept, slots: 4, timeouts: null, origin: 'API' } },
      { version: 2, registration: { ...kept, slots: 3, timeouts: { attemptMs: 1_000 }, origin: 'API' } },
      { version: 1, registration: { ...kept, slots: 5, timeouts: null, origin: 'API' } },
    ]
    expect(await page('first: 2')).toEqual({
      totalCount: 3,
      nodes: versions.slice(0, 2),
      pageInfo: { hasNextPage: true, endCursor: '2' },
    })
    expect(await page('first: 2, after: "2"')).toMatchObject({ nodes: versions.slice(2) })
    expect(await page('last: 2')).toMatchObject({ nodes: versions.slice(1) })
    expect(await page('last: 5, before: "2"')).toMatchObject({ nodes: versions.slice(0, 1) })
    const { executions } = (
      await door.data(
        `query ($id: ID!) { session(id: $id) { executions { nodes { attempts { agentVersion registration { version } } } } } }`,
        { id: sessionId },
      )
    )['session'] as { executions: object }
    expect(executions).toMatchObject({ nodes: [{ attempts: [{ agentVersion: 3, registration: { version: 3 } }] }] })
  })

  it('may be for one project alone', async () => {
    const project = door.house.projectId
    expect(await register({ project })).toMatchObject({ agent: { version: 1, project: { name: 'house' } } })
    expect(await register({ project: v4() })).toMatchObject({ __typename: 'NotFoundError' })
  })

  it('need a runtime of this server and a configuration that it takes', async () => {
    for (const runtime of ['telepathy', 'constructor', '__proto__']) {
      expect(await register({ runtime })).toMatchObject({
        fields: [{ path: ['runtime'], message: expect.stringMatching(/it has command/) }],
      })
    }
    for (const runtimeConfig of [{ command: 'rm' }, { argv: ['rm', '-rf'] }, null, 'worker', {}]) {
      expect(await register({ runtimeConfig: runtimeConfig ?? 0 })).toMatchObject({
        fields: [{ path: ['runtimeConfig'] }],
      })
    }
  })

  it("of the operator's configuration are not replaced or archived, but can be switched off", async () => {
    expect(await register({ name: 'worker' })).toMatchObject({ __typename: 'ConflictError' })
    const { id } = await door.house.database.prisma.agent.findFirstOrThrow({ where: { name: 'worker' } })
    const data = await door.data(
      `mutation ($id: ID!) {
        archiveAgent(input: { id: $id }) { __typename }
        change: updateAgent(input: { id: $id, slots: 9 }) { __typename }
        off: updateAgent(input: { id: $id, disabled: true }) { ... on UpdateAgentSuccess { agent { status reason version } } }
        on: updateAgent(input: { id: $id, disabled: false }) { ... on UpdateAgentSuccess { agent { status reason version } } }
      }`,
      { id },
    )
    expect(data).toEqual({
      archiveAgent: { __typename: 'ConflictError' },
      change: { __typename: 'ConflictError' },
      off: { agent: { status: 'DISABLED', reason: expect.stringMatching(/updateAgent/), version: 1 } },
      on: { agent: { status: 'ONLINE', reason: null, version: 1 } },
    })
  })

  it('are changed and archived by their id, up to a limit of them', async () => {
    expect(await register({ name: 'another' })).toMatchObject({ __typename: 'LimitError' })
    const { id } = await door.house.database.prisma.agent.findFirstOrThrow({
      where: { name: 'helper', projectId: null },
    })
    const data = await door.data(
      `mutation ($id: ID!) {
        updateAgent(input: { id: $id, capabilities: ["aid"] }) { ... on UpdateAgentSuccess { agent { version slots capabilities } } }
        wrong: updateAgent(input: { id: $id, runtimeConfig: { command: "none" } }) { __typename }
        archiveAgent(input: { id: $id }) { ... on ArchiveAgentSuccess { agent { archivedAt } } }
        late: updateAgent(input: { id: $id, slots: 2 }) { __typename }
      }`,
      { id },
    )
    expect(data).toEqual({
      updateAgent: { agent: { version: 4, slots: 4, capabilities: ['aid'] } },
      wrong: { __typename: 'InvalidInputError' },
      archiveAgent: { agent: { archivedAt: expect.any(String) } },
      late: { __typename: 'NotFoundError' },
    })
    expect(await register({ name: 'another' })).toMatchObject({ __typename: 'RegisterAgentSuccess' })
  })

  it('are found by what they can do and who may use them', async () => {
    const list = async (filter: string) => {
      const data = await door.data(`{ agents(filter: ${filter}) { nodes { name } } }`)
      return (data['agents'] as { nodes: { name: string }[] }).nodes.map(({ name }) => name)
    }
    expect(await list('{ capability: "sleep-a-second" }')).toEqual(['sleeper'])
    expect(await list('{ archived: true }')).toEqual(['helper'])
    expect(await list('{ status: ONLINE, type: GENERAL, runtime: "command" }')).toEqual([
      'another',
      'helper',
      'sleeper',
      'worker',
    ])
    expect(await list(`{ project: "${v4()}" }`)).toEqual(['another', 'sleeper', 'worker'])
  })
})
