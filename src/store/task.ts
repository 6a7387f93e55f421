import type { Json } from '../core/json.ts'
import type { SubTask } from '../core/plan.ts'
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
  const parts = task.subTasks.map(({ key, dependsOn: _, timeouts, retry, optional = false, ...part }) => ({
    ...common,
    ...part,
    id: ids.get(key),
    parentId: id,
    key,
    optional,
    policy: timeouts || retry ? { timeouts, retry } : undefined,
  }))
  await query(into('Task'), [JSON.stringify([root, ...parts])])
  const edges = task.subTasks.flatMap(({ key, dependsOn }) =>
    dependsOn.map((before) => ({ taskId: ids.get(key), dependsOnId: ids.get(before) })),
  )
  if (edges.length > 0) await query(into('TaskDependency'), [JSON.stringify(edges)])
}
