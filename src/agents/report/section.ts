import type { UpstreamResult } from '../../runtime.ts'
import { plainly } from './markdown.ts'
import type { Section } from './part.ts'

/** Rows of one table or list; the rest is counted. */
export const LISTED = 20

/** What a result gives to a report. */
export interface Told {
  sections: Section[]
  /** What somebody should look at, in a few words each. */
  attention: string[]
}

/** A section of the parts that are not empty; none if all are. */
export function section(title: string, ...body: string[]): Section[] {
  const filled = body.filter((part) => part !== '')
  return filled.length === 0 ? [] : [{ title, body: filled.join('\n\n') }]
}

/** The same as what is good to know but asks for nothing. */
export function background(title: string, ...body: string[]): Section[] {
  return section(title, ...body).map((one) => ({ ...one, background: true }))
}

/** How many more there are. */
export function rest(total: number, shown: number): string {
  return total > shown ? `… and ${total - shown} more.` : ''
}

/** Where an artifact lies beside the report. */
export function link(result: UpstreamResult, name: string, label = name): string {
  // What encodeURI leaves as it is, but would end a link or its path.
  const target = encodeURI(`${result.key}/${name}`).replace(/[()#?]/g, (mark) => `%${mark.charCodeAt(0).toString(16)}`)
  return `[${plainly(label)}](./${target})`
}

/** The first lines of a list, and how many more there are of `total`. */
export function listOf(lines: readonly string[], total: number): string[] {
  return [lines.slice(0, LISTED).join('\n'), rest(Math.max(total, lines.length), Math.min(LISTED, lines.length))]
}
