import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { StartInput } from '../../src/coordinator/coordinator.ts'
import type { SubTask } from '../../src/core/plan.ts'
import type { SessionState } from '../../src/core/state.ts'
import type { Outcome, Usage, Work } from '../../src/runtime.ts'
import { HOUSES, type House, openHouse } from '../house.ts'
import { asked, say } from './asking.ts'
import { inside, ok, untilStopped } from './inside.ts'

describe.each(HOUSES)('a budget on $store', (kind) => {
  const agent = inside()
  const seen: Work[] = []
  /** Executions that the engine handed out. */
  const handedOut: string[] = []
  let house: House
  beforeAll(async () => {
    house = await openHouse(kind, {
      runtime: agent,
      agents: { judge: ['judge'] },
      handedOut: ({ executionId }) => handedOut.push(executionId),
    })
  })
  afterAll(() => house.close())
  beforeEach(() => {
    agent.renew()
    seen.length = 0
    handedOut.length = 0
  })

  const using = (usage: Usage): Outcome => ({ ...ok(), usage }) as Outcome
  const parts = (count: number, more: Partial<SubTask> = {}): Partial<SubTask>[] =>
    Array.from({ length: count }, (_, index) => ({ key: `p${index + 1}`, capabilities: ['inside'], ...more }))
  const start = (
    count: number,
    budget: StartInput['budget'],
    { parts: more, ...options }: Partial<StartInput> & { parts?: Partial<SubTask> } = {},
  ): Promise<string> => house.start(parts(count, more), { pattern: 'SEQUENTIAL', budget: budget ?? {}, ...options })
  const statuses = ({ executions }: SessionState): string[] =>
    Object.values(executions)
      .toSorted((a, b) => a.position - b.position)
      .map(({ status }) => status)

  it('is never reserved beyond its hard limit, however many run at once, and each knows its share', async () => {
    let most = 0
    agent.script = async (work) => {
      seen.push(work)
      const { budget } = await house.until(work.sessionId, () => true)
      most = Math.max(most, budget.TOKENS.used + budget.TOKENS.reserved)
      const tokens = work.allowance.tokens as number
      return using({ inputTokens: Math.floor(tokens / 2), outputTokens: Math.ceil(tokens / 2), cost: 0.001 })
    }
    const options = { pattern: 'PARALLEL', aggregate: 'COLLECT', limits: { concurrency: 20 } } as const
    const reserve = { tokens: 250 }
    const id = await house.start(parts(20, { reserve, optional: true }), {
      ...options,
      budget: { TOKENS: { hard: 1_000 } },
    })
    const session = await house.end(id)
    expect(session).toMatchObject({ status: 'PARTIAL', reason: 'BUDGET TOKENS: 1000 of 1000 are used' })
    expect(most).toBeLessThanOrEqual(1_000)
    expect(session.budget).toMatchObject({ TOKENS: { used: 1_000, reserved: 0 }, COST: { used: 0.004 } })
    expect(seen.map(({ allowance }) => allowance)).toEqual(
      Array.from({ length: 4 }, () => ({ tokens: 250, cost: null })),
    )
    // What is there is brought together, which costs nothing.
    expect(statuses(session).filter((status) => status === 'ACCEPTED')).toHaveLength(4 + 1)
    expect(session.output).toHaveLength(20)
  })

  it('is charged what was used so far when a server stops in order, and all that was put aside when it is killed (E64)', async () => {
    const told = { inputTokens: 7, outputTokens: 5 }
    agent.script = async (work, signal) => {
      if (work.attempt > 2) return using({ inputTokens: 1 })
      await untilStopped(work, signal)
      return { kind: 'CANCELED', usage: told }
    }
    const id = await start(1, { TOKENS: { hard: 10_000 } }, { parts: { reserve: { tokens: 1_000 } } })
    await expect.poll(() => agent.begun).toEqual(['p1 1'])
    house = await house.reopen()
    await expect.poll(() => agent.begun).toEqual(['p1 1', 'p1 2'])
    const { budget, executions } = await house.until(id, () => true)
    expect(budget.TOKENS).toEqual({ hard: 10_000, used: 12, reserved: 1_000 })
    const attempts = { where: { executionId: executions['p1']?.id as string }, orderBy: { number: 'asc' } } as const
    const [first] = await house.database.prisma.attempt.findMany(attempts)
    expect(first).toMatchObject({ status: 'LOST', usage: told })
    house = await house.crash()
    expect((await house.end(id)).budget.TOKENS).toEqual({ hard: 10_000, used: 1_013, reserved: 0 })
  })

  describe('of which judges have their share', () => {
    const judged = (reserve: number, more: Partial<SubTask> = {}): Partial<SubTask> => {
      return { reserve: { tokens: reserve }, gates: [{ kind: 'JUDGE', criteria: 'It is good.' }], ...more }
    }
    const accepts = (usage: Usage): Outcome => ({ ...using(usage), output: { verdict: 'ACCEPT' } }) as Outcome

    it('that they are told of, and beyond which nothing is spent (E107)', async () => {
      const allowances: (number | null)[] = []
      agent.script = ({ agent: { name }, allowance }) => {
        allowances.push(allowance.tokens)
        return name === 'judge' ? accepts({ inputTokens: 30 }) : using({ inputTokens: 60 })
      }
      const id = await start(1, { TOKENS: { hard: 100 } }, { parts: judged(60) })
      expect(await house.end(id)).toMatchObject({ status: 'SUCCEEDED', budget: { TOKENS: { used: 90, reserved: 0 } } })
      expect(allowances).toEqual([60, 40])
    })

    it('and are not asked where nothing is left (E107)', async () => {
      agent.script = () => using({ inputTokens: 100 })
      const id = await start(1, { TOKENS: { hard: 100 } }, { parts: judged(100) })
      const session = await house.end(id)
      expect(session).toMatchObject({ status: 'FAILED', reason: 'BUDGET TOKENS: 100 of 100 are used' })
      expect(agent.begun).toEqual(['p1 1'])
    })

    it('and are charged as attempts are when a server stops in order, or is killed (E108)', async () => {
      let asked = 0
      agent.script = async (work, signal) => {
        if (work.agent.name !== 'judge') return using({ inputTokens: 10 })
        asked++
        if (asked > 2) return accepts({ inputTokens: 1 })
        await untilStopped(work, signal)
        return { kind: 'CANCELED', usage: { inputTokens: 7 } }
      }
      const id = await start(1, { TOKENS: { hard: 1_000 } }, { parts: judged(100) })
      await expect.poll(() => asked).toBe(1)
      house = await house.reopen()
      await expect.poll(() => asked).toBe(2)
      expect((await house.until(id, () => true)).budget.TOKENS).toEqual({ hard: 1_000, used: 17, reserved: 100 })
      house = await house.crash()
      const session = await house.end(id)
      expect(session).toMatchObject({ status: 'SUCCEEDED', budget: { TOKENS: { used: 118, reserved: 0 } } })
      expect(asked).toBe(3)
    })
  })

  it('asks at its soft limit: with a higher one it goes on, nothing having begun meanwhile', async () => {
    agent.script = () => using({ cost: 0.4 })
    const id = await start(4, { COST: { soft: 0.5, hard: 2 } })
    const interrupt = await asked(house, id)
    expect(interrupt).toMatchObject({ kind: 'BUDGET', choices: ['APPROVE', 'RAISE', 'STOP'] })
    expect(interrupt.shown).toMatchObject({ unit: 'COST', used: 0.8, soft: 0.5, hard: 2 })
    expect((await house.until(id, () => true)).status).toBe('INTERRUPTED')
    expect(agent.begun).toEqual(['p1 1', 'p2 1'])
    const wrong = await say(house, interrupt, { choice: 'RAISE', data: { COST: { hard: 0.5 } } })
    expect(wrong).toMatchObject({ kind: 'INVALID' })
    await say(house, interrupt, { choice: 'RAISE', data: { COST: { soft: 1.1 } } })
    const second = await asked(house, id)
    expect(second.shown).toMatchObject({ used: 1.2, soft: 1.1 })
    await say(house, second, { choice: 'APPROVE' })
    expect(await house.end(id)).toMatchObject({ status: 'SUCCEEDED', budget: { COST: { used: 1.6, reserved: 0 } } })
  })

  it('that a person stops at its soft limit keeps what is there', async () => {
    agent.script = ({ key }) => ({ ...using({ inputTokens: 60 }), output: `of ${key}` }) as Outcome
    const id = await house.start(parts(3, { optional: true }), {
      pattern: 'SEQUENTIAL',
      budget: { TOKENS: { soft: 100 } },
    })
    await say(house, await asked(house, id), { choice: 'STOP' })
    const session = await house.end(id)
    expect(session).toMatchObject({ status: 'PARTIAL', reason: 'BUDGET TOKENS: stopped by somebody' })
    expect(statuses(session)).toEqual(['ACCEPTED', 'ACCEPTED', 'CANCELED'])
    expect(session.executions['p2']?.output).toBe('of p2')
  })

  it('of executions counts each once, whatever its attempts, and ends with what is there', async () => {
    agent.script = ({ attempt }): Outcome =>
      attempt > 1 ? ok() : { kind: 'ERROR', error: { class: 'AGENT', message: 'no' }, evidence: [], usage: {} }
    const retry = { initialMs: 1 }
    const id = await house.start(parts(3, { retry, optional: true }), {
      pattern: 'SEQUENTIAL',
      budget: { EXECUTIONS: { hard: 2 } },
    })
    const session = await house.end(id)
    expect(session).toMatchObject({ status: 'PARTIAL', reason: 'BUDGET EXECUTIONS: 2 of 2 are used' })
    expect(agent.begun).toEqual(['p1 1', 'p1 2', 'p2 1', 'p2 2'])
  })

  it('that an attempt exceeds stops the others and fails for good', async () => {
    agent.script = (work, signal) => (work.key === 'p1' ? using({ inputTokens: 5_000 }) : untilStopped(work, signal))
    const id = await start(2, { TOKENS: { hard: 1_000 } }, { pattern: 'PARALLEL' })
    const session = await house.end(id)
    expect(session).toMatchObject({ status: 'FAILED', reason: 'BUDGET TOKENS: 5000 of 1000 are used' })
    expect(session.executions['p2']?.status).toBe('CANCELED')
  })

  it('of time runs out while something runs', async () => {
    agent.script = untilStopped
    const session = await house.end(await start(1, { WALL_TIME: { hard: 300 } }))
    expect(session.status).toBe('FAILED')
    expect(session.reason).toContain('BUDGET WALL_TIME')
    expect(session.executions['p1']?.current?.status).toBe('CANCELED')
  })

  it('is shared with child sessions in slices: what one leaves another can have', async () => {
    const slices: (number | null)[] = []
    agent.script = ({ allowance }) => {
      slices.push(allowance.tokens)
      return using({ inputTokens: 10 })
    }
    const session = {
      pattern: 'SEQUENTIAL' as const,
      parts: parts(1).map((part) => ({ title: 'x', description: '', dependsOn: [], ...part })) as SubTask[],
    }
    const id = await house.start(
      [
        { key: 'a', session: { ...session, slice: { tokens: 80 } } },
        { key: 'b', session },
      ],
      {
        pattern: 'SEQUENTIAL',
        budget: { TOKENS: { hard: 100 } },
      },
    )
    const { budget, executions } = await house.end(id)
    expect(slices).toEqual([80, 90])
    expect(executions['a']?.slice?.tokens).toBe(80)
    expect(budget.TOKENS).toEqual({ hard: 100, used: 20, reserved: 0 })
    const children = await house.database.prisma.session.findMany({ where: { parentSessionId: id } })
    expect(children.map(({ budget }) => budget)).toMatchObject([{ TOKENS: { hard: 80, used: 10 } }, {}])
  })

  it('of which nothing is left for now is asked for once a second, and had as soon as something is given back', async () => {
    const go = Promise.withResolvers<void>()
    const began: number[] = []
    let gaveBack = 0
    agent.script = async () => {
      began.push(performance.now())
      if (began.length === 1) {
        await go.promise
        gaveBack = performance.now()
      }
      return using({ inputTokens: 1 })
    }
    const id = await house.start(parts(3, { reserve: { tokens: 100 } }), {
      pattern: 'PARALLEL',
      budget: { TOKENS: { hard: 100 } },
    })
    const asking = (executionId: string | undefined) => handedOut.filter((one) => one === executionId).length
    const { executions } = await house.until(id, () => true)
    const waits = () => ['p1', 'p2', 'p3'].map((key) => asking(executions[key]?.id)).toSorted((a, b) => a - b)
    // It was asked for at once, and then once more by each.
    await expect.poll(() => waits()[1]).toBeGreaterThanOrEqual(2)
    const seconds = (performance.now() - (began[0] as number)) / 1_000
    expect(waits().at(-1)).toBeLessThanOrEqual(2 + seconds)
    go.resolve()
    const session = await house.end(id)
    expect(session).toMatchObject({ status: 'SUCCEEDED', budget: { TOKENS: { used: 3, reserved: 0 } } })
    expect((began[1] as number) - gaveBack).toBeLessThan(900)
  })
})
