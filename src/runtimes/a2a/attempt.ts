import { setTimeout as pause } from 'node:timers/promises'
import type { SendMessageRequest } from '@a2a-js/sdk'
import type { Activity } from '../../runtime.ts'
import { answersOf } from './answers.ts'
import type { Remote } from './connect.ts'
import type { A2aLimits } from './definition.ts'
import type { Patience } from './patience.ts'
import type { Told } from './told.ts'

/** One exchange with a remote agent. */
export interface Exchange {
  /** What the agent shows, until it has settled or patience is over. Throws RemoteFailure. */
  activities(): AsyncGenerator<Activity, void>
  /**
   * Calls the task off, unless the agent has settled it, and ends the connection. As often as wanted; bounded, and never
   * throws.
   */
  callOff(): Promise<void>
}

/**
 * @param told takes in what the agent answers
 * @param named is called once, with the id of the task, before anything else is shown
 */
export function createExchange(
  remote: Remote,
  request: SendMessageRequest,
  {
    told,
    patience,
    limits,
    named,
  }: {
    told: Told
    patience: Patience
    limits: A2aLimits
    named: (taskId: string) => Promise<void>
  },
): Exchange {
  const connection = new AbortController()
  const answers = answersOf(remote, request, told, limits, connection.signal)
  let next: ReturnType<typeof answers.next> | undefined
  let calledOff: Promise<void> | undefined
  const isOver = new Promise<'over'>((resolve) => {
    patience.signal.addEventListener('abort', () => resolve('over'))
  })

  async function callOff(): Promise<void> {
    if (!told.task && next) {
      // What has begun there can be called off only by its name, which comes with the first answer.
      const first = await Promise.race([next.catch(() => undefined), pause(limits.cancelMs, undefined, { ref: false })])
      if (first && first.done === false) told.take(first.value)
    }
    connection.abort()
    if (!told.task || told.isSettled) return
    const signal = AbortSignal.timeout(limits.cancelMs)
    await remote.client.cancelTask({ tenant: '', id: told.task.id, metadata: undefined }, { signal }).catch(() => {})
  }

  const exchange: Exchange = {
    async *activities() {
      let isNamed = false
      while (!told.isSettled && patience.cause === undefined) {
        patience.listen()
        next = answers.next()
        // Whoever stops waiting for it does not want to hear of its failure either.
        next.catch(() => {})
        const answer = await Promise.race([next, isOver])
        patience.rest()
        if (answer === 'over' || answer.done) return
        const shown = told.take(answer.value)
        if (told.task && !isNamed) {
          isNamed = true
          await named(told.task.id)
        }
        yield* shown
      }
    },
    callOff() {
      calledOff ??= callOff()
      return calledOff
    },
  }
  // Also while nobody reads what is shown.
  patience.signal.addEventListener('abort', () => void exchange.callOff())
  return exchange
}
