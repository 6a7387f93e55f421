import { type Analysis, analyze } from '../core/analysis.ts'
import { type Budget, budgetOf, levelOf, MAX_SESSION_DEPTH, UNITS } from '../core/budget.ts'
import { checkSubTasks, MAX_CHILDREN, type Problem } from '../core/check.ts'
import { checkOptions, type PlanOptions } from '../core/check/options.ts'
import { type Decomposition, decompose, type TaskText } from '../core/decompose.ts'
import { compile, DEFAULT_TIMEOUTS, defaultAggregate } from '../core/pattern.ts'
import type { Pattern, Plan, PlanNode } from '../core/plan.ts'
import { DEFAULT_RETRY } from '../core/retry.ts'
import {
  DEFAULT_LIMITS,
  DEFAULT_POLICY,
  type Isolation,
  type SessionLimits,
  type SessionPolicy,
} from '../core/state.ts'
import { isTooDeep, MAX_DEPTH } from '../core/json.ts'
import type { Refusal, StartInput, TaskInput } from './coordinator.ts'
import { checkPlan, checkRollback, type Means } from './enforce.ts'
import { knowTask } from './work.ts'

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
  policy: SessionPolicy
  budget: Budget
}

/** Items between two stages, and rounds without progress, unless the caller says. */
const DEFAULT_BUFFER = 4
const DEFAULT_STALLS = 3

/** Analyses and plans a task without writing anything. */
export async function prepare(tools: Means, input: StartInput): Promise<Prepared | Refusal> {
  const { store } = tools
  const { projectId } = input
  const taskId = 'id' in input.task ? input.task.id : undefined
  const stored = taskId === undefined ? undefined : await store.task(projectId, taskId)
  const task = 'id' in input.task ? stored : input.task
  // Where there is the task there is its project.
  if (!stored && !(await store.hasProject(projectId))) return { kind: 'NOT_FOUND', what: 'project', id: projectId }
  if (!task) return { kind: 'NOT_FOUND', what: 'task', id: taskId as string }
  const problems = [...checkInputs(task), ...checkLimits(input), ...checkBudget(input)]
  const budget = budgetOf(input.budget ?? {})
  const level = levelOf(budget, 1)
  if (task.subTasks) problems.push(...checkSubTasks(task.subTasks, input.pattern, level))
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
  const options = planOptions(input)
  // Stages can be checked only once it is known that they are stages.
  const again = input.pattern === 'AUTO' && task.subTasks ? checkSubTasks(task.subTasks, pattern, level) : []
  const unfit = [...again, ...checkOptions(parts, pattern, options)]
  if (unfit.length > 0) return { kind: 'INVALID', problems: unfit }
  const plan = compile(parts, pattern, {
    ...options,
    concurrency: limits.concurrency,
    aggregate: input.aggregate ?? (options.items || options.manager ? 'NONE' : defaultAggregate(pattern, parts)),
    timeouts: { ...DEFAULT_TIMEOUTS, ...(input.attemptTimeoutMs && { attemptMs: input.attemptTimeoutMs }) },
    retry: { ...DEFAULT_RETRY, ...(input.maxAttempts && { maxAttempts: input.maxAttempts }) },
  })
  const origin = decomposition.method === 'CALLER' ? 'CALLER' : 'WORDS'
  const policy = policyOf(input, plan, await isolationOf(tools, projectId))
  const missing = await checkPlan(tools, projectId, plan, { origin, policy })
  if (missing.length > 0) {
    return { kind: 'INVALID', problems: missing.map((problem) => atPart(problem, plan, task)) }
  }
  const lasting = await checkRollback(tools, projectId, plan, policy)
  if (lasting.length > 0) return { kind: 'INVALID', problems: lasting }
  const { title, description } = task
  if (stored) knowTask(plan, { task: { title, description }, workspace: stored.workspace })
  const prepared = { projectId, task, decomposition, analysis, pattern, plan, limits }
  return {
    kind: 'PREPARED',
    ...prepared,
    policy,
    budget,
    ...(taskId && { taskId }),
  }
}

/** What the caller says of the plan, with the defaults of what it leaves out. */
function planOptions({ aggregate, votes, onFailure, quorum, items, manager }: StartInput): PlanOptions {
  return {
    ...(aggregate && { aggregate }),
    ...(votes !== undefined && { votes }),
    ...(onFailure && { onFailure }),
    ...(quorum !== undefined && { quorum }),
    ...(items && { items: { buffer: DEFAULT_BUFFER, onFailure: 'STOP', ...items } }),
    ...(manager && { manager: { maxStalls: DEFAULT_STALLS, maxChildren: MAX_CHILDREN, ...manager } }),
  }
}

/** A problem with a node of the plan, told of the caller's own part that became that node, if one did. */
function atPart({ path, message }: Problem, { nodes }: Plan, { subTasks = [] }: TaskInput): Problem {
  const node = nodes[Number(path[2])]
  const index = subTasks.findIndex(({ key }) => key === node?.key)
  return { path: index < 0 ? path : ['subTasks', `${index}`], message }
}

/** A rollback needs the workspace as it was: it is kept where there is something to undo. */
function policyOf({ policy = {} }: StartInput, plan: Plan, isolation: Isolation): SessionPolicy {
  const undoes = policy.rollback === true || plan.nodes.some(canBeUndone)
  return { ...DEFAULT_POLICY, isolation, snapshots: undoes, ...policy }
}

/** Where there is somebody who changes files, that is done in worktrees. */
async function isolationOf({ directory }: Means, projectId: string): Promise<Isolation> {
  const agents = await directory.agentsOf(projectId)
  return agents.some(({ workspace }) => workspace === 'WRITE') ? 'WORKTREES' : 'NONE'
}

/** Whether there is something to undo in a part, or in the session that does it. */
function canBeUndone({ compensation, session }: Pick<PlanNode, 'compensation' | 'session'>): boolean {
  return compensation !== undefined || session?.parts.some(canBeUndone) === true
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
    ['planVersions', limits.planVersions, 1, 1_000],
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

function checkBudget({ budget = {}, policy = {} }: StartInput): Problem[] {
  const problems: Problem[] = []
  for (const unit of UNITS) {
    const { soft, hard } = budget[unit] ?? {}
    for (const [name, limit] of Object.entries({ soft, hard })) {
      if (limit === undefined || (Number.isFinite(limit) && limit > 0)) continue
      problems.push({ path: ['budget', unit, name], message: `${unit}.${name} is ${limit}; it must be above 0` })
    }
    if (soft !== undefined && hard !== undefined && soft > hard) {
      problems.push({ path: ['budget', unit, 'soft'], message: `${unit}: the soft limit is above the hard one` })
    }
  }
  const { hard } = budget.DEPTH ?? {}
  if (hard !== undefined && !(Number.isInteger(hard) && hard <= MAX_SESSION_DEPTH)) {
    const message = `DEPTH.hard is ${hard}; it must be a whole number from 1 to ${MAX_SESSION_DEPTH}`
    problems.push({ path: ['budget', 'DEPTH', 'hard'], message })
  }
  if (budget.DEPTH?.soft !== undefined) {
    problems.push({ path: ['budget', 'DEPTH', 'soft'], message: 'DEPTH has a hard limit only' })
  }
  const { interruptMs } = policy
  const [least, most] = [1_000, 30 * 86_400_000]
  if (interruptMs !== undefined && !(Number.isInteger(interruptMs) && interruptMs >= least && interruptMs <= most)) {
    const message = `interruptMs is ${interruptMs}; it must be a whole number from ${least} to ${most}`
    problems.push({ path: ['policy', 'interruptMs'], message })
  }
  return problems
}
