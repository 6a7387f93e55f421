import type { SubTask } from '../plan.ts'
import { stem, words } from '../text.ts'
import { type Lexicon, LEXICONS } from './lexicon.ts'

/** One reason why a task is hard or easy. */
export interface Factor {
  name: string
  /** How much of it there is, 0 to 1. */
  value: number
  /** The points of complexity that a value of 1 gives; negative for what makes a task easier. */
  weight: number
  /** What it gives here, in points to one decimal; all contributions add up to the complexity. */
  contribution: number
  /** A sentence that a person understands. */
  reason: string
}

type Measure = Omit<Factor, 'contribution'>

/** Code and addresses: what a machine wrote says nothing of what a person wants. */
const NOT_PROSE = /```[\s\S]*?(?:```|$)|`[^`\n]{1,300}`|https?:\/\/\S{1,2000}|\{(?:code|noformat)[^}]{0,40}\}/g

/** More text than this tells nothing new about how hard a task is. In characters. */
const LOOKED_AT = 20_000

/** The part of a scale that a count reaches: 0 for none, 1 from `full` on; the first ones count most. */
const ramp = (count: number, full: number): number => Math.min(1, Math.log1p(count) / Math.log1p(full))

const plural = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`

/** The longest chain of sub-tasks; an unknown or a later key counts for nothing. */
function depthOf(subTasks: readonly SubTask[]): number {
  const depths = new Map<string, number>()
  for (const { key, dependsOn } of subTasks) {
    depths.set(key, 1 + Math.max(0, ...dependsOn.map((other) => depths.get(other) ?? 0)))
  }
  return Math.max(0, ...depths.values())
}

/** How many telling words there are; those of the headline count three times more. */
function telling(lexicon: Lexicon, headline: readonly string[], body: readonly string[]): Measure {
  const { name, weight, full, says } = lexicon
  const inHeadline = new Set(headline.filter((word) => lexicon.words.has(stem(word))))
  const inBody = new Set(body.filter((word) => lexicon.words.has(stem(word))))
  const said = [...inHeadline.union(inBody)]
  return {
    name,
    weight,
    value: ramp(3 * inHeadline.size + inBody.size, full),
    reason:
      said.length === 0 ? `No word says that ${says}.` : `Some words say that ${says}: ${said.slice(0, 4).join(', ')}.`,
  }
}

/**
 * How hard a task looks, 0 to 10 to one decimal, and why.
 *
 * @param headline what the task is called
 * @param body everything else that is said of it
 * @param subTasks its parts
 */
export function complexityOf(
  headline: string,
  body: string,
  subTasks: readonly SubTask[],
): { complexity: number; factors: Factor[] } {
  const head = words(headline.slice(0, LOOKED_AT))
  const prose = words(body.slice(0, LOOKED_AT).replace(NOT_PROSE, ' ')).filter((word) => !/\d/.test(word))
  const length = head.length + prose.length
  const parts = subTasks.length
  const depth = depthOf(subTasks)
  const roots = subTasks.filter((subTask) => subTask.dependsOn.length === 0).length
  const kinds = new Set(subTasks.flatMap((subTask) => subTask.type ?? [])).size
  const beyondOne = (count: number, full: number): number => ramp(Math.max(0, count - 1), full - 1)
  return scored([
    { name: 'base', value: 1, weight: 2.8, reason: 'Every task takes some effort.' },
    { name: 'length', value: ramp(length, 1_000), weight: 0.5, reason: `It is told in ${plural(length, 'word')}.` },
    { name: 'parts', value: beyondOne(parts, 10), weight: 0.8, reason: `It has ${plural(parts, 'part')}.` },
    {
      name: 'depth',
      value: beyondOne(depth, 6),
      weight: 0.4,
      reason: `Its longest chain has ${plural(depth, 'step')}.`,
    },
    {
      name: 'breadth',
      value: beyondOne(roots, 8),
      weight: 0.3,
      reason: `At its start ${plural(roots, 'part')} can run.`,
    },
    { name: 'kinds', value: beyondOne(kinds, 5), weight: 0.9, reason: `It wants ${plural(kinds, 'kind')} of agent.` },
    ...LEXICONS.map((lexicon) => telling(lexicon, head, prose)),
  ])
}

/**
 * Turns measures into contributions in whole tenths that add up to the rounded sum: every one is rounded down, and the
 * tenths that are missing go to those that lost most (the largest remainder method). The weights keep the sum in range:
 * those above 0 add up to 10, and those below 0 take back no more than the base.
 */
function scored(measures: readonly Measure[]): { complexity: number; factors: Factor[] } {
  const exact = measures.map((measure) => {
    const points = measure.value * measure.weight * 10
    return { measure, points, tenths: Math.floor(points) }
  })
  const total = Math.round(exact.reduce((sum, { points }) => sum + points, 0))
  const missing = total - exact.reduce((sum, { tenths }) => sum + tenths, 0)
  const byLoss = exact.toSorted((a, b) => b.points - b.tenths - (a.points - a.tenths))
  const raised = new Set(byLoss.slice(0, missing))
  return {
    complexity: total / 10,
    factors: exact.map((one) => ({ ...one.measure, contribution: (one.tenths + (raised.has(one) ? 1 : 0)) / 10 })),
  }
}
