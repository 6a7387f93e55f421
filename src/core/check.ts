import { MAX_SESSION_DEPTH } from './budget.ts'
import { checkOptions } from './check/options.ts'
import { amountProblems, partProblems } from './check/part.ts'
import { type At, noneOf, type Problem } from './check/problem.ts'
import { stageProblems } from './check/stages.ts'
import { findCycle } from './graph.ts'
import { type ChildSession, type Pattern, PATTERNS, type SubTask } from './plan.ts'

export type { Problem } from './check/problem.ts'

/** More sub-tasks than this in one session are refused. */
export const MAX_SUB_TASKS = 200
/** Sub-tasks of one session that are sessions themselves. */
export const MAX_CHILDREN = 20

/**
 * Everything that is wrong with a caller's sub-tasks; empty: they can be compiled.
 *
 * @param level of the session that they are for; 1: it is nobody's child
 */
export function checkSubTasks(parts: readonly SubTask[], pattern: Pattern | 'AUTO', level = 1): Problem[] {
  return checkParts(parts, pattern, level, ['subTasks'])
}

function checkParts(
  parts: readonly SubTask[],
  pattern: Pattern | 'AUTO',
  level: number,
  path: readonly string[],
): Problem[] {
  if (parts.length > MAX_SUB_TASKS) {
    return [{ path: [...path], message: `${parts.length} sub-tasks are more than the limit of ${MAX_SUB_TASKS}` }]
  }
  const known = parts.map(({ key }) => key)
  const below = (index: number): At => {
    return (...rest) => [...path, `${index}`, ...rest]
  }
  const problems = parts.flatMap((part, index) => {
    const at = below(index)
    const twice = { path: at('key'), message: `"${part.key}" is the key of two sub-tasks` }
    return [...(known.indexOf(part.key) < index ? [twice] : []), ...checkSubTask(part, known, pattern, level, at)]
  })
  const children = parts.filter(({ session }) => session).length
  if (children > MAX_CHILDREN) {
    const message = `${children} sub-tasks are sessions of their own: at most ${MAX_CHILDREN} are possible`
    problems.push({ path: [...path], message })
  }
  const cycle = findCycle(parts.map(({ key, dependsOn }) => ({ key, after: dependsOn })))
  if (cycle) {
    problems.push({ path: [...path], message: `the dependencies go round in a circle: ${cycle.join(' -> ')}` })
  }
  return [...problems, ...stageProblems(parts, pattern, below)]
}

/**
 * Everything that is wrong with one sub-task among others.
 *
 * @param known keys of all that it may depend on
 * @param level of the session that it is for
 */
export function checkSubTask(
  part: SubTask,
  known: readonly string[],
  pattern: Pattern | 'AUTO',
  level: number,
  at: At,
): Problem[] {
  return [
    ...partProblems(part, at),
    ...edgeProblems(part, known, pattern, at),
    ...(part.session ? sessionProblems(part, part.session, level, at) : []),
  ]
}

/** What is wrong with what a sub-task depends on. */
function edgeProblems(
  { key, dependsOn, evenIfSkipped }: SubTask,
  known: readonly string[],
  pattern: Pattern | 'AUTO',
  at: At,
): Problem[] {
  const messages: string[] = []
  if (pattern === 'PARALLEL' && dependsOn.length > 0) {
    messages.push(
      `branches of PARALLEL share nothing, but "${key}" depends on "${dependsOn.join('", "')}": use HIERARCHICAL or AUTO`,
    )
  }
  dependsOn.forEach((dependency, place) => {
    if (dependsOn.indexOf(dependency) < place) messages.push(`"${key}" depends on "${dependency}" twice`)
    if (!known.includes(dependency)) {
      messages.push(`"${key}" depends on "${dependency}", which is not among ${known.join(', ')}`)
    }
  })
  const problems = messages.map((message) => ({ path: at('dependsOn'), message }))
  if (!evenIfSkipped || dependsOn.length > 0) return problems
  const message = `"${key}" depends on nothing that could be skipped: evenIfSkipped needs dependsOn`
  return [...problems, { path: at('evenIfSkipped'), message }]
}

/** What is wrong with a session of its own that a sub-task is. */
function sessionProblems(part: SubTask, session: ChildSession, level: number, at: At): Problem[] {
  const inSession: At = (...rest) => at('session', ...rest)
  const problems = (['agent', 'fallback', 'reserve'] as const)
    .filter((name) => part[name] !== undefined)
    .map((name) => ({ path: at(name), message: `"${part.key}" is a session, which takes no ${name}` }))
  const unknown = noneOf(session.pattern, PATTERNS)
  if (unknown !== undefined) return [...problems, { path: inSession('pattern'), message: `the pattern ${unknown}` }]
  if (level >= MAX_SESSION_DEPTH) {
    const message = `the session "${part.key}" would be on level ${level + 1}: at most ${MAX_SESSION_DEPTH} are possible`
    return [...problems, { path: inSession(), message }]
  }
  if (session.parts.length === 0) {
    problems.push({ path: inSession('parts'), message: `the session "${part.key}" has no parts` })
  }
  return [
    ...problems,
    ...amountProblems(session.slice, (name) => inSession('slice', name), `slice of "${part.key}"`),
    ...checkOptions(session.parts, session.pattern, session, inSession),
    ...checkParts(session.parts, session.pattern, level + 1, inSession('parts')),
  ]
}
