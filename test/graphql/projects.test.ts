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
  door = await openDoor({ limits: { projects: 8 } })
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
    }
    const byName = await door.ask(PROJECTS, { orderBy: { field: 'NAME', direction: 'DESC' }, first: 3 })
    expect(byName.projects.nodes.map(({ name }) => name)).toEqual(['p3', 'p2', 'p1'])
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
