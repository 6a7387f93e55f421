import { type Analysis, analyze } from '../core/analysis.ts'
import { checkSubTasks, type Problem } from '../core/check.ts'
import { type Decomposition, decompose, type TaskText } from '../core/decompose.ts'
import { compile, DEFAULT_TIMEOUTS } from '../core/pattern.ts'
import type { Aggregate, Pattern, Plan, SubTask } from '../core/plan.ts'
import { DEFAULT_RETRY } from '../core/retry.ts'
import { capable } from '../core/select.ts'
import { DEFAULT_LIMITS, type SessionLimits } from '../core/state.ts'
import { isTooDeep, MAX_DEPTH } from '../core/json.ts'
import type { Refusal, StartInput, TaskInput } from './coordinator.ts'
import type { Directory } from './directory.ts'
import type { Parts } from './parts.ts'
import { wantedOf } from './ready.ts'

/** A task with all that is needed to start it. */
export interface Prepared {
  kind: 'PREPARED'
  projectId: string
  /** Undefined: the task is new and has to be written with its session. */
  taskId?: string
  task: TaskInput
  decomposition: Decomposition
  analysis: Analysis
  pattern: Pattern
  plan: Plan
  limits: SessionLimits
}

/** Analyses and plans a task without writing anything. */
export async function prepare(
  { store, directory }: Pick<Parts, 'store'> & { directory: Directory },
  input: StartInput,
): Promise<Prepared | Refusal> {
  const { projectId } = input
  if (!(await store.hasProject(projectId))) return { kind: 'NOT_FOUND', what: 'project', id: projectId }
  const taskId = 'id' in input.task ? input.task.id : undefined
  const task = 'id' in input.task ? await store.task(projectId, input.task.id) : input.task
  if (!task) return { kind: 'NOT_FOUND', what: 'task', id: taskId as string }
  const problems = [...checkInputs(task), ...checkLimits(input)]
  if (task.subTasks) problems.push(...checkSubTasks(task.subTasks, input.pattern))
  if (problems.length > 0) return { kind: 'INVALID', problems }

  const text: TaskText = {
    title: task.title,
    description: task.description,
    ...(task.subTasks && task.subTasks.length > 0 && { subTasks: task.subTasks }),
    ...(task.capabilities && { capabilities: task.capabilities }),
  }
  const decomposition = decompose(text)
  const analysis = analyze(text, decomposition)
  const pattern = input.pattern === 'AUTO' ? analysis.pattern : input.pattern
  const limits = { ...DEFAULT_LIMITS, ...input.limits }
  // A pattern without dependencies was asked for: the order that was read out of the words gives way to it.
  const parts =
    pattern === 'PARALLEL' ? decomposition.subTasks.map((part) => ({ ...part, dependsOn: [] })) : decomposition.subTasks
  const plan = compile(parts, pattern, {
    concurrency: limits.concurrency,
    aggregate: input.aggregate ?? defaultAggregate(pattern, parts),
    timeouts: { ...DEFAULT_TIMEOUTS, ...(input.attemptTimeoutMs && { attemptMs: input.attemptTimeoutMs }) },
    retry: { ...DEFAULT_RETRY, ...(input.maxAttempts && { maxAttempts: input.maxAttempts }) },
  })
  const origin = decomposition.method === 'CALLER' ? 'CALLER' : 'WORDS'
  const missing = await checkAgents(directory, projectId, plan, origin)
  if (missing.length > 0) return { kind: 'INVALID', problems: missing }
  return {
    kind: 'PREPARED',
    projectId,
    ...(taskId && { taskId }),
    task,
    decomposition,
    analysis,
    pattern,
    plan,
    limits,
  }
}

function defaultAggregate(pattern: Pattern, parts: readonly SubTask[]): Aggregate {
  return parts.length > 1 && (pattern === 'PARALLEL' || pattern === 'HIERARCHICAL') ? 'COLLECT' : 'NONE'
}

/** Rule 9: what cannot be enforced, or done by anybody, is refused when the plan is made. */
export async function checkAgents(
  directory: Directory,
  projectId: string,
  plan: Plan,
  origin: 'CALLER' | 'WORDS',
): Promise<Problem[]> {
  const agents = await directory.agentsOf(projectId)
  return plan.nodes.flatMap((node, index) => {
    if (node.kind !== 'TASK') return []
    const { able, reason } = capable(wantedOf(node), agents, origin)
    return able.length > 0 ? [] : [{ path: ['plan', 'nodes', String(index)], message: `"${node.key}": ${reason}` }]
  })
}

/** Data that goes too deep would overflow whoever reads it, the database first. */
export function checkInputs({ input, subTasks = [] }: TaskInput): Problem[] {
  const inputs: [string[], unknown][] = [[['task', 'input'], input]]
  for (const [index, part] of subTasks.entries()) inputs.push([['subTasks', `${index}`, 'input'], part.input])
  return inputs.flatMap(([path, value]) =>
    isTooDeep(value)
      ? [{ path, message: `the input is nested deeper than ${MAX_DEPTH} levels: write it flatter` }]
      : [],
  )
}

function checkLimits({ limits = {}, attemptTimeoutMs, maxAttempts }: StartInput): Problem[] {
  const ranges: [string, number | undefined, number, number][] = [
    ['concurrency', limits.concurrency, 1, 1_000],
    ['totalMs', limits.totalMs, 1, 30 * 86_400_000],
    ['cancelGraceMs', limits.cancelGraceMs, 0, 600_000],
    ['attemptTimeoutMs', attemptTimeoutMs, 1, 7 * 86_400_000],
    ['maxAttempts', maxAttempts, 1, 100],
  ]
  return ranges.flatMap(([name, value, least, most]) =>
    value === undefined || (Number.isInteger(value) && value >= least && value <= most)
      ? []
      : [
          {
            path: ['limits', name],
            message: `${name} is ${value}; it must be a whole number from ${least} to ${most}`,
          },
        ],
  )
}
