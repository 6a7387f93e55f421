import type { Json } from '../../core/json.ts'
import { lastLine, plainText, shorten } from '../../processes/lines.ts'
import type { Evidence, Outcome, Usage } from '../../runtime.ts'
import type { Change } from './changes.ts'
import type { Identity } from './conversation.ts'
import type { Ruling } from './gatekeeper.ts'
import { CHANGING } from './tool-call.ts'
import type { ToolCall } from './tool-call.ts'

/** All that is known of a turn that an agent has ended. */
export interface Turn {
  name: string
  stopReason: string
  identity: Identity
  answer: string
  calls: { known: ToolCall[]; count: number }
  rulings: { known: Ruling[]; denied: number }
  /** What changed in the workspace; undefined where that cannot be told. */
  changes: Change[] | undefined
  /** Whether work that changes no file has failed, whatever the agent tried. */
  mustChange: boolean
  durationMs: number
  usage: Usage
}

const SHOWN_CALLS = 100
const SHOWN_FILES = 200
const SUMMARY_LENGTH = 500

/** Stopped before it was done, in words. */
const CUT_SHORT: Readonly<Record<string, string>> = {
  max_tokens: 'it reached the most tokens that its model gives',
  max_turn_requests: 'it reached its own limit of requests in a turn',
  refusal: 'its model refused the work',
  cancelled: 'it gave up the turn, and nobody had asked it to',
}

/**
 * What a turn means. That the agent says it is done counts for nothing: what its tools told and what became of the
 * workspace does.
 */
export function judge(turn: Turn): Outcome {
  const { name, stopReason, answer, calls, rulings, changes, usage } = turn
  const evidence = evidenceOf(turn)
  const failed = (errorClass: 'AGENT' | 'AUTH', why: string): Outcome => ({
    kind: 'ERROR',
    error: { class: errorClass, message: `Agent "${name}": ${why}.` },
    evidence,
    usage,
  })
  const nothing = (why: string): Outcome => ({ kind: 'NOTHING', why, evidence, usage })
  const said = lastLine(answer, 200)
  const words = said === undefined ? 'it said nothing' : `it said: ${said}`
  const cut = CUT_SHORT[stopReason]
  if (cut !== undefined) return failed('AGENT', `${cut} (${stopReason}); ${words}`)

  const attempts = calls.known.filter(({ kind }) => CHANGING.has(kind))
  const changed = changes ? changes.length > 0 : attempts.some(({ status }) => status === 'completed')
  if (!changed && (turn.mustChange || attempts.length > 0)) {
    if (rulings.denied > 0) {
      const denied = rulings.known.find(({ decision }) => decision === 'DENIED')
      const what = denied ? `: ${denied.kind} ${denied.title} (by ${denied.by.toLowerCase()})` : ''
      return failed('AUTH', `it changed nothing, for it was denied ${rulings.denied} tool calls${what}`)
    }
    const tried = attempts.filter(({ status }) => status === 'failed').length
    const how = tried > 0 ? `; ${tried} of its edits failed` : ''
    return nothing(`no file in the workspace has changed, although that was its task${how}; ${words}`)
  }
  if (!changed && answer === '') return nothing('it said nothing and changed nothing')

  const files = (changes ?? []).slice(0, SHOWN_FILES).map((change) => ({ ...change }))
  const { name: agent, version } = turn.identity
  return {
    kind: 'OK',
    summary: summaryOf(answer, changes ?? []),
    output: { answer, changed: files, agent: { name: agent, version } } as Json,
    files: [],
    evidence,
    usage,
  }
}

function evidenceOf({ calls, rulings, changes, stopReason, identity, durationMs, name }: Turn): Evidence[] {
  const counted = (status: ToolCall['status']): number => calls.known.filter((call) => call.status === status).length
  const receipts = calls.known.slice(0, SHOWN_CALLS).map(({ kind, title, status, paths }) => ({
    kind,
    title: line(title),
    status,
    paths: paths.slice(0, 20).map(line),
  }))
  const detail = { count: calls.count, completed: counted('completed'), failed: counted('failed'), calls: receipts }
  const ruled = { denied: rulings.denied, rulings: rulings.known.map((each) => ({ ...each, title: line(each.title) })) }
  const files = changes && { count: changes.length, files: changes.slice(0, SHOWN_FILES) }
  return [
    { name: 'tool calls', kind: 'TOOL_CALLS', passed: detail.failed === 0, detail },
    ...(rulings.known.length > 0
      ? [{ name: 'permissions', kind: 'PERMISSIONS', passed: rulings.denied === 0, detail: ruled }]
      : []),
    ...(files ? [{ name: 'files changed', kind: 'FILES', passed: true, detail: files as unknown as Json }] : []),
    {
      name: 'end of the turn',
      kind: 'STOP_REASON',
      passed: stopReason === 'end_turn',
      detail: {
        acp: name,
        stopReason,
        agent: identity.name,
        version: identity.version,
        mode: identity.mode,
        durationMs,
      },
    },
  ]
}

function line(text: string): string {
  return shorten(plainText(text).replaceAll(/\s+/g, ' '), 200).toWellFormed()
}

function summaryOf(answer: string, changes: readonly Change[]): string {
  const first = answer
    .split('\n')
    .find((each) => each.trim() !== '')
    ?.trim()
  const paths = changes.map(({ path }) => path)
  const count = `${paths.length} ${paths.length === 1 ? 'file' : 'files'} changed`
  const files = paths.length === 0 ? '' : `${count}: ${paths.slice(0, 3).join(', ')}${paths.length > 3 ? ', …' : ''}`
  return shorten([first, files].filter(Boolean).join(' · '), SUMMARY_LENGTH)
}
