import cliTruncate from 'cli-truncate'
import stringWidth from 'string-width'
import { isSettled, takesRoom } from '../../core/execution.ts'
import type { ExecutionView, SessionView } from '../view.ts'
import { count, duration, inWords, oneLine } from '../words.ts'
import { answering, type Typed } from './event-line.ts'
import { heading } from './heading.ts'
import type { Paint } from './paint.ts'

export interface FrameOptions {
  paint: Paint
  /** Milliseconds since the epoch. */
  now: number
  /** Size of the terminal, in characters. */
  columns: number
  rows: number
  typed: Typed
}

/** Questions to people that are shown; of more there is only their number. */
const QUESTIONS = 3

const SPINNER = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'
/** How long each picture of the spinner stands, in milliseconds. */
export const SPIN_MS = 100

/**
 * The whole picture of a session as lines that fit the terminal: its heading, then each execution with its state,
 * agent and time, and what its agent shows last. What has settled gives way first when the terminal is too low.
 */
export function frame(view: SessionView, options: FrameOptions): string[] {
  const { paint, columns, rows } = options
  const fit = (line: string): string => cliTruncate(line, Math.max(1, columns - 1))
  const head = [...heading(view, paint), ...held(view, options), ...asked(view, options), '']
  const widths = {
    key: Math.max(0, ...view.executions.map(({ key }) => stringWidth(key))),
    agent: Math.max(0, ...view.executions.map(({ agent }) => stringWidth(agent ?? ''))),
  }
  const blocks = view.executions.map((execution) => ({ execution, lines: block(execution, widths, options) }))
  // One row stays free for the cursor.
  const body = lower(blocks, rows - head.length - 1)
  return [...head, ...body].slice(0, Math.max(1, rows - 1)).map(fit)
}

/** Why nothing new begins, where somebody wanted it so. */
function held({ id, status, reason }: SessionView, { paint, typed }: FrameOptions): string[] {
  if (status === 'PAUSED') return [paint('yellow', `paused: ${typed(`resume ${id}`)} goes on`)]
  const because = reason === null ? '' : `: ${oneLine(reason)}`
  if (status === 'CANCELING') return [paint('yellow', `stopping${because}`)]
  return status === 'ROLLING_BACK' ? [paint('yellow', `rolling back${because}`)] : []
}

/** What waits for a person, and how to answer. */
function asked({ interrupts }: SessionView, { paint, typed }: FrameOptions): string[] {
  const more = interrupts.length - QUESTIONS
  return [
    ...interrupts.slice(0, QUESTIONS).map((one) => {
      const who = one.key === null ? '' : `${one.key}: `
      return paint('yellow', `waits for you: ${answering(one, typed)}   ${who}${oneLine(one.question)}`)
    }),
    ...(more > 0 ? [paint('yellow', `waits for you: ${count(more, 'more question')}, see ${typed('approve')}`)] : []),
  ]
}

interface Block {
  execution: ExecutionView
  lines: string[]
}

const done = ({ execution }: Block): boolean => isSettled(execution.status)
const underWay = ({ execution }: Block): boolean => takesRoom(execution.status)
const waiting = (block: Block): boolean => !done(block) && !underWay(block)
const allOf = (blocks: readonly Block[]): string[] => blocks.flatMap(({ lines }) => lines)
const inOne = (blocks: readonly Block[], what: string): string[] =>
  blocks.length > 0 ? [`  ${count(blocks.length, 'execution')} ${what}`] : []

/** Ways to say the same in ever fewer lines. */
const SHORTER: ((blocks: readonly Block[]) => string[])[] = [
  allOf,
  (blocks) => blocks.flatMap((block) => (done(block) ? block.lines.slice(0, 1) : block.lines)),
  (blocks) => [...inOne(blocks.filter(done), 'settled'), ...allOf(blocks.filter((block) => !done(block)))],
  (blocks) => [
    ...inOne(blocks.filter(done), 'settled'),
    ...allOf(blocks.filter(underWay)),
    ...inOne(blocks.filter(waiting), 'waiting'),
  ],
]

/** The blocks in the first way that fits; the shortest if none does. */
function lower(blocks: readonly Block[], room: number): string[] {
  let lines: string[] = []
  for (const shorten of SHORTER) {
    lines = shorten(blocks)
    if (lines.length <= room) break
  }
  return lines
}

function block(execution: ExecutionView, widths: { key: number; agent: number }, options: FrameOptions): string[] {
  const { paint } = options
  const { key, agent, title, line, status } = execution
  const time = timeOf(execution, options.now)
  const words = [
    symbol(execution, options),
    pad(key, widths.key),
    ...(widths.agent > 0 ? [paint('dim', pad(agent ?? '', widths.agent))] : []),
    `${oneLine(title)}${time === undefined ? '' : paint('dim', ` ${time}`)}`,
  ]
  const below = takesRoom(status) ? (line ?? again(execution)) : remark(execution)
  return [words.join(' '), ...(below === null ? [] : [paint('dim', `  └ ${oneLine(below)}`)])]
}

const pad = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - stringWidth(text)))

function symbol({ status }: ExecutionView, { paint, now }: FrameOptions): string {
  if (status === 'ACCEPTED') return paint('green', '✔')
  if (status === 'FAILED') return paint('red', '✖')
  if (status === 'SKIPPED' || status === 'CANCELED') return paint('yellow', '↷')
  if (status === 'COMPENSATED') return paint('yellow', '↶')
  if (status === 'WAITING') return paint('yellow', '…')
  if (takesRoom(status)) return paint('cyan', SPINNER[Math.floor(now / SPIN_MS) % SPINNER.length] as string)
  return paint('dim', '·')
}

function timeOf({ startedAt, endedAt, attempts, status }: ExecutionView, now: number): string | undefined {
  if (startedAt === null) return undefined
  const time = takesRoom(status) || endedAt !== null ? duration((endedAt ?? now) - startedAt) : undefined
  const tries = attempts > 1 ? `attempt ${attempts}` : undefined
  return [time, tries].filter((part) => part !== undefined).join(', ') || undefined
}

const again = ({ rejected }: ExecutionView): string | null =>
  rejected === null ? null : `again, because it was rejected: ${rejected}`

/** What there is to say below an execution that is not under way. */
function remark(execution: ExecutionView): string | null {
  const { status, summary, error, cause, resumeAt, asks } = execution
  if (status === 'ACCEPTED') return summary
  if (asks !== null) return `waits for an answer: ${asks}`
  if (status === 'READY') return again(execution)
  if (status === 'COMPENSATED') return 'undone'
  if (status === 'WAITING') return error === null ? 'waits to be tried again' : `waits to be tried again: ${error}`
  if (status === 'SKIPPED') return cause === null ? 'skipped' : `skipped because of ${cause}`
  if (status === 'FAILED' || status === 'CANCELED') return error ?? inWords(status)
  return resumeAt === null ? null : 'waits'
}
