import { AGENT_TYPES } from './agent.ts'
import { findCycle } from './graph.ts'
import type { Pattern, SubTask } from './plan.ts'

/** Something wrong with what a caller handed in. */
export interface Problem {
  /** Where, for instance ['subTasks', '2', 'dependsOn']. */
  path: string[]
  /** What, and what would be right. */
  message: string
}

/** More executions than this in one session are refused. */
export const MAX_SUB_TASKS = 200
const KEY = /^[\w-]{1,64}$/

/** Timers hold no more milliseconds than this. */
const LONGEST_MS = 2 ** 31 - 1
/** What the numbers of a sub-task may be, from and to, both included. */
const RANGES = {
  timeouts: { queueMs: [1, LONGEST_MS], attemptMs: [1, LONGEST_MS], idleMs: [1, LONGEST_MS] },
  retry: { maxAttempts: [1, 100], initialMs: [0, LONGEST_MS], factor: [1, 100], maxMs: [0, LONGEST_MS] },
} as const

/** Everything that is wrong with a caller's sub-tasks; empty: they can be compiled. */
export function checkSubTasks(parts: readonly SubTask[], pattern: Pattern | 'AUTO'): Problem[] {
  const problems: Problem[] = []
  if (parts.length > MAX_SUB_TASKS) {
    return [{ path: ['subTasks'], message: `${parts.length} sub-tasks are more than the limit of ${MAX_SUB_TASKS}` }]
  }
  const known = parts.map(({ key }) => key)
  parts.forEach((part, index) => {
    const at = (...rest: string[]): string[] => ['subTasks', String(index), ...rest]
    const { key, title, type, dependsOn } = part
    if (!KEY.test(key)) {
      problems.push({ path: at('key'), message: `"${key}" is no key: 1 to 64 letters, digits, - and _` })
    }
    if (known.indexOf(key) < index) problems.push({ path: at('key'), message: `"${key}" is the key of two sub-tasks` })
    if (title.trim() === '') problems.push({ path: at('title'), message: `"${key}" has no title` })
    if (type !== undefined && !AGENT_TYPES.includes(type)) {
      problems.push({ path: at('type'), message: `"${type}" is none of ${AGENT_TYPES.join(', ')}` })
    }
    if (pattern === 'PARALLEL' && dependsOn.length > 0) {
      const message = `branches of PARALLEL share nothing, but "${key}" depends on "${dependsOn.join('", "')}": use HIERARCHICAL or AUTO`
      problems.push({ path: at('dependsOn'), message })
    }
    problems.push(...outOfRange(part, at))
    dependsOn.forEach((dependency, place) => {
      if (dependsOn.indexOf(dependency) < place) {
        problems.push({ path: at('dependsOn'), message: `"${key}" depends on "${dependency}" twice` })
      }
      if (!known.includes(dependency)) {
        const message = `"${key}" depends on "${dependency}", which is not among ${known.join(', ')}`
        problems.push({ path: at('dependsOn'), message })
      }
    })
  })
  const cycle = findCycle(parts.map(({ key, dependsOn }) => ({ key, after: dependsOn })))
  if (cycle) {
    problems.push({ path: ['subTasks'], message: `the dependencies go round in a circle: ${cycle.join(' -> ')}` })
  }
  return problems
}

/** Rule 9: a limit that can't be enforced is refused. */
function outOfRange(part: SubTask, at: (...rest: string[]) => string[]): Problem[] {
  return (['timeouts', 'retry'] as const).flatMap((group) =>
    Object.entries(RANGES[group]).flatMap(([name, [from, to]]): Problem[] => {
      const value = (part[group] as Record<string, number> | undefined)?.[name]
      if (value === undefined || (value >= from && value <= to)) return []
      const message = `${group}.${name} of "${part.key}" is ${value}: it must be from ${from} to ${to}`
      return [{ path: at(group, name), message }]
    }),
  )
}
