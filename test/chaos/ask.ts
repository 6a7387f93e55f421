import { setTimeout as pause } from 'node:timers/promises'
import type { Random } from '../sim/random.ts'
import type { Member, Members } from './members.ts'

/** A server that does not answer is given up after so many milliseconds. */
const ANSWER_MS = 4_000
const PAUSE_MS = 100

/** Whom a client that knows all servers turns to; one that is stopped looks no different to it. */
export async function pickMember(members: Members, random: Random): Promise<Member> {
  await members.until(1)
  return random.pick([...members.all])
}

/**
 * Asks one server after the other until one has answered well.
 *
 * @param good what the answer is good for; undefined: ask again
 * @param patienceMs milliseconds
 * @throws with the last answer if nobody has answered well for so long
 */
export async function askUntil<T>(
  members: Members,
  random: Random,
  request: { query: string; variables: object },
  good: (data: Record<string, unknown>) => T | undefined,
  patienceMs: number,
): Promise<T> {
  const until = Date.now() + patienceMs
  const body = JSON.stringify(request)
  for (;;) {
    const { url } = await pickMember(members, random)
    let last: string
    try {
      const headers = { 'content-type': 'application/json' }
      const signal = AbortSignal.timeout(ANSWER_MS)
      const response = await fetch(`${url}/graphql`, { method: 'POST', headers, body, signal })
      last = await response.text()
      const { data } = JSON.parse(last) as { data?: Record<string, unknown> | null }
      const answer = data ? good(data) : undefined
      if (answer !== undefined) return answer
    } catch (error) {
      last = (error as Error).message
    }
    if (Date.now() > until) throw new Error(`nobody has answered for ${patienceMs} ms; at last: ${last}`)
    await pause(PAUSE_MS)
  }
}
