import { AGENT_TYPES } from '../agent.ts'
import { isTooDeep, MAX_DEPTH } from '../json.ts'
import type { Reserve, SubTask } from '../plan.ts'
import { schemaProblems } from '../schema.ts'
import { gateProblems } from './gates.ts'
import { asNoSchema, type At, LONGEST_MS, notText, notWhole, type Problem } from './problem.ts'

const KEY = /^[\w-]{1,64}$/
/** Characters of an agent's name. */
const MAX_NAME = 200
/** More agents than this to fall back on are refused. */
const MAX_FALLBACK = 5
/** Tokens and executions of which nobody can use more. */
const MAX_AMOUNT = Number.MAX_SAFE_INTEGER

/** What the numbers of a sub-task may be, from and to, both included. */
const RANGES = {
  timeouts: { queueMs: [1, LONGEST_MS], attemptMs: [1, LONGEST_MS], idleMs: [1, LONGEST_MS] },
  retry: { maxAttempts: [1, 100], initialMs: [0, LONGEST_MS], factor: [1, 100], maxMs: [0, LONGEST_MS] },
} as const

/** What is wrong with one sub-task by itself, without a look at the others. */
export function partProblems(part: SubTask, at: At): Problem[] {
  const { key, title, type } = part
  const problems: Problem[] = []
  if (!KEY.test(key)) {
    problems.push({ path: at('key'), message: `"${key}" is no key: 1 to 64 letters, digits, - and _` })
  }
  if (title.trim() === '') problems.push({ path: at('title'), message: `"${key}" has no title` })
  if (type !== undefined && !AGENT_TYPES.includes(type)) {
    problems.push({ path: at('type'), message: `"${type}" is none of ${AGENT_TYPES.join(', ')}` })
  }
  problems.push(...outOfRange(part, at))
  const deep = tooDeep(part, at)
  // Whoever looks into what is too deep overflows.
  if (deep.length > 0) return [...problems, ...deep]
  return [
    ...problems,
    ...gateProblems(part.gates ?? [], at),
    ...(['inputSchema', 'outputSchema'] as const).flatMap((name) => {
      const wrong = part[name] === undefined ? [] : schemaProblems(part[name])
      return wrong.map((reason) => ({ path: at(name), message: `${name} of "${key}" ${asNoSchema(reason)}` }))
    }),
    ...fallbackProblems(part, at),
    ...compensationProblems(part, at),
    ...amountProblems(part.reserve, (name) => at('reserve', name), `reserve of "${key}"`),
  ]
}

/** E44: a limit that can't be enforced is refused. */
function outOfRange(part: SubTask, at: At): Problem[] {
  return (['timeouts', 'retry'] as const).flatMap((group) =>
    Object.entries(RANGES[group]).flatMap(([name, [from, to]]): Problem[] => {
      const value = (part[group] as Record<string, number> | undefined)?.[name]
      if (value === undefined || (value >= from && value <= to)) return []
      const message = `${group}.${name} of "${part.key}" is ${value}: it must be from ${from} to ${to}`
      return [{ path: at(group, name), message }]
    }),
  )
}

/** Data that goes too deep would overflow whoever reads it, the database first. */
function tooDeep(part: SubTask, at: At): Problem[] {
  const names = ['gates', 'inputSchema', 'outputSchema', 'compensation', 'session'] as const
  return names.flatMap((name) =>
    isTooDeep(part[name])
      ? [{ path: at(name), message: `${name} of "${part.key}" is nested deeper than ${MAX_DEPTH} levels` }]
      : [],
  )
}

function fallbackProblems({ key, agent, fallback = [] }: SubTask, at: At): Problem[] {
  if (fallback.length > MAX_FALLBACK) {
    const message = `"${key}" has ${fallback.length} agents to fall back on: at most ${MAX_FALLBACK} are possible`
    return [{ path: at('fallback'), message }]
  }
  return fallback.flatMap((name, index): Problem[] => {
    const wrong = notText(name, MAX_NAME)
    const path = at('fallback', `${index}`)
    if (wrong !== undefined) return [{ path, message: `the name of an agent that "${key}" falls back on ${wrong}` }]
    if (name === agent) return [{ path, message: `"${key}" falls back on "${name}", which does it already` }]
    if (fallback.indexOf(name) < index) return [{ path, message: `"${key}" falls back on "${name}" twice` }]
    return []
  })
}

function compensationProblems({ key, compensation }: SubTask, at: At): Problem[] {
  if (!compensation || compensation.title.trim() !== '') return []
  return [{ path: at('compensation', 'title'), message: `the compensation of "${key}" has no title` }]
}

/** What is wrong with amounts of a budget. */
export function amountProblems(
  amounts: (Reserve & { executions?: number }) | undefined,
  at: (name: string) => string[],
  subject: string,
): Problem[] {
  const { tokens, cost, executions } = amounts ?? {}
  const problems: Problem[] = []
  for (const [name, value] of Object.entries({ tokens, executions })) {
    const wrong = value === undefined ? undefined : notWhole(value, 1, MAX_AMOUNT)
    if (wrong !== undefined) problems.push({ path: at(name), message: `${name} in the ${subject} ${wrong}` })
  }
  if (cost !== undefined && !(cost > 0 && cost < Number.POSITIVE_INFINITY)) {
    problems.push({ path: at('cost'), message: `cost in the ${subject} is ${cost}: it must be more than 0` })
  }
  return problems
}
