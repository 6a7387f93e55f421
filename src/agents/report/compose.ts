import type { UpstreamResult } from '../../runtime.ts'
import { count } from '../protocol/wording.ts'
import { code, plainly, table } from './markdown.ts'
import { fields, texts } from './part.ts'
import type { Part, Section } from './part.ts'
import { listOf } from './section.ts'
import { tell } from './sections.ts'

export interface Report {
  title: string
  /** Absolute path of what was looked at. */
  workspace: string
  /** One line that says how things stand. */
  verdict: string
  parts: Part[]
}

/** Statuses of a part whose result can be used. */
const DONE = new Set(['ACCEPTED', 'SUCCEEDED'])

/** Puts the parts in the order they were planned in and finds what to say about each. */
export function composeReport(title: string, workspace: string, upstream: readonly UpstreamResult[]): Report {
  const parts = upstream.map((result): Part => {
    const done = DONE.has(result.status)
    const { sections, attention } = done ? tell(result) : { sections: [], attention: [] }
    const unknown = result.status === 'SKIPPED' ? 'a part that it needs is missing' : 'no reason was given'
    const why = result.error ? `${result.error.class}: ${result.error.message}` : unknown
    return {
      key: result.key,
      title: result.title || result.key,
      agent: result.agent,
      status: result.status,
      summary: done ? (result.summary ?? '') : why,
      done,
      attention,
      sections,
      notes: done ? texts(fields(result.output).notes) : [],
      artifacts: result.artifacts,
    }
  })
  return { title: title || 'Report', workspace, verdict: verdictOf(parts), parts }
}

function verdictOf(parts: readonly Part[]): string {
  if (parts.length === 0) return 'There is nothing to report: no results were handed to this report.'
  const missing = parts.filter((part) => !part.done)
  const attention = parts.flatMap((part) => part.attention)
  const found = attention.length > 0 ? `Needs attention: ${attention.join(', ')}.` : ''
  if (missing.length === parts.length) return 'Nothing is known: every part failed.'
  if (missing.length > 0) {
    return `Incomplete: ${missing.length} of ${count(parts.length, 'part')} ${missing.length === 1 ? 'is' : 'are'} missing (${missing.map((part) => part.title).join(', ')}). ${found}`.trim()
  }
  return (
    found ||
    `${parts.length === 1 ? 'The one part is' : `All ${parts.length} parts are`} done, and nothing stands in the way.`
  )
}

/** The report as Markdown. Sections without content do not exist. */
export function renderReport(report: Report): string {
  const blocks = [
    `# ${plainly(report.title, 200)}`,
    `**${plainly(report.verdict, 1_000)}**`,
    `In ${code(report.workspace)}:`,
  ]
  const overview = report.parts.map((part) => [
    plainly(part.title),
    plainly(part.agent ?? ''),
    part.done ? (part.attention.length > 0 ? 'look at it' : 'done') : plainly(part.status.toLowerCase()),
    plainly(part.summary, 200),
  ])
  blocks.push(table(['Part', 'Agent', 'Status', 'Result'], overview))
  blocks.push(...missingOf(report.parts))
  const all = report.parts.flatMap((part) => part.sections.map((section) => ({ part, section })))
  // What needs somebody comes first, what is good to know comes last.
  const rank = ({ part, section }: (typeof all)[number]): number =>
    section.background === true ? 2 : part.attention.length > 0 ? 0 : 1
  const sorted = all.toSorted((a, b) => rank(a) - rank(b))
  for (const { part, section } of sorted) blocks.push(`## ${titleOf(section, part, all)}`, section.body)
  blocks.push(...notesOf(report.parts))
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`
}

/** What could not be done, right below the overview. */
function missingOf(parts: readonly Part[]): string[] {
  const missing = parts.filter((part) => !part.done)
  if (missing.length === 0) return []
  const lines = missing.map(
    (part) => `- **${plainly(part.title)}** (${plainly(part.status.toLowerCase())}): ${plainly(part.summary, 600)}`,
  )
  return ['## What is missing', lines.join('\n')]
}

/** How the results came about, each note once with the parts that it is from. */
function notesOf(parts: readonly Part[]): string[] {
  const from = new Map<string, string[]>()
  for (const { title, notes } of parts)
    for (const note of new Set(notes)) from.set(note, [...(from.get(note) ?? []), title])
  if (from.size === 0) return []
  const lines = [...from].map(
    ([note, titles]) => `- ${plainly(note)} (${titles.map((title) => plainly(title)).join(', ')})`,
  )
  return ['## Limits of these results', ...listOf(lines, lines.length)]
}

/** With the part's name where several parts have the same section. */
function titleOf(section: Section, part: Part, all: readonly { part: Part; section: Section }[]): string {
  const alike = all.filter((other) => other.section.title === section.title)
  return alike.length > 1 ? `${section.title} (${plainly(part.title)})` : section.title
}
