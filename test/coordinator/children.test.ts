import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { REST_MS } from '../../src/coordinator/errands.ts'
import { timers, type Timers } from '../../src/coordinator/timers.ts'
import type { ChildSession, ClosePolicy, SubTask } from '../../src/core/plan.ts'
import type { SessionStatus } from '../../src/core/session.ts'
import { eventsOf } from '../database.ts'
import { HOUSES, type House, openHouse } from '../house.ts'
import { faulty, type Statement, writes } from './faulty.ts'
import { inside, ok, untilStopped } from './inside.ts'

describe.each(HOUSES)('a part that is a session of its own on $store', (kind) => {
  const agent = inside()
  const faults = faulty()
  /** Ends the rests of errands, which last for long. */
  const rests: (() => void)[] = []
  const after: Timers['after'] = (ms, act) => {
    if (ms !== REST_MS) return timers.after(ms, act)
    rests.push(act)
    return () => {}
  }
  let house: House
  beforeAll(async () => {
    house = await openHouse(kind, { runtime: agent, between: faults.between, timers: { ...timers, after } })
  })
  afterAll(() => house.close())
  beforeEach(() => {
    faults.heal()
    agent.renew(({ key }) => ok(`of ${key}`))
  })

  const part = (key: string, more: Partial<SubTask> = {}): SubTask => {
    return { key, title: key, description: '', capabilities: ['inside'], dependsOn: [], ...more }
  }
  const session = (key: string, parts: SubTask[], more: Partial<ChildSession> = {}): SubTask =>
    part(key, { capabilities: [], session: { pattern: 'SEQUENTIAL', parts, ...more } })
  const childrenOf = (parentSessionId: string) =>
    house.database.prisma.session.findMany({ where: { parentSessionId }, orderBy: { createdAt: 'asc' } })
  const child = async (id: string) => {
    const { executions } = await house.until(id, ({ executions }) => executions['s']?.childId !== undefined)
    return executions['s']?.childId as string
  }
  const begun = (what: string) => expect.poll(() => agent.begun).toContain(what)

  it('follows a pattern of its own, and its output is handed on', async () => {
    agent.script = ({ key, upstream }) => ok(key === 'z' ? upstream.map(({ output }) => output) : `of ${key}`)
    const parts = [part('a'), session('s', [part('x'), part('y')], { pattern: 'PARALLEL' }), part('z')]
    const id = await house.start(parts, { pattern: 'SEQUENTIAL' })
    const parent = await house.end(id)
    expect(parent.status).toBe('SUCCEEDED')
    const gathered = [
      { branch: 'x', status: 'ACCEPTED', output: 'of x' },
      { branch: 'y', status: 'ACCEPTED', output: 'of y' },
    ]
    expect(parent.output).toMatchObject(['of a', gathered])
    expect(parent.executions['s']).toMatchObject({
      summary: 'done by a session of PARALLEL',
      evidence: [{ kind: 'SESSION', passed: true }],
    })
    const [row] = await childrenOf(id)
    expect(row).toMatchObject({ status: 'SUCCEEDED', pattern: 'PARALLEL', depth: 2, rootSessionId: id })
    expect(row?.id).toBe(parent.executions['s']?.childId)
    expect([agent.begun[0], agent.begun.slice(1, 3).toSorted(), agent.begun[3]]).toEqual(['a 1', ['x 1', 'y 1'], 'z 1'])
  })

  it('that fails is a failure of the part, with the reason, and is not begun again', async () => {
    agent.script = () => ({ kind: 'ERROR', error: { class: 'AUTH', message: 'no key' }, evidence: [], usage: {} })
    const parent = await house.end(await house.start([session('s', [part('x')]), part('z', { dependsOn: ['s'] })]))
    expect(parent.status).toBe('FAILED')
    expect(parent.executions['s']?.error).toMatchObject({ class: 'CHILD', message: expect.stringContaining('no key') })
    expect(parent.executions['z']?.status).toBe('SKIPPED')
    expect(agent.begun).toEqual(['x 1'])
  })

  it('can be as deep as three levels, and no deeper', async () => {
    const three = (parts: SubTask[]) => session('s', [session('s', parts)])
    const id = await house.start([three([part('x')])])
    expect((await house.end(id)).status).toBe('SUCCEEDED')
    const rows = await house.database.prisma.session.findMany({ where: { rootSessionId: id } })
    expect(rows.map(({ depth }) => depth).toSorted()).toEqual([2, 3])
    await expect(house.start([three([session('s', [part('x')])])])).rejects.toThrow('level 4')
  })

  describe('when its parent is canceled', () => {
    it.each<[ClosePolicy, string, SessionStatus]>([
      ['CANCEL_CHILDREN', 'is canceled too', 'CANCELED'],
      ['WAIT', 'comes to its end first', 'CANCELING'],
      ['ABANDON', 'goes on by itself', 'CANCELED'],
    ])('%s: %s', async (close, _, meanwhile) => {
      const go = Promise.withResolvers<void>()
      agent.script = async (work, signal) => {
        if (close === 'CANCEL_CHILDREN') return untilStopped(work, signal) as ReturnType<typeof ok>
        await go.promise
        return ok()
      }
      const id = await house.start([session('s', [part('x')])], { policy: { close } })
      const childId = await child(id)
      await begun('x 1')
      await house.coordinator.cancel(id, 'enough')
      await house.until(id, ({ status }) => status === meanwhile)
      go.resolve()
      expect((await house.end(childId)).status).toBe(close === 'CANCEL_CHILDREN' ? 'CANCELED' : 'SUCCEEDED')
      const parent = await house.end(id)
      expect(parent).toMatchObject({ status: 'CANCELED', executions: { s: { status: 'CANCELED' } } })
    })

    it('while it is just being begun: it stops all the same', async () => {
      agent.script = untilStopped
      const held = faults.holdAt(({ sql }) => sql.includes('FROM "Session" s WHERE'))
      const id = await house.start([session('s', [part('x')])])
      await held.reached
      await house.coordinator.cancel(id, 'enough')
      held.go()
      expect((await house.end(id)).status).toBe('CANCELED')
      expect((await childrenOf(id)).map(({ status }) => status)).toEqual(['CANCELED'])
    })
  })

  it('is taken up again after a while by the same server if it could not be begun', async () => {
    faults.refuse(({ sql }) => sql.includes('FROM "Session" s WHERE'))
    const id = await house.start([session('s', [part('x')])])
    await expect.poll(() => rests.length).toBe(1)
    expect(agent.begun).toEqual([])
    rests[0]?.()
    expect((await house.end(id)).status).toBe('SUCCEEDED')
    expect(agent.begun).toEqual(['x 1'])
  })

  describe('is done once, though the server was killed', () => {
    const ofChild =
      (...said: string[]) =>
      (statement: Statement) =>
        writes('"parentSessionId":"', ...said)(statement)
    const MOMENTS: [string, (statement: Statement) => boolean, 'before' | 'after'][] = [
      ['before its part begins', writes('"childId":"'), 'before'],
      ['once its part has begun', writes('"childId":"'), 'after'],
      ['before it is written', ofChild('SESSION_QUEUED'), 'before'],
      ['once it is written', ofChild('SESSION_QUEUED'), 'after'],
      // It ends before its parent does.
      ['before its end is written', writes('SESSION_SUCCEEDED'), 'before'],
      ['once its end is written', writes('SESSION_SUCCEEDED'), 'after'],
      ['before its parent is told', writes('CHILD_ENDED'), 'before'],
      ['once its parent is told', writes('CHILD_ENDED'), 'after'],
    ]
    it.each(MOMENTS)('%s', async (_, where, when) => {
      const go = Promise.withResolvers<void>()
      agent.script = async ({ key }) => {
        if (key === 'a') await go.promise
        return ok(`of ${key}`)
      }
      const parts = [part('a'), session('s', [part('x')]), part('z')]
      const id = await house.start(parts, { pattern: 'SEQUENTIAL', budget: { EXECUTIONS: { hard: 100 } } })
      await begun('a 1')
      faults.breakAt(where, 1, when, () => house.die())
      go.resolve()
      await expect.poll(() => faults.broken.length).toBe(1)
      house = await house.crash()
      const parent = await house.end(id)
      expect(parent).toMatchObject({ status: 'SUCCEEDED', executions: { s: { status: 'ACCEPTED', output: 'of x' } } })
      expect(parent.budget.EXECUTIONS).toMatchObject({ used: 3, reserved: 0 })
      const rows = await childrenOf(id)
      expect(rows).toMatchObject([{ status: 'SUCCEEDED', id: parent.executions['s']?.childId }])
      const count = (sessionId: string, type: string) =>
        eventsOf(house.database, sessionId).then((events) => events.filter((event) => event.type === type).length)
      expect(await count(rows[0]?.id as string, 'EXECUTION_ACCEPTED')).toBe(1)
      expect(await count(id, 'CHILD_ENDED')).toBe(1)
      expect(await count(id, 'EXECUTION_ACCEPTED')).toBe(3)
    })
  })
})
