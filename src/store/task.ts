import type { AgentType } from '../core/agent.ts'
import type { Json } from '../core/json.ts'
import type { SubTask } from '../core/plan.ts'
import type { PrismaClient } from '../generated/prisma/client.ts'
import type { Query } from './driver.ts'

/** A task with its parts, as it is written at once. */
export interface NewTask {
  id: string
  projectId: string
  title: string
  description: string
  input?: Json
  priority: number
  capabilities: readonly string[]
  subTasks: readonly SubTask[]
}

const into = (table: string): string =>
  `INSERT INTO "${table}" SELECT r.* FROM jsonb_populate_recordset(NULL::"${table}", $1::jsonb) r`

/** Writes a task, its sub-tasks and their dependencies. Call it inside of a transaction. */
export async function insertTask(query: Query, task: NewTask, newId: () => string, now: number): Promise<void> {
  const at = new Date(now).toISOString()
  const common = { projectId: task.projectId, createdAt: at, updatedAt: at, priority: task.priority }
  const ids = new Map(task.subTasks.map(({ key }) => [key, newId()]))
  const { id, title, description, input, capabilities } = task
  const root = { ...common, id, title, description, input, capabilities, optional: false }
  const parts = task.subTasks.map(({ key, dependsOn: _, optional = false, ...part }) => {
    const { title, description, type, capabilities, agent, input, ...policy } = part
    const columns = { title, description, type, capabilities, agent, input }
    const kept = Object.keys(policy).length > 0 ? policy : undefined
    return { ...common, ...columns, id: ids.get(key), parentId: id, key, optional, policy: kept }
  })
  await query(into('Task'), [JSON.stringify([root, ...parts])])
  const edges = task.subTasks.flatMap(({ key, dependsOn }) =>
    dependsOn.map((before) => ({ taskId: ids.get(key), dependsOnId: ids.get(before) })),
  )
  if (edges.length > 0) await query(into('TaskDependency'), [JSON.stringify(edges)])
}

/** A task as it stands; without `subTasks` it has none. */
export type StoredTask = Omit<NewTask, 'id' | 'projectId' | 'subTasks'> & Partial<Pick<NewTask, 'subTasks'>>

/** What a sub-task keeps in its column `policy`: all that has no column of its own. */
type TaskPolicy = Omit<
  SubTask,
  'key' | 'title' | 'description' | 'type' | 'capabilities' | 'dependsOn' | 'optional' | 'agent' | 'input'
>

/** A task of the project with its parts, as far as they are not archived. */
export async function readTask(
  prisma: PrismaClient,
  projectId: string,
  taskId: string,
): Promise<StoredTask | undefined> {
  const task = await prisma.task.findFirst({
    where: { id: taskId, projectId, archivedAt: null },
    include: {
      subTasks: {
        where: { archivedAt: null },
        orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
        include: { dependsOn: { include: { dependsOn: true } } },
      },
    },
  })
  if (!task) return undefined
  return {
    title: task.title,
    description: task.description,
    priority: task.priority,
    capabilities: task.capabilities,
    ...(task.input !== null && { input: task.input as Json }),
    ...(task.subTasks.length > 0 && {
      subTasks: task.subTasks.map((part): SubTask => {
        return {
          ...((part.policy ?? {}) as TaskPolicy),
          key: part.key ?? part.id,
          title: part.title,
          description: part.description,
          capabilities: part.capabilities,
          dependsOn: part.dependsOn.map(({ dependsOn }) => dependsOn.key ?? dependsOn.id),
          optional: part.optional,
          ...(part.type && { type: part.type as AgentType }),
          ...(part.agent !== null && { agent: part.agent }),
          ...(part.input !== null && { input: part.input as Json }),
        }
      }),
    }),
  }
}
