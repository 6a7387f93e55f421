import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { cut } from '../core/cut.ts'
import { CHOICES } from '../core/interrupt.ts'
import { Refused, succeeded } from './ask.ts'
import {
  AnswerMutation,
  CancelMutation,
  EventsQuery,
  InterruptsQuery,
  SessionQuery,
  SessionsQuery,
} from './operations.ts'
import { type Call, defineTool, type Tool } from './tool.ts'

const session = z.string().min(1).max(100).describe('Id of a session, as start_session and list_sessions tell it.')
const waitMs = z
  .int()
  .min(0)
  .max(50_000)
  .default(0)
  .describe('Milliseconds to wait for what is not there yet; 0 answers at once.')
/** How often it is looked again while a call waits, in milliseconds. */
const LOOK_MS = 1_000
/** Characters of a session's output, and of the data of an event. */
const MAX_OUTPUT = 50_000
const MAX_DATA = 2_000

/** What is there, once it is what is waited for or the time is over. */
async function awaited<T>(
  { signal }: Call,
  ms: number,
  look: () => Promise<T>,
  isThere: (found: T) => boolean,
): Promise<T> {
  const end = performance.now() + ms
  for (;;) {
    const found = await look()
    const leftMs = end - performance.now()
    if (isThere(found) || leftMs <= 0) return found
    await pause(Math.min(LOOK_MS, leftMs), undefined, { signal })
  }
}

/** A value of an agent's as it is, or the beginning of it where it is long. */
function bounded(value: unknown, most: number): unknown {
  const text = JSON.stringify(value) ?? 'null'
  return text.length <= most ? value : cut(text, most)
}

/** Tools for sessions and what they ask. */
export const SESSION_TOOLS: readonly Tool[] = [
  defineTool({
    name: 'get_session',
    title: 'Get a session',
    description:
      'How far a session is: its status, the executions of its parts, what it asks of people (interrupts, open ones), ' +
      `its artifacts with their addresses, and once it has ended its output, cut to ${MAX_OUTPUT} characters. It has ` +
      'ended when endedAt is set. Sizes are bytes, durations milliseconds.',
    readOnly: true,
    input: z.strictObject({
      session,
      waitMs: waitMs.describe('Milliseconds to wait for its end, or for something that it asks; 0 answers at once.'),
    }),
    async perform(call, { session: id, waitMs: ms }) {
      const look = async () => {
        const { session: found, interrupts } = await call.ask(SessionQuery, {
          id,
          filter: { session: id, status: ['OPEN'] },
        })
        if (!found) throw new Refused(`There is no session ${id}.`)
        return { ...found, output: bounded(found.output, MAX_OUTPUT), interrupts: interrupts.nodes }
      }
      return awaited(call, ms, look, ({ endedAt, interrupts }) => endedAt !== null || interrupts.length > 0)
    },
  }),
  defineTool({
    name: 'list_sessions',
    title: 'List sessions',
    description: 'Sessions, the newest first, a page at a time: give endCursor as after to see the next page.',
    readOnly: true,
    input: z.strictObject({
      first: z.int().min(1).max(100).default(20).describe('How many.'),
      after: z.string().max(200).optional().describe('endCursor of the page before.'),
      ended: z.boolean().optional().describe('true: only those that have ended; false: only the others.'),
    }),
    async perform({ ask }, { first, after, ended }) {
      const filter = ended === undefined ? {} : { ended }
      const { nodes, pageInfo } = (await ask(SessionsQuery, { first, after: after ?? null, filter })).sessions
      return { sessions: nodes, ...pageInfo }
    },
  }),
  defineTool({
    name: 'watch_events',
    title: 'Watch the events of a session',
    description:
      'What has happened in a session since a cursor, in order and without gaps: give endCursor as after to go on. ' +
      `Data of more than ${MAX_DATA} characters are cut. No more events come once ended is true and hasNextPage false.`,
    readOnly: true,
    input: z.strictObject({
      session,
      after: z.string().max(200).optional().describe('endCursor of the page before; from the beginning if left out.'),
      first: z.int().min(1).max(100).default(50).describe('How many at most.'),
      waitMs,
    }),
    async perform(call, { session: id, after = null, first, waitMs: ms }) {
      const look = async () => {
        const { session: found } = await call.ask(EventsQuery, { id, first, after })
        if (!found) throw new Refused(`There is no session ${id}.`)
        const { nodes, pageInfo } = found.events
        const events = nodes.map((event) => ({ ...event, data: bounded(event.data, MAX_DATA) }))
        return {
          status: found.status,
          ended: found.endedAt !== null,
          events,
          ...pageInfo,
          endCursor: pageInfo.endCursor ?? after,
        }
      }
      return awaited(call, ms, look, ({ events, ended }) => events.length > 0 || ended)
    },
  }),
  defineTool({
    name: 'list_interrupts',
    title: 'List what waits for a person',
    description:
      'The first 50 questions and approvals that are open, with what is shown to whoever answers, the choices that ' +
      'they have, and the role that it takes.',
    readOnly: true,
    input: z.strictObject({ session: session.optional() }),
    async perform({ ask }, { session: id }) {
      const filter = { status: ['OPEN' as const], ...(id !== undefined && { session: id }) }
      return (await ask(InterruptsQuery, { filter })).interrupts
    },
  }),
  defineTool({
    name: 'answer_interrupt',
    title: 'Answer what waits for a person',
    description:
      'Answers a question or an approval in the name of the person whose token this is. Ask them first: what is ' +
      'approved happens.',
    readOnly: false,
    input: z.strictObject({
      interrupt: z.string().min(1).max(100).describe('Its id, as list_interrupts tells it.'),
      choice: z.enum(CHOICES).describe('One of its choices. ANSWER is for questions, with text or data.'),
      text: z.string().max(10_000).optional().describe('The answer to a question, or why something is rejected.'),
      data: z.json().optional().describe('Data that are asked for; with RAISE new limits by unit.'),
      shownHash: z.string().max(100).optional().describe('shownHash of what was seen; anything else is then refused.'),
    }),
    async perform({ ask }, { interrupt: id, choice, text, data, shownHash }) {
      const more = { ...(text !== undefined && { text }), ...(shownHash !== undefined && { shownHash }) }
      const input = { id, choice, ...more, ...(data !== undefined && { data }) }
      return succeeded((await ask(AnswerMutation, { input })).answerInterrupt).interrupt
    },
  }),
  defineTool({
    name: 'cancel_session',
    title: 'Cancel a session',
    description: 'Stops a session; what runs has a grace of 30 seconds. What was accepted stays.',
    readOnly: false,
    input: z.strictObject({
      session,
      reason: z.string().max(1_000).optional().describe('Why, for those who look later.'),
    }),
    async perform({ ask }, { session: id, reason }) {
      const input = { id, ...(reason !== undefined && { reason }) }
      return succeeded((await ask(CancelMutation, { input })).cancelSession).session
    },
  }),
]
