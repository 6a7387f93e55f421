import { v4 } from 'uuid'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { graphql } from '../../src/generated/gql/gql.ts'
import { type Door, openDoor } from './door.ts'

let door: Door
let project: string
beforeAll(async () => {
  door = await openDoor()
  project = `Project:${door.house.projectId}`
})
afterAll(() => door.close())

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
    const data = await door.data('{ tasks(filter: { search: "house" }) { totalCount nodes { title } } }')
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
    const data = await door.data(
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
