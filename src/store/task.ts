import DataLoader from 'dataloader'
import type { AgentType } from '../core/agent.ts'
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

/** A task as it stands, and the folder of its project; without `subTasks` it has none. */
export type StoredTask = Omit<NewTask, 'id' | 'projectId' | 'subTasks'> &
  Partial<Pick<NewTask, 'subTasks'>> & { workspace: string }

/** What a sub-task keeps in its column `policy`: all that has no column of its own. */
type TaskPolicy = Omit<
  SubTask,
  'key' | 'title' | 'description' | 'type' | 'capabilities' | 'dependsOn' | 'optional' | 'agent' | 'input'
>

/** A task and its parts, each with the keys of those that it depends on. */
const READ = `SELECT to_jsonb(t) AS task, o.workspace, coalesce((
    SELECT jsonb_agg(to_jsonb(p) || jsonb_build_object('dependsOn', coalesce((
      SELECT jsonb_agg(coalesce(b.key, b.id::text)) FROM "TaskDependency" d JOIN "Task" b ON b.id = d."dependsOnId"
      WHERE d."taskId" = p.id
    ), '[]')) ORDER BY p."createdAt", p.id)
    FROM "Task" p WHERE p."parentId" = t.id AND p."archivedAt" IS NULL
  ), '[]') AS parts
  FROM "Task" t JOIN "Project" o ON o.id = t."projectId"
  WHERE t.id = ANY($1::uuid[]) AND t."archivedAt" IS NULL AND o."archivedAt" IS NULL`

interface TaskRow {
  id: string
  projectId: string
  key: string | null
  title: string
  description: string
  type: AgentType | null
  input: Json | null
  priority: number
  capabilities: string[]
  agent: string | null
  optional: boolean
  policy: TaskPolicy | null
}

interface Read {
  task: TaskRow
  workspace: string
  parts: (TaskRow & { dependsOn: string[] })[]
}

/**
 * Tasks of projects with their parts, as far as they are not archived; undefined also if the project is. Those that are
 * asked for together are read together: many sessions begin at once where many have ended.
 */
export function readTasks(query: Query): (projectId: string, taskId: string) => Promise<StoredTask | undefined> {
  const reader = new DataLoader<{ projectId: string; taskId: string }, StoredTask | undefined>(
    async (wanted) => {
      const rows = await query<Read>(READ, [[...new Set(wanted.map(({ taskId }) => taskId))]])
      const found = new Map(rows.map((row) => [`${row.task.projectId} ${row.task.id}`, storedTask(row)]))
      return wanted.map(({ projectId, taskId }) => found.get(`${projectId} ${taskId}`))
    },
    // What was read a moment ago may have been changed since.
    { cache: false },
  )
  return (projectId, taskId) => reader.load({ projectId, taskId })
}

function storedTask(row: Read): StoredTask {
  const { title, description, priority, capabilities, input } = row.task
  return {
    title,
    description,
    priority,
    capabilities,
    workspace: row.workspace,
    ...(input !== null && { input }),
    ...(row.parts.length > 0 && {
      subTasks: row.parts.map((part): SubTask => {
        return {
          ...part.policy,
          key: part.key ?? part.id,
          title: part.title,
          description: part.description,
          capabilities: part.capabilities,
          dependsOn: part.dependsOn,
          optional: part.optional,
          ...(part.type && { type: part.type }),
          ...(part.agent !== null && { agent: part.agent }),
          ...(part.input !== null && { input: part.input }),
        }
      }),
    }),
  }
}
