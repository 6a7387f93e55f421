import { setTimeout as pause } from 'node:timers/promises'
import type { SendMessageRequest, StreamResponse } from '@a2a-js/sdk'
import type { Remote } from './connect.ts'
import type { A2aLimits } from './definition.ts'
import { failureOf, protocolError, RemoteFailure } from './failure.ts'
import type { Told } from './told.ts'

type Payload = StreamResponse['payload']

/** As long as no pause between two tries is. */
const LONGEST_MS = 10_000
/** A pause between two questions about a task grows by this, to at most ten times the first. */
const GROWTH = 1.5
/** What an agent said is asked for along with its task, so that a question that comes late misses little. */
const HISTORY = 50

/**
 * Sends a message and yields all that the agent answers, until it has said all that there is to say. A stream that breaks
 * off is taken up again; an agent that does not stream is asked again and again. A message is sent again only where it
 * has not reached the agent.
 *
 * @param told knows what was yielded before the next is asked for
 * @throws RemoteFailure once nothing helps
 */
export async function* answersOf(
  { client, card }: Remote,
  request: SendMessageRequest,
  told: Told,
  limits: A2aLimits,
  signal: AbortSignal,
): AsyncGenerator<Payload, void> {
  let streams = card.streams
  let failures = 0
  let pollMs = limits.pollMs

  /** Waits before another try. */
  async function retryAfter(failure: RemoteFailure): Promise<void> {
    failures += 1
    if (failures > limits.retries) throw failure
    const ms = failure.retryAfterMs ?? limits.retryMs * 2 ** (failures - 1)
    await pause(Math.min(ms, LONGEST_MS), undefined, { signal })
  }

  async function* send(): AsyncGenerator<Payload, void> {
    if (streams) {
      for await (const { payload } of client.sendMessageStream(request, { signal })) yield payload
      return
    }
    const value = await client.sendMessage(request, { signal })
    yield 'messageId' in value ? { $case: 'message', value } : { $case: 'task', value }
  }

  async function* goOn(id: string): AsyncGenerator<Payload, void> {
    if (streams) {
      let heard = 0
      for await (const { payload } of client.resubscribeTask({ tenant: '', id }, { signal })) {
        // The first one is where the task stands, which every new stream begins with.
        heard += 1
        if (heard > 1) failures = 0
        yield payload
      }
      // Nothing more comes of it, and yet the task has not come to its end.
      streams = false
      return
    }
    const patience = AbortSignal.timeout(limits.answerMs)
    try {
      const both = AbortSignal.any([signal, patience])
      const value = await client.getTask({ tenant: '', id, historyLength: HISTORY }, { signal: both })
      failures = 0
      yield { $case: 'task', value }
    } catch (error) {
      if (!patience.aborted || signal.aborted) throw error
      throw new RemoteFailure('UNAVAILABLE', `It did not answer within ${limits.answerMs} ms.`, { cause: error })
    }
    if (told.isSettled) return
    await pause(pollMs, undefined, { signal })
    pollMs = Math.min(pollMs * GROWTH, limits.pollMs * 10)
  }

  for (let begun = false; !told.isSettled;) {
    try {
      if (begun && !told.task)
        throw new RemoteFailure('EMPTY', 'It ended its answer without a task and without a word.')
      yield* told.task && begun ? goOn(told.task.id) : send()
      begun = true
      // Some agents close the stream of a task that goes on.
    } catch (error) {
      if (signal.aborted) throw error
      const failure = failureOf(error)
      if (told.task) {
        begun = true
        // The task has ended meanwhile, or the agent cannot take up streams: asked for the task it says which.
        if (streams && protocolError(error) !== undefined) streams = false
        else if (!isPassing(failure)) throw failure
        else await retryAfter(failure)
      } else if (!begun && failure.unsent && isPassing(failure)) await retryAfter(failure)
      else throw failure
    }
  }
}

/** Whether it can be otherwise the next time. */
export const isPassing = ({ errorClass }: RemoteFailure): boolean =>
  errorClass === 'UNAVAILABLE' || errorClass === 'RATE_LIMIT'
