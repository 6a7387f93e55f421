import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Door, openDoor } from './door.ts'
import { type Answered, type Orchestra, orchestra, part } from './orchestrate.ts'

let door: Door
let all: Orchestra
beforeAll(async () => {
  door = await openDoor({ limits: { unfinishedSessions: 2 } })
  all = orchestra(door)
})
afterAll(() => door.close())

describe('a server that is full', () => {
  it('answers what is asked again as it did at first, and refuses everything else', async () => {
    const failing = [part('a', { input: { exit: 1 }, maxAttempts: 1 })]
    const failed = await all.start(failing)
    expect((await door.house.end(failed)).status).toBe('FAILED')
    const sleeping = [part('a', { input: { sleepMs: 60_000 } })]
    const ask: Record<string, (key?: string) => Promise<Answered>> = {
      retry: (key = 'retry') => all.act('retrySession', { id: failed, idempotencyKey: key }),
      start: (key = 'start') => all.tryStart(sleeping, { idempotencyKey: key }),
      fork: (key = 'fork') => all.act('forkSession', { id: started, idempotencyKey: key }),
    }
    const idOf = ({ session }: Answered): string => (session?.id ?? 'none').replace('Session:', '')
    const retried = await ask['retry']!()
    await door.house.end(idOf(retried))
    const first = await ask['start']!()
    const started = idOf(first)
    const forked = await ask['fork']!()
    const answered = Object.entries({ retry: retried, start: first, fork: forked })
    for (const [verb, answer] of answered) {
      expect(answer).toMatchObject({ replayed: false })
      expect(await ask[verb]!()).toEqual({ ...answer, replayed: true })
      expect(await ask[verb]!('another key')).toMatchObject({ __typename: 'LimitError', code: 'LIMIT' })
    }
    expect(await all.tryStart(sleeping)).toMatchObject({ __typename: 'LimitError' })
    expect(await all.tryStart(failing, { idempotencyKey: 'start' })).toMatchObject({ __typename: 'ConflictError' })
    for (const id of [started, idOf(forked)]) await door.house.coordinator.cancel(id, 'it was a test')
  })
})
