import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { StartInput } from '../../src/coordinator/coordinator.ts'
import type { Json } from '../../src/core/json.ts'
import type { Work } from '../../src/runtime.ts'
import { HOUSES, type House, openHouse } from '../house.ts'
import { asked, say } from './asking.ts'
import { inside, ok, untilStopped } from './inside.ts'

/** What a manager says in a round. */
type Said = { [key: string]: Json } | string

describe.each(HOUSES)('a session with a manager on $store', (kind) => {
  const agent = inside()
  /** Each round as the manager was given it. */
  const rounds: Work[] = []
  let house: House
  /** What the manager says, by the number of its round. */
  let manage: (round: number, work: Work) => Said
  beforeAll(async () => {
    house = await openHouse(kind, { runtime: agent, agents: { boss: ['plan'] } })
  })
  afterAll(() => house.close())
  beforeEach(() => {
    agent.begun.length = 0
    rounds.length = 0
    agent.script = (work) => {
      if (work.agent.name !== 'boss') return ok(`of ${work.key}`)
      rounds.push(work)
      return ok(manage((work.input as { round: number }).round, work))
    }
  })

  const part = (key: string, more: { [key: string]: Json } = {}): { [key: string]: Json } => {
    return { key, title: key, description: '', capabilities: ['inside'], ...more }
  }
  const says = (next: Json[], more: { [key: string]: Json } = {}): Said => {
    const course = { satisfied: next.length === 0, looping: false, progressing: true }
    return { ...course, next, instruction: 'go on', reasons: [], ...more }
  }
  const start = (manager: Partial<StartInput['manager']> = {}, options: Partial<StartInput> = {}): Promise<string> => {
    const whole = { maxRounds: 10, maxReplans: 1, ...manager }
    return house.start([part('idea')], { pattern: 'HIERARCHICAL', manager: whole, ...options })
  }

  it('goes on round by round: the manager sees what came of what it delegated, until it is satisfied', async () => {
    manage = (round) => {
      if (round === 1) return says([part('x'), part('y', { dependsOn: ['x'] })], { instruction: 'look closely' })
      return round === 2 ? says([part('z', { dependsOn: ['x'], input: 7 })]) : says([])
    }
    const session = await house.end(await start())
    expect(session).toMatchObject({ status: 'SUCCEEDED', ledger: { round: 3, satisfied: true, stalls: 0 } })
    expect(agent.begun).toEqual(['manage-1 1', 'x 1', 'y 1', 'manage-2 1', 'z 1', 'manage-3 1'])
    expect(rounds[0]?.input).toMatchObject({ round: 1, replan: false, parts: [{ key: 'idea' }] })
    expect(rounds[1]).toMatchObject({
      input: { round: 2, replan: false, instruction: 'look closely' },
      upstream: [
        { key: 'x', status: 'ACCEPTED', output: 'of x' },
        { key: 'y', status: 'ACCEPTED', output: 'of y' },
      ],
    })
    const gathered = ['x', 'y', 'z'].map((key) => ({ branch: key, status: 'ACCEPTED', output: `of ${key}` }))
    expect(session.output).toMatchObject(gathered)
    const plans = await house.database.prisma.plan.findMany({ where: { sessionId: session.id } })
    expect(plans.map(({ version }) => version).toSorted()).toEqual([1, 2, 3, 4])
  })

  it('tells the manager what is missing, and ends PARTIAL without it', async () => {
    manage = (round) => (round === 1 ? says([part('x'), part('y')]) : says([]))
    const { script } = agent
    agent.script = (work, signal) =>
      work.key === 'x'
        ? { kind: 'ERROR', error: { class: 'AUTH', message: 'no key' }, evidence: [], usage: {} }
        : script(work, signal)
    const session = await house.end(await start())
    expect(session).toMatchObject({ status: 'PARTIAL', reason: expect.stringContaining('x failed: no key') })
    expect(rounds[1]?.upstream[0]).toMatchObject({ key: 'x', status: 'FAILED', error: { message: 'no key' } })
  })

  it('hands the manager a part as a session of its own', async () => {
    const session = { pattern: 'PARALLEL', parts: [part('p'), part('q')] }
    manage = (round) => (round === 1 ? says([part('s', { capabilities: [], session })]) : says([]))
    const id = await start()
    expect((await house.end(id)).status).toBe('SUCCEEDED')
    const [child] = await house.database.prisma.session.findMany({ where: { parentSessionId: id } })
    expect(child).toMatchObject({ status: 'SUCCEEDED', pattern: 'PARALLEL', depth: 2 })
    expect(rounds[1]?.upstream[0]?.output).toMatchObject([{ output: 'of p' }, { output: 'of q' }])
  })

  describe('whose ledger cannot be used', () => {
    it.each<[string, Said, string]>([
      ['since it is none', 'all is well', 'must be an object'],
      ['since nobody can do what it delegates', says([part('x', { agent: 'nobody' })]), 'nobody'],
      ['since it delegates too much', says([part('x'), part('y'), part('z')]), 'only 2 may still be delegated'],
    ])('%s is told so, and tries again', async (_, wrong, problem) => {
      manage = (round, { attempt }) => (round > 1 ? says([]) : attempt === 1 ? wrong : says([part('v')]))
      const session = await house.end(await start({ maxChildren: 2 }))
      expect(session.status).toBe('SUCCEEDED')
      expect(rounds[1]?.feedback).toEqual([{ attempt: 1, gate: 'LEDGER', text: expect.stringContaining(problem) }])
      expect(agent.begun).toEqual(['manage-1 1', 'manage-1 2', 'v 1', 'manage-2 1'])
    })

    it.each(['RETRY', 'STOP'] as const)('four times asks a person: %s', async (choice) => {
      manage = (round, { attempt }) => (attempt <= 4 ? 'no' : says(round === 1 ? [part('x')] : []))
      const id = await start({ maxRounds: 1 })
      const interrupt = await asked(house, id)
      expect(interrupt).toMatchObject({ kind: 'QUESTION', choices: ['RETRY', 'STOP'] })
      await say(house, interrupt, { choice })
      const { status, executions } = await house.end(id)
      expect([status, executions['manage-1']?.status]).toEqual(
        // Its one round is over by then.
        choice === 'RETRY' ? ['FAILED', 'ACCEPTED'] : ['FAILED', 'FAILED'],
      )
    })
  })

  it('that stalls is planned anew, and ends with what is there once that is of no use', async () => {
    manage = (round) => says([part(`x${round}`)], { progressing: round === 1 })
    const session = await house.end(await start({ maxStalls: 1, maxReplans: 1 }))
    expect(session).toMatchObject({ status: 'PARTIAL', ledger: { replans: 1, satisfied: false } })
    expect(session.reason).toContain('no progress after 1 replan')
    expect(rounds.map(({ input }) => (input as { replan: boolean }).replan)).toEqual([false, false, false, true, false])
    expect(session.output).toHaveLength(4)
  })

  it('ends with what is there when its rounds are used up', async () => {
    manage = (round) => says([part(`x${round}`)])
    const session = await house.end(await start({ maxRounds: 2 }))
    expect(session).toMatchObject({ status: 'PARTIAL', reason: expect.stringContaining('after 2 rounds') })
    expect(session.output).toMatchObject([{ branch: 'x1', status: 'ACCEPTED' }])
  })

  it.each(['reopen', 'crash'] as const)('goes on after a restart between rounds (%s)', async (how) => {
    manage = (round) => says(round === 3 ? [] : [part(`x${round}`)])
    const { script } = agent
    agent.script = (work, signal) =>
      work.key === 'manage-2' && work.attempt === 1 ? untilStopped(work, signal) : script(work, signal)
    const id = await start()
    await expect.poll(() => agent.begun).toContain('manage-2 1')
    house = await house[how]()
    expect((await house.end(id)).status).toBe('SUCCEEDED')
    expect(agent.begun).toEqual(['manage-1 1', 'x1 1', 'manage-2 1', 'manage-2 2', 'x2 1', 'manage-3 1'])
  })

  it('can be tried again: rounds that are over are taken over, the manager goes on from there', async () => {
    manage = (round) => says(round < 3 ? [part(`x${round}`)] : [])
    const { script } = agent
    let broken = true
    agent.script = (work, signal) =>
      work.key === 'manage-3' && broken
        ? { kind: 'ERROR', error: { class: 'AUTH', message: 'no key' }, evidence: [], usage: {} }
        : script(work, signal)
    const id = await start()
    expect((await house.end(id)).status).toBe('FAILED')
    agent.begun.length = 0
    broken = false
    const retried = await house.coordinator.retry(id)
    expect(retried).toMatchObject({ kind: 'STARTED' })
    const session = await house.end((retried as { sessionId: string }).sessionId)
    expect(session).toMatchObject({ status: 'SUCCEEDED', ledger: { round: 3, satisfied: true }, retryOfId: id })
    expect(agent.begun).toEqual(['manage-3 1'])
    expect(session.output).toMatchObject([{ branch: 'x1', output: 'of x1' }, { branch: 'x2' }])
  })
})
