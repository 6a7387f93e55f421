import { ordered, type Part } from './decompose/order.ts'
import { keyOf, plain, titleOf } from './decompose/phrase.ts'
import { read, type Reading } from './decompose/reading.ts'
import { skillsOf } from './decompose/skills.ts'
import type { SubTask } from './plan.ts'
import { stems } from './text.ts'

/** A task as far as its words go. */
export interface TaskText {
  title: string
  description: string
  /** The caller's own sub-tasks; they are taken as they are. */
  subTasks?: readonly SubTask[]
  /** Skills that the caller demands. */
  capabilities?: readonly string[]
}

/** Where the sub-tasks come from: the caller, a list, words of order, clauses; or the task is one piece. */
export type DecompositionMethod = 'CALLER' | 'LIST' | 'STEPS' | 'CLAUSES' | 'SINGLE'

export interface Decomposition {
  /** Every `dependsOn` names an earlier one; only the caller's own are neither reordered nor checked here. */
  subTasks: SubTask[]
  method: DecompositionMethod
  /** Sentences that say how the text was read. */
  reasons: string[]
}

/** More than a person reviews in a plan: the rest is merged into the last one. */
export const MAX_SUB_TASKS = 50

/** Stands between the words of a sub-task and what is said about all of them. */
const CONTEXT_MARK = '\n\nContext: '

/** A sub-task in its own words, without what is said about all of them. */
export function ownWords({ title, description }: SubTask): string {
  const end = description.indexOf(CONTEXT_MARK)
  return (end < 0 ? description : description.slice(0, end)) || title
}

/** What is said about all parts is repeated in each of them, in so many characters at most. */
const CONTEXT_LIMIT = 2_000

/**
 * Splits a task into sub-tasks by its words alone: the caller's own, else the items of a list, else the clauses that ask
 * for something. Parts joined by commas or `and` are independent unless one works on an earlier result; `then` is a
 * barrier that everything behind it waits for. Takes any text, in time linear in its length.
 */
export function decompose(task: TaskText): Decomposition {
  const own = task.subTasks ?? []
  if (own.length > 0) {
    return { subTasks: [...own], method: 'CALLER', reasons: [`The caller gave ${countOf(own.length)}.`] }
  }
  const reading = bestReading(task)
  if (reading.parts.length < 2) return single(task, reading)
  const reasons = [...reading.reasons]
  const parts = merge(reading.parts, reasons)
  const context = reading.context.join('. ').slice(0, CONTEXT_LIMIT)
  const taken = new Set<string>()
  const named = parts.map((part, at) => {
    const title = titleOf(part.text) || `Part ${at + 1}`
    const key = keyOf(title, taken)
    taken.add(key)
    return { ...part, title, key }
  })
  const subTasks = ordered(named).map(({ part: { key, title, text }, dependsOn }): SubTask => ({
    key,
    title,
    description: context === '' ? text : `${text}${CONTEXT_MARK}${context}`,
    ...skillsOf(text),
    dependsOn: dependsOn.map((other) => other.key),
  }))
  demand(task.capabilities ?? [], subTasks, reasons)
  return { subTasks, method: reading.method, reasons }
}

const countOf = (count: number): string => (count === 1 ? '1 sub-task' : `${count} sub-tasks`)

/** The description says more than the title, unless only the title names several things to do. */
function bestReading(task: TaskText): Reading {
  const description = read(task.description)
  if (description.parts.length > 1) return description
  const title = read(task.title)
  if (title.parts.length < 2) return description.parts.length > 0 ? description : title
  const details = plain(task.description)
  return details === '' ? title : { ...title, context: [...title.context, details] }
}

function single(task: TaskText, reading: Reading): Decomposition {
  const asked = reading.parts[0]?.text ?? task.description
  const title = titleOf(task.title) || titleOf(asked) || 'Task'
  const byTitle = skillsOf(plain(task.title))
  const skills = byTitle.type === undefined ? skillsOf(plain(asked)) : byTitle
  const subTask: SubTask = {
    key: keyOf(title, new Set()),
    title,
    description: task.description.trim() === '' ? task.title : task.description,
    ...skills,
    dependsOn: [],
  }
  const demanded = task.capabilities ?? []
  if (demanded.length > 0) subTask.capabilities = [...demanded]
  return { subTasks: [subTask], method: 'SINGLE', reasons: ['The text asks for one thing only.'] }
}

/** Keeps within {@link MAX_SUB_TASKS}. */
function merge(parts: readonly Part[], reasons: string[]): Part[] {
  if (parts.length <= MAX_SUB_TASKS) return [...parts]
  const rest = parts.slice(MAX_SUB_TASKS - 1)
  reasons.push(
    `The text has ${parts.length} parts, more than ${MAX_SUB_TASKS}: the last ${rest.length} were merged into one.`,
  )
  return [...parts.slice(0, MAX_SUB_TASKS - 1), { text: rest.map((part) => part.text).join('\n'), joiner: 'THEN' }]
}

/** Gives the skills that the caller demands to the parts whose words speak of them, else to those that demand none. */
function demand(demanded: readonly string[], subTasks: readonly SubTask[], reasons: string[]): void {
  const said = new Map(subTasks.map((subTask) => [subTask, new Set(stems(ownWords(subTask)))]))
  const free = subTasks.filter((subTask) => subTask.capabilities.length === 0)
  for (const capability of demanded) {
    const wanted = new Set(stems(capability))
    const spoken = [...said].flatMap(([subTask, words]) =>
      wanted.size > 0 && wanted.isSubsetOf(words) ? [subTask] : [],
    )
    const takers = spoken.length > 0 ? spoken : free.length > 0 ? free : subTasks
    for (const subTask of takers) subTask.capabilities = [...new Set([...subTask.capabilities, capability])]
    reasons.push(
      spoken.length > 0
        ? `${capability} is demanded of ${spoken.map((subTask) => subTask.key).join(', ')}, whose words speak of it.`
        : `No part speaks of ${capability}: it is demanded of ${takers.map((subTask) => subTask.key).join(', ')}.`,
    )
  }
}
