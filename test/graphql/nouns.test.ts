import { mkdtempSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { v4 } from 'uuid'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { graphql } from '../../src/generated/gql/gql.ts'
import { type Door, openDoor } from './door.ts'

let door: Door
let workspace: string
beforeAll(async () => {
  door = await openDoor({ limits: { projects: 8, agentsPerProject: 3 } })
  workspace = mkdtempSync(join(tmpdir(), 'tutti-workspace-'))
})
afterAll(() => door.close())

const CREATE_PROJECT = graphql(`
  mutation TestCreateProject($input: CreateProjectInput!) {
    createProject(input: $input) {
      __typename
      ... on CreateProjectSuccess {
        project {
          id
          name
          description
          workspace
          concurrency
          archivedAt
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
const UPDATE_PROJECT = graphql(`
  mutation TestUpdateProject($input: UpdateProjectInput!) {
    updateProject(input: $input) {
      __typename
      ... on UpdateProjectSuccess {
        project {
          name
          description
          concurrency
        }
      }
      ... on Error {
        message
      }
    }
  }
`)
const ARCHIVE_PROJECT = graphql(`
  mutation TestArchiveProject($input: ArchiveProjectInput!) {
    archiveProject(input: $input) {
      __typename
      ... on ArchiveProjectSuccess {
        project {
          archivedAt
        }
      }
      ... on Error {
        message
      }
    }
  }
`)
const PROJECTS = graphql(`
  query TestProjects($filter: ProjectFilter, $orderBy: ProjectOrder, $first: Int, $after: String) {
    projects(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
      totalCount
      nodes {
        name
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`)

const make = async (name: string, more: object = {}) =>
  (await door.ask(CREATE_PROJECT, { input: { name, workspace, ...more } })).createProject

/** The project of a success; else the test fails with what was answered. */
async function made(name: string, more: object = {}) {
  const result = await make(name, more)
  if (result.__typename !== 'CreateProjectSuccess') throw new Error(JSON.stringify(result))
  return result.project
}

describe('projects', () => {
  it('are made, found by id and by name, and listed', async () => {
    const id = v4()
    const project = await made('alpha', { id, description: 'the first' })
    expect(project).toMatchObject({ id: `Project:${id}`, name: 'alpha', description: 'the first', concurrency: 8 })
    const { data, errors } = await door.answer(
      `query ($id: ID!) {
        byId: project(id: $id) { name } byUuid: project(id: "${id}") { name } byName: project(name: "alpha") { id }
        none: project(name: "nobody") { id } neither: project { id }
        node(id: $id) { id __typename ... on Project { name } }
        nodes(ids: [$id, "Project:nonsense", "", "Session:${id}", $id]) { id }
      }`,
      { id: project.id },
    )
    expect(errors).toBeUndefined()
    expect(data).toEqual({
      byId: { name: 'alpha' },
      byUuid: { name: 'alpha' },
      byName: { id: project.id },
      none: null,
      neither: null,
      node: { id: project.id, __typename: 'Project', name: 'alpha' },
      nodes: [{ id: project.id }, null, null, null, { id: project.id }],
    })
  })

  it('have names of their own', async () => {
    expect(await make('alpha')).toMatchObject({ __typename: 'ConflictError', code: 'CONFLICT' })
  })

  it('are refused with everything that is wrong with them', async () => {
    const wrong = { name: ' ', workspace: 'relative', concurrency: 0, id: 'none', description: 'a\0b' }
    const result = await make('', wrong)
    if (result.__typename !== 'InvalidInputError') throw new Error(JSON.stringify(result))
    expect(result.fields.map(({ path }) => path.join('.')).toSorted()).toEqual([
      'concurrency',
      'description',
      'id',
      'name',
    ])
    expect(await make('x'.repeat(101))).toMatchObject({ __typename: 'InvalidInputError' })
    expect(await make('beta', { description: 'ä'.repeat(60_000) })).toMatchObject({ __typename: 'InvalidInputError' })
    expect(await make('\ud800')).toMatchObject({
      fields: [{ path: ['name'], message: expect.stringMatching(/Unicode/) }],
    })
  })

  it('have a workspace that is a folder, really there and allowed, whatever links lead to it', async () => {
    const detour = join(workspace, 'detour')
    symlinkSync('/proc', detour)
    for (const path of ['relative', '/nowhere/at/all', '/etc/passwd', '/proc', detour]) {
      expect(await make('beta', { workspace: path })).toMatchObject({
        __typename: 'InvalidInputError',
        fields: [{ path: ['workspace'] }],
      })
    }
  })

  it('are changed in what is given, and nowhere else', async () => {
    const { id } = await made('gamma', { description: 'before' })
    const change = (input: object) => door.ask(UPDATE_PROJECT, { input: { id, ...input } })
    expect((await change({ concurrency: 3, description: null })).updateProject).toMatchObject({
      project: { name: 'gamma', description: 'before', concurrency: 3 },
    })
    expect((await change({ name: 'alpha' })).updateProject.__typename).toBe('ConflictError')
    expect((await change({ id: 'Project:nonsense' })).updateProject.__typename).toBe('NotFoundError')
  })

  it('are paged through without a gap or a repetition, in any order', async () => {
    await Promise.all(['p3', 'p1', 'p2'].map((name) => made(name)))
    for (const orderBy of [
      { field: 'NAME', direction: 'ASC' },
      { field: 'CREATED_AT', direction: 'DESC' },
      null,
    ] as const) {
      const seen: string[] = []
      for (let after: string | null | undefined; after !== null;) {
        const { projects } = await door.ask(PROJECTS, { orderBy, first: 2, ...(after && { after }) })
        expect(projects.totalCount).toBe(6)
        seen.push(...projects.nodes.map(({ name }) => name))
        after = projects.pageInfo.hasNextPage ? projects.pageInfo.endCursor : null
      }
      expect(seen.toSorted()).toEqual(['alpha', 'gamma', 'house', 'p1', 'p2', 'p3'])
      if (orderBy?.field === 'NAME') expect(seen).toEqual(seen.toSorted())
    }
    const { projects } = await door.ask(PROJECTS, { filter: { search: 'ALPH' } })
    expect(projects.nodes).toEqual([{ name: 'alpha' }])
  })

  it('are archived once their sessions have ended, and then make room under the limit', async () => {
    await Promise.all([made('p4'), made('p5')])
    expect(await make('one too many')).toMatchObject({ __typename: 'LimitError' })
    const project = door.house.projectId
    const session = await door.house.start([{ input: { sleepMs: 60_000 } }])
    const archive = async (id: string) => (await door.ask(ARCHIVE_PROJECT, { input: { id } })).archiveProject
    expect(await archive(project)).toMatchObject({
      __typename: 'ConflictError',
      message: expect.stringMatching(/cancel/),
    })
    await door.house.coordinator.cancel(session, 'enough')
    await door.house.end(session)
    const first = await archive(project)
    expect(first).toMatchObject({ project: { archivedAt: expect.any(String) } })
    expect(await archive(project)).toEqual(first)
    expect((await door.ask(PROJECTS, { filter: { archived: true } })).projects.nodes).toEqual([{ name: 'house' }])
    await made('one that fits now')
  })
})

const CREATE_TASK = graphql(`
  mutation TestCreateTask($input: CreateTaskInput!) {
    createTask(input: $input) {
      __typename
      ... on CreateTaskSuccess {
        task {
          id
          title
          description
          input
          priority
          capabilities
          subTasks {
            key
            title
            type
            optional
            input
            timeouts {
              attemptMs
              idleMs
            }
            dependsOn {
              key
            }
            parent {
              title
            }
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

describe('tasks', () => {
  let project: string
  beforeAll(async () => {
    const { data } = await door.answer('{ project(name: "alpha") { id } }')
    project = (data?.['project'] as unknown as { id: string }).id
  })

  it('are written down with their parts', async () => {
    const input = {
      project,
      title: 'Build a house',
      description: 'with a roof',
      input: { floors: 2, nested: [null, 'ä'] },
      priority: 5,
      capabilities: ['masonry'],
      subTasks: [
        { key: 'walls', title: 'Walls', type: 'CODEGEN' as const, timeouts: { attemptMs: 5_000 } },
        { key: 'roof', title: 'Roof', dependsOn: ['walls'], optional: true, input: 7 },
      ],
    }
    const { createTask } = await door.ask(CREATE_TASK, { input })
    expect(createTask).toMatchObject({
      task: {
        title: 'Build a house',
        description: 'with a roof',
        input: input.input,
        priority: 5,
        capabilities: ['masonry'],
        subTasks: [
          {
            key: 'walls',
            type: 'CODEGEN',
            optional: false,
            timeouts: { attemptMs: 5_000, idleMs: null },
            dependsOn: [],
          },
          {
            key: 'roof',
            type: null,
            optional: true,
            input: 7,
            dependsOn: [{ key: 'walls' }],
            parent: { title: 'Build a house' },
          },
        ],
      },
    })
    const { data } = await door.answer('{ tasks(filter: { search: "house" }) { totalCount nodes { title } } }')
    expect(data).toEqual({ tasks: { totalCount: 1, nodes: [{ title: 'Build a house' }] } })
  })

  it.each([
    ['a title that is too long', { title: 'x'.repeat(201) }, ['title']],
    ['a priority out of range', { title: 'x', priority: 101 }, ['priority']],
    ['text in JSON that no database holds', { title: 'x', input: { deep: ['\ud800'] } }, ['input']],
    ['parts that go round in a circle', { title: 'x', subTasks: [part('a', 'b'), part('b', 'a')] }, ['subTasks']],
    [
      'a part that depends on nothing there is',
      { title: 'x', subTasks: [part('a', 'z')] },
      ['subTasks', '0', 'dependsOn'],
    ],
    ['two parts of one key', { title: 'x', subTasks: [part('a'), part('a')] }, ['subTasks', '1', 'key']],
  ])('are refused with %s', async (_what, wrong, path) => {
    const { createTask } = await door.ask(CREATE_TASK, { input: { project, ...wrong } })
    expect(createTask).toMatchObject({ __typename: 'InvalidInputError', fields: [{ path }] })
  })

  it('are refused for a project that does not exist, with the same words for every such id', async () => {
    const answers = await Promise.all(
      [v4(), 'Project:nonsense', '', `Task:${v4()}`].map((unknown) =>
        door.ask(CREATE_TASK, { input: { project: unknown, title: 'x' } }),
      ),
    )
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
    expect(answers[0]?.createTask.__typename).toBe('NotFoundError')
  })

  it('are changed and archived', async () => {
    const { createTask } = await door.ask(CREATE_TASK, { input: { project, title: 'old' } })
    const id = createTask.__typename === 'CreateTaskSuccess' ? createTask.task.id : ''
    const { data } = await door.answer(
      `mutation ($id: ID!) {
        updateTask(input: { id: $id, title: "new", priority: -3 }) { ... on UpdateTaskSuccess { task { title priority } } }
        archiveTask(input: { id: $id }) { ... on ArchiveTaskSuccess { task { title archivedAt } } }
        again: archiveTask(input: { id: $id }) { __typename }
        late: updateTask(input: { id: $id, title: "newer" }) { __typename }
      }`,
      { id },
    )
    expect(data).toEqual({
      updateTask: { task: { title: 'new', priority: -3 } },
      archiveTask: { task: { title: 'new', archivedAt: expect.any(String) } },
      again: { __typename: 'ArchiveTaskSuccess' },
      late: { __typename: 'NotFoundError' },
    })
  })
})

function part(key: string, ...dependsOn: string[]) {
  return { key, title: key, dependsOn }
}

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
      agent: { version: 1, status: 'ONLINE', slots: 1, running: 0, origin: 'API' },
    })
    expect(await register()).toMatchObject({ changed: false, agent: { version: 1 } })
    const second = await register({ slots: 3, timeouts: { attemptMs: 1_000 } })
    expect(second).toMatchObject({ changed: true, agent: { version: 2, slots: 3, timeouts: { attemptMs: 1_000 } } })
    const agents = await Promise.all(Array.from({ length: 8 }, () => register({ slots: 4 })))
    expect(agents.filter((agent) => agent.__typename === 'RegisterAgentSuccess' && agent.changed)).toHaveLength(1)
  })

  it('may be for one project alone', async () => {
    const { data } = await door.answer('{ project(name: "alpha") { id } }')
    const project = (data?.['project'] as unknown as { id: string }).id
    expect(await register({ project })).toMatchObject({ agent: { version: 1, project: { name: 'alpha' } } })
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
    const { data } = await door.answer(
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
    const { data } = await door.answer(
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
      const { data } = await door.answer(`{ agents(filter: ${filter}) { nodes { name } } }`)
      return (data?.['agents'] as unknown as { nodes: { name: string }[] }).nodes.map(({ name }) => name)
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
