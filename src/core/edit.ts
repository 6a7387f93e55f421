import { checkSubTask, MAX_CHILDREN, MAX_SUB_TASKS, type Problem } from './check.ts'
import { partProblems } from './check/part.ts'
import type { At } from './check/problem.ts'
import { inOrder } from './gate.ts'
import { isTooDeep, type Json, MAX_DEPTH } from './json.ts'
import { DEFAULT_COMPILE } from './pattern.ts'
import { CLOSING, endsOf, isDoneByCoordinator } from './patterns/closing.ts'
import { makeNode } from './patterns/node.ts'
import type { Plan, PlanGroup, PlanNode, SubTask } from './plan.ts'

/** What can be said anew of a node; what is left out stays. */
export interface NodeChanges extends Partial<
  Pick<SubTask, 'title' | 'description' | 'capabilities' | 'input' | 'optional' | 'timeouts' | 'retry' | 'gates'>
> {
  /** Null: any agent that can. */
  agent?: string | null
}

/** One change of a plan, of whatever pattern. */
export type PlanEdit =
  /** Those that wait for it wait for what it waited for instead, and are not handed its output. */
  | { kind: 'REMOVE'; key: string }
  | { kind: 'REPLACE'; key: string; changes: NodeChanges }
  /** It waits for what it depends on, and nothing waits for it but the end. */
  | { kind: 'ADD'; subTask: SubTask }

/**
 * Makes the edits one after the other, all of them or none: whatever is refused is told, with the path to it. What has
 * begun can't be changed any more. The closing node follows.
 *
 * @param started keys of the nodes that have begun or ended
 * @param level of the session, see `checkSubTasks`
 */
export function editPlan(
  plan: Plan,
  edits: readonly PlanEdit[],
  started: ReadonlySet<string>,
  level = 1,
): { plan: Plan } | { problems: Problem[] } {
  const problems: Problem[] = []
  let edited = plan
  for (const [index, edit] of edits.entries()) {
    const at: At = (...rest) => ['edits', `${index}`, ...rest]
    const wrong =
      edit.kind === 'ADD'
        ? addProblems(edited, edit.subTask, started, level, at)
        : edit.kind === 'REMOVE'
          ? removeProblems(edited, edit.key, started, at)
          : replaceProblems(edited, edit, started, at)
    problems.push(...wrong)
    if (wrong.length === 0) edited = withNodes(edited, nodesAfter(edited, edit))
  }
  problems.push(...wholeProblems(edited))
  return problems.length > 0 ? { problems } : { plan: edited }
}

function nodesAfter(plan: Plan, edit: PlanEdit): PlanNode[] {
  if (edit.kind === 'ADD') return add(plan, edit.subTask)
  if (edit.kind === 'REMOVE') return remove(plan, edit.key)
  return plan.nodes.map((node) => (node.key === edit.key ? replace(node, edit.changes) : node))
}

/** Without a closing node or a manager, what stands at the ends is the session's output. */
function withNodes(plan: Plan, nodes: PlanNode[]): Plan {
  const kept = plan.outputs.filter((key) => nodes.some((node) => node.key === key))
  const outputs = closingOf(plan) || plan.manager ? kept : endsOf(nodes).map(({ key }) => key)
  return { ...plan, nodes, outputs }
}

function closingOf({ nodes }: Plan): PlanNode | undefined {
  return nodes.find(({ group }) => group === CLOSING.key)
}

function add(plan: Plan, subTask: SubTask): PlanNode[] {
  const { key, dependsOn } = subTask
  const last = plan.nodes.find((node) => node.key === dependsOn.at(-1))
  // The first group that has no other below it is where the first nodes are.
  const leaf = plan.groups.find((group) => !plan.groups.some(({ parent }) => parent === group.key)) as PlanGroup
  const group = last?.group ?? leaf.key
  const added = makeNode({ part: subTask, group, after: dependsOn, needs: dependsOn }, DEFAULT_COMPILE)
  const closing = closingOf(plan)
  if (!closing) return [...plan.nodes, added]
  const { after, needs } = closing
  return [
    ...plan.nodes.filter((node) => node !== closing),
    added,
    { ...closing, after: [...after, key], needs: [...needs, key] },
  ]
}

/** Order is kept: whoever was handed something from before the removed node still comes after it. */
function remove({ nodes }: Plan, key: string): PlanNode[] {
  const removed = nodes.find((node) => node.key === key) as PlanNode
  return nodes.flatMap((node) => {
    if (node === removed) return []
    const { behind = [], onceBegun = [], ...rest } = node
    const left = { behind: without(behind, key), onceBegun: without(onceBegun, key) }
    const after = node.after.flatMap((one) => (one === key ? removed.after : [one]))
    return [
      {
        ...rest,
        after: [...new Set(after)],
        needs: without(node.needs, key),
        ...(left.behind.length > 0 && { behind: left.behind }),
        ...(left.onceBegun.length > 0 && { onceBegun: left.onceBegun }),
      },
    ]
  })
}

function without(keys: readonly string[], key: string): string[] {
  return keys.filter((one) => one !== key)
}

function replace({ agent: was, gates: had = [], ...node }: PlanNode, changes: NodeChanges): PlanNode {
  const { agent = was ?? null, gates = had, timeouts, retry, ...plain } = changes
  return {
    ...node,
    ...plain,
    ...(agent !== null && { agent }),
    timeouts: { ...node.timeouts, ...timeouts },
    retry: { ...node.retry, ...retry },
    ...(gates.length > 0 && { gates: inOrder(gates) }),
  }
}

function addProblems(plan: Plan, subTask: SubTask, started: ReadonlySet<string>, level: number, at: At): Problem[] {
  const inPart: At = (...rest) => at('subTask', ...rest)
  const { key, inputSchema, session, input } = subTask
  const closing = closingOf(plan)
  if (plan.manager) return [{ path: at('kind'), message: 'only its manager adds to a managed plan: tell the session' }]
  if (closing?.kind === 'ITEMS') return [{ path: at('kind'), message: 'nothing can be added to a pipeline of items' }]
  if (closing && started.has(closing.key)) return [{ path: at('kind'), message: closed(closing) }]
  const parts = plan.nodes.filter((node) => node !== closing)
  const problems = checkSubTask(
    subTask,
    parts.map((node) => node.key),
    'AUTO',
    level,
    inPart,
  )
  const refuse = (path: string[], message: string): number => problems.push({ path, message })
  if (plan.nodes.some((node) => node.key === key)) refuse(inPart('key'), `"${key}" is in the plan already`)
  if (parts.length >= MAX_SUB_TASKS) refuse(inPart(), `the plan has ${MAX_SUB_TASKS} sub-tasks, which is the limit`)
  if (session && parts.filter(({ kind }) => kind === 'SESSION').length >= MAX_CHILDREN) {
    refuse(inPart('session'), `${MAX_CHILDREN} sub-tasks are sessions of their own, which is the limit`)
  }
  if (inputSchema !== undefined) {
    refuse(
      inPart('inputSchema'),
      `"${key}" follows no stage of a PIPELINE: its inputSchema would be held against nothing`,
    )
  }
  return [...problems, ...inputProblems(key, input, inPart)]
}

function removeProblems(plan: Plan, key: string, started: ReadonlySet<string>, at: At): Problem[] {
  const path = at('key')
  const node = plan.nodes.find((one) => one.key === key)
  if (!node) return [{ path, message: `"${key}" is not in the plan` }]
  if (started.has(key)) return [{ path, message: `"${key}" has begun: cancel it instead` }]
  if (node.group === CLOSING.key) return [{ path, message: `"${key}" closes the plan and can't be removed` }]
  const late = plan.nodes.find((one) => started.has(one.key) && edgesOf(one).includes(key))
  return late ? [{ path, message: closed(late) }] : []
}

function replaceProblems(
  plan: Plan,
  { key, changes }: Extract<PlanEdit, { kind: 'REPLACE' }>,
  started: ReadonlySet<string>,
  at: At,
): Problem[] {
  const path = at('key')
  const inChanges: At = (...rest) => at('changes', ...rest)
  const node = plan.nodes.find((one) => one.key === key)
  if (!node) return [{ path, message: `"${key}" is not in the plan` }]
  if (started.has(key)) return [{ path, message: `"${key}" has begun: what it is to do can't be changed any more` }]
  if (isDoneByCoordinator(node.kind))
    return [{ path, message: `"${key}" is done by the coordinator, always in the same way` }]
  const { agent = null, input, ...plain } = changes
  if (node.kind === 'SESSION' && agent !== null) {
    return [{ path: inChanges('agent'), message: `"${key}" is a session, which takes no agent` }]
  }
  const { title, description, capabilities, fallback } = node
  const part: SubTask = {
    key,
    title,
    description,
    capabilities,
    dependsOn: [],
    ...(fallback && { fallback }),
    ...plain,
    ...(agent !== null && { agent }),
  }
  return [...partProblems(part, inChanges), ...inputProblems(key, input, inChanges)]
}

function inputProblems(key: string, input: Json | undefined, at: At): Problem[] {
  if (!isTooDeep(input)) return []
  return [
    { path: at('input'), message: `the input of "${key}" is nested deeper than ${MAX_DEPTH} levels: write it flatter` },
  ]
}

/** What only shows once all edits are made: E44 holds for what is left, too. */
function wholeProblems(plan: Plan): Problem[] {
  const path = ['edits']
  const closing = closingOf(plan)
  const parts = plan.nodes.filter((node) => node !== closing)
  if (parts.length === 0) return [{ path, message: 'nothing would be left to do' }]
  const problems: Problem[] = []
  if (closing?.votes !== undefined && closing.votes > closing.needs.length) {
    const message = `"${closing.key}" wants ${closing.votes} votes, but only ${closing.needs.length} branches would be left`
    problems.push({ path, message })
  }
  for (const { key, quorum = 0 } of plan.manager ? [] : plan.groups) {
    const below = new Set([key, ...plan.groups.flatMap((group) => (group.parent === key ? [group.key] : []))])
    const members = parts.filter(({ group }) => below.has(group)).length
    if (quorum <= members) continue
    problems.push({ path, message: `"${key}" wants ${quorum} to be accepted, but only ${members} would be left` })
  }
  return problems
}

function edgesOf({ after, needs, behind = [], onceBegun = [] }: PlanNode): string[] {
  return [...after, ...needs, ...behind, ...onceBegun]
}

function closed({ key }: PlanNode): string {
  return `"${key}" has begun with what there was`
}
