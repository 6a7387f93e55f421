import { createHash } from 'node:crypto'
import type { Json } from '../../core/json.ts'
import type { Work } from '../../runtime.ts'
import { plainText, shorten } from '../../processes/lines.ts'
import type { Permissions } from './definition.ts'
import { CHANGING } from './tool-call.ts'
import type { ToolCall } from './tool-call.ts'

/** What is to become of a tool call. */
export type Decision =
  | { kind: 'allow' | 'deny'; by: 'POLICY' | 'PERSON' }
  | { kind: 'ask'; ask: { kind: 'QUESTION'; question: string; shown: Json } }

const YES = new Set(['yes', 'y', 'ok', 'allow', 'allowed', 'approve', 'approved'])
const SHOWN_LENGTH = 20_000
const TITLE_LENGTH = 200
/** Kinds whose "allow" is for the workspace alone. */
const PLACED = new Set([...CHANGING, 'read', 'search'])

/**
 * Decides on a tool call by what the operator has set and what people have answered. What is set as "allow" for files
 * holds within the workspace; beyond it, or where an edit does not say which file it is about, a person is asked. An
 * answer counts for the very same call: kind, title, paths and arguments.
 *
 * @param isWithin whether all of the call's paths lie in the workspace
 */
export function decide(
  call: ToolCall,
  permissions: Permissions,
  isWithin: boolean,
  replies: Work['replies'],
  agent: string,
): Decision {
  const set = permissions[call.kind]
  if (set === 'deny') return { kind: 'deny', by: 'POLICY' }
  const isPlaced = isWithin && (call.paths.length > 0 || !CHANGING.has(call.kind))
  if (set === 'allow' && (isPlaced || !PLACED.has(call.kind))) return { kind: 'allow', by: 'POLICY' }

  const question = questionOf(call, agent)
  const reply = replies.findLast((each) => each.question === question)
  if (reply) return { kind: isYes(reply) ? 'allow' : 'deny', by: 'PERSON' }
  const { kind, title, paths } = call
  const shown = {
    tool: plainText(shorten(title, 2_000)).toWellFormed(),
    kind,
    paths: paths.slice(0, 100).map((path) => plainText(path).toWellFormed()),
    arguments: showable(call.arguments),
    answer: '{"allow": true} or {"allow": false} as data, or "yes" or "no" as text',
  }
  return { kind: 'ask', ask: { kind: 'QUESTION', question, shown } }
}

/** The same for the same call alone: the mark is made of everything that the call would do. */
function questionOf({ kind, title, paths, arguments: input }: ToolCall, agent: string): string {
  const mark = createHash('sha256')
    .update(canonical([kind, title, paths.toSorted(), input]))
    .digest('hex')
    .slice(0, 16)
  const tool = shorten(plainText(title).replaceAll(/\s+/g, ' ').toWellFormed(), TITLE_LENGTH)
  return `May ${shorten(agent, 100)} do this (${kind}): ${tool}? [${mark}]`
}

function isYes({ text, data }: Work['replies'][number]): boolean {
  if (typeof data === 'boolean') return data
  if (typeof data === 'object' && data !== null && !Array.isArray(data) && 'allow' in data)
    return data['allow'] === true
  return YES.has(
    text
      .trim()
      .toLowerCase()
      .replace(/[.!]+$/, ''),
  )
}

/** JSON with the members of objects in order, so that equal arguments are equal text. */
function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_, member: unknown) =>
      typeof member === 'object' && member !== null && !Array.isArray(member)
        ? Object.fromEntries(Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : 1)))
        : member,
    ) ?? 'null'
  )
}

/** Arguments as a person sees them, without what a database cannot hold. */
function showable(value: unknown): Json {
  const text = JSON.stringify(value ?? null, (_, member: unknown) =>
    typeof member === 'string' ? member.replaceAll('\0', '\uFFFD').toWellFormed() : member,
  )
  if (text.length > SHOWN_LENGTH) return `${text.slice(0, SHOWN_LENGTH).toWellFormed()}… (${text.length} characters)`
  return JSON.parse(text) as Json
}
