import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Gate, Role } from '../../src/core/gate.ts'
import type { Json } from '../../src/core/json.ts'
import type { SubTask } from '../../src/core/plan.ts'
import type { SessionPolicy } from '../../src/core/state.ts'
import type { Outcome, Work } from '../../src/runtime.ts'
import { HOUSES, type House, openHouse } from '../house.ts'
import { asked, say } from './asking.ts'
import { inside, ok, untilStopped } from './inside.ts'

describe.each(HOUSES)('people and a session on $store', (kind) => {
  const agent = inside()
  const seen: Work[] = []
  let house: House
  let go: PromiseWithResolvers<void>
  beforeAll(async () => {
    house = await openHouse(kind, { runtime: agent })
  })
  afterAll(() => house.close())
  beforeEach(() => {
    agent.renew()
    seen.length = 0
    go = Promise.withResolvers()
  })

  const part = (key: string, more: Partial<SubTask> = {}): Partial<SubTask> => ({
    key,
    capabilities: ['inside'],
    ...more,
  })
  const start = (parts: Partial<SubTask>[], policy: Partial<SessionPolicy> = {}): Promise<string> =>
    house.start(parts, { policy })
  const person: Gate = { kind: 'PERSON', question: 'May it stand?' }
  const asks = (kind: 'QUESTION' | 'AUTH', shown: Json = null): Outcome => {
    return { kind: 'ASK', ask: { kind, question: 'Which colour?', shown }, usage: {} }
  }
  const interrupts = (sessionId: string) =>
    house.database.prisma.interrupt.findMany({ where: { sessionId }, orderBy: { seq: 'asc' } })
  /** Everything that begins is seen and waits for `go`. */
  const held = (): void => {
    agent.script = async (work) => {
      seen.push(work)
      await go.promise
      return ok()
    }
  }
  const running = (key: string) => expect.poll(() => agent.begun).toContain(`${key} 1`)

  describe('who are asked to approve of a result', () => {
    it('are waited for once nothing else is left to do, and let it stand', async () => {
      agent.script = async ({ key }) => {
        if (key === 'b') await go.promise
        return ok()
      }
      const id = await start([part('a', { gates: [person] }), part('b')])
      const interrupt = await asked(house, id)
      expect((await house.until(id, () => true)).status).toBe('RUNNING')
      go.resolve()
      const waiting = await house.until(id, ({ status }) => status === 'INTERRUPTED')
      expect(waiting.executions['a']).toMatchObject({ status: 'WAITING', interruptId: interrupt.id })
      expect(interrupt).toMatchObject({ kind: 'APPROVAL', question: 'May it stand?', shown: { output: 'done' } })
      expect(await say(house, interrupt, { choice: 'APPROVE' })).toEqual({ kind: 'MOVED', sessionId: id })
      expect((await house.end(id)).status).toBe('SUCCEEDED')
      expect(await interrupts(id)).toMatchObject([{ status: 'ANSWERED', answeredBy: 'somebody' }])
    })

    it('reject it with words for the next attempt', async () => {
      agent.script = ({ feedback }) => ok(feedback.map(({ text }) => text).join() || 'first')
      const id = await start([part('a', { gates: [person] })])
      await say(house, await asked(house, id), { choice: 'REJECT', text: 'more red' })
      const second = await asked(house, id)
      expect(second.shown).toMatchObject({ output: 'more red' })
      await say(house, second, { choice: 'APPROVE' })
      expect((await house.end(id)).executions['a']).toMatchObject({ attempt: 2, output: 'more red' })
    })

    it('answer exactly once, of sixteen at once, in their role, and of what they were shown', async () => {
      const id = await start([part('a', { gates: [{ ...person, role: 'OPERATOR' }] })])
      const { id: interruptId } = await asked(house, id)
      const answer = (choice: 'APPROVE' | 'STOP', more: { roles?: Role[]; shownHash?: string } = {}) =>
        house.coordinator.answer({ interruptId, answer: { choice }, by: 'x', roles: ['OPERATOR'], ...more })
      expect(await answer('APPROVE', { roles: ['APPROVER'] })).toMatchObject({ kind: 'FORBIDDEN' })
      expect(await answer('APPROVE', { shownHash: 'other' })).toMatchObject({ kind: 'CONFLICT' })
      expect(await answer('STOP')).toMatchObject({ kind: 'INVALID' })
      const answers = await Promise.all(Array.from({ length: 16 }, () => answer('APPROVE', { roles: ['ADMIN'] })))
      expect(answers.map(({ kind }) => kind).toSorted()).toEqual([...Array(15).fill('CONFLICT'), 'MOVED'])
      expect((await house.end(id)).status).toBe('SUCCEEDED')
      expect(await house.database.prisma.verdict.count({ where: { sessionId: id } })).toBe(1)
    })

    it('need not answer: in the end the default counts, after more people were asked', async () => {
      // What expires before anybody looked has not escalated: half of it is the time to look.
      const id = await start([part('a', { gates: [{ ...person, expiresMs: 2_000, onExpiry: 'APPROVE' }] })])
      expect((await house.end(id)).status).toBe('SUCCEEDED')
      expect(await interrupts(id)).toMatchObject([
        { status: 'EXPIRED', escalated: true, answer: { choice: 'APPROVE' } },
      ])
    })

    it('are no longer asked once the session is stopped', async () => {
      const id = await start([part('a', { gates: [person] })])
      const interrupt = await asked(house, id)
      await house.coordinator.cancel(id, 'enough')
      expect((await house.end(id)).status).toBe('CANCELED')
      expect(await interrupts(id)).toMatchObject([{ status: 'VOID' }])
      expect(await say(house, interrupt, { choice: 'APPROVE' })).toMatchObject({ kind: 'CONFLICT' })
    })
  })

  describe('whom an agent asks', () => {
    it.each([
      ['', async () => {}],
      [', even after the server has stopped', async () => (house = await house.reopen())],
      [', even after the server was killed', async () => (house = await house.crash())],
    ])('answer for its next attempt%s', async (_, meanwhile) => {
      agent.script = ({ replies, attempt }) => (attempt === 1 ? asks('QUESTION') : ok(replies as unknown as Json))
      const id = await start([part('a', { retry: { maxAttempts: 1 } })])
      const interrupt = await asked(house, id)
      expect(interrupt).toMatchObject({ kind: 'QUESTION', question: 'Which colour?', choices: ['ANSWER', 'REJECT'] })
      await meanwhile()
      await say(house, interrupt, { choice: 'ANSWER', text: 'red', data: { hex: 'f00' } })
      const { executions } = await house.end(id)
      const reply = { question: 'Which colour?', text: 'red', data: { hex: 'f00' } }
      expect(executions['a']).toMatchObject({ status: 'ACCEPTED', counted: 0, lost: 0, output: [reply] })
      expect(agent.begun).toEqual(['a 1', 'a 2'])
    })

    it('for access may refuse it: that is final (rule 2)', async () => {
      agent.script = () => asks('AUTH', { scope: 'deploy' })
      const id = await start([part('a')])
      const interrupt = await asked(house, id)
      expect(interrupt).toMatchObject({ kind: 'AUTH', shown: { scope: 'deploy' } })
      await say(house, interrupt, { choice: 'REJECT', text: 'not today' })
      const { status, executions } = await house.end(id)
      expect([status, executions['a']?.attempt]).toEqual(['FAILED', 1])
      expect(executions['a']?.error).toEqual({ class: 'AUTH', message: 'Which colour? not today' })
    })

    it('have as long as the policy says', async () => {
      agent.script = () => asks('QUESTION')
      const session = await house.end(await start([part('a')], { interruptMs: 1_000 }))
      expect(session).toMatchObject({ status: 'FAILED', reason: expect.stringContaining('nobody answered in time') })
    })
  })

  it('who pause it: what runs goes on, nothing begins, not even after a restart, until they resume it', async () => {
    held()
    const id = await start([part('a'), part('b', { dependsOn: ['a'] })])
    await running('a')
    expect(await house.coordinator.pause(id, 'lunch')).toMatchObject({ kind: 'MOVED' })
    go.resolve()
    const paused = await house.until(id, ({ executions }) => executions['b']?.status === 'READY')
    expect(paused).toMatchObject({ status: 'PAUSED', executions: { a: { status: 'ACCEPTED' } } })
    for (const how of ['reopen', 'crash'] as const) house = await house[how]()
    expect(await house.coordinator.pause(id, 'again')).toMatchObject({ kind: 'CONFLICT' })
    expect(agent.begun).toEqual(['a 1'])
    expect(await house.coordinator.resume(id)).toMatchObject({ kind: 'MOVED' })
    expect((await house.end(id)).status).toBe('SUCCEEDED')
    expect(agent.begun).toEqual(['a 1', 'b 1'])
  })

  describe('who tell it something while it runs', () => {
    const parts = [part('a'), part('b', { dependsOn: ['a'] })]
    const notes = (): [string, string[]][] => seen.map(({ key, attempt, notes }) => [`${key} ${attempt}`, notes])

    it('are not listened to, unless its policy says so', async () => {
      held()
      const id = await start(parts)
      await running('a')
      expect(await house.coordinator.input(id, 'hurry', 'me')).toMatchObject({ kind: 'CONFLICT' })
      go.resolve()
      await house.end(id)
    })

    it('reach what begins later (ENQUEUE)', async () => {
      held()
      const id = await start(parts, { input: 'ENQUEUE' })
      await running('a')
      for (const text of ['be brief', 'be kind']) await house.coordinator.input(id, text, 'me')
      go.resolve()
      expect((await house.end(id)).inputs).toMatchObject([{ text: 'be brief', by: 'me' }, { text: 'be kind' }])
      expect(notes()).toEqual([
        ['a 1', []],
        ['b 1', ['be brief', 'be kind']],
      ])
    })

    it('make what runs begin anew with it, which counts against nobody (INTERRUPT)', async () => {
      agent.script = (work, signal) => {
        seen.push(work)
        return work.key === 'a' && work.attempt < 3 ? (untilStopped(work, signal) as Promise<Outcome>) : ok()
      }
      const id = await start([part('a', { retry: { maxAttempts: 1 } }), parts[1] as SubTask], { input: 'INTERRUPT' })
      for (const [index, text] of ['be brief', 'be kind'].entries()) {
        await expect.poll(() => agent.begun.length).toBe(index + 1)
        await house.coordinator.input(id, text, 'me')
      }
      const session = await house.end(id)
      expect(session).toMatchObject({ status: 'SUCCEEDED', executions: { a: { attempt: 3, counted: 0, lost: 0 } } })
      expect(notes()).toEqual([
        ['a 1', []],
        ['a 2', ['be brief']],
        ['a 3', ['be brief', 'be kind']],
        ['b 1', ['be brief', 'be kind']],
      ])
    })
  })

  describe('who want to see its plan first', () => {
    it('change it, which makes an approval of the earlier one void, and begin it, after a restart too', async () => {
      const id = await start([part('a'), part('b')], { review: true })
      const first = await asked(house, id)
      expect(first).toMatchObject({ kind: 'PLAN', shown: { version: 1 } })
      const replace = (key: string, agent: string) =>
        house.coordinator.edit(id, [{ kind: 'REPLACE', key, changes: { agent, capabilities: [] } }], 'me')
      expect(await replace('a', 'nobody')).toMatchObject({ kind: 'INVALID' })
      expect(await replace('c', 'inside')).toMatchObject({ kind: 'INVALID' })
      const removed = await house.coordinator.edit(id, [{ kind: 'REMOVE', key: 'b' }], 'me')
      expect(removed).toEqual({ kind: 'MOVED', sessionId: id })
      expect(await say(house, first, { choice: 'APPROVE' })).toMatchObject({ kind: 'CONFLICT' })
      house = await house.crash()
      expect(agent.begun).toEqual([])
      const second = await asked(house, id)
      expect(second).toMatchObject({ kind: 'PLAN', shown: { version: 2 } })
      await say(house, second, { choice: 'APPROVE' })
      expect(await house.end(id)).toMatchObject({ status: 'SUCCEEDED', planVersion: 2 })
      expect(agent.begun).toEqual(['a 1'])
      expect(await replace('a', 'inside')).toMatchObject({ kind: 'CONFLICT' })
    })

    it('reject it: nothing was ever begun', async () => {
      const id = await start([part('a')], { review: true })
      await say(house, await asked(house, id), { choice: 'REJECT', text: 'too dear' })
      expect(await house.end(id)).toMatchObject({ status: 'CANCELED', reason: expect.stringContaining('too dear') })
      expect(agent.begun).toEqual([])
    })
  })

  it('who ask for something that there is not are told so', async () => {
    const id = '00000000-0000-7000-8000-000000000000'
    const { coordinator } = house
    const answers = [
      coordinator.pause(id, 'x'),
      coordinator.resume(id),
      coordinator.input(id, 'x', 'me'),
      coordinator.edit(id, [], 'me'),
      coordinator.answer({ interruptId: id, answer: { choice: 'STOP' }, by: 'me', roles: ['ADMIN'] }),
    ]
    for (const answer of await Promise.all(answers)) expect(answer).toMatchObject({ kind: 'NOT_FOUND', id })
  })
})
