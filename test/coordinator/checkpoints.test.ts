import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { StartResult } from '../../src/coordinator/coordinator.ts'
import type { PlanEdit } from '../../src/core/edit.ts'
import type { SubTask } from '../../src/core/plan.ts'
import type { SessionState } from '../../src/core/state.ts'
import { HOUSES, type House, openHouse } from '../house.ts'
import { inside, ok, untilStopped } from './inside.ts'

describe.each(HOUSES)('a checkpoint on $store', (kind) => {
  const agent = inside()
  let house: House
  let version: number
  beforeAll(async () => {
    house = await openHouse(kind, { runtime: agent })
  })
  afterAll(() => house.close())
  beforeEach(() => {
    version = 1
    agent.renew(({ key }) => ok(`${key} of ${version}`))
  })

  const part = (key: string): Partial<SubTask> => ({ key, capabilities: ['inside'] })
  const abc = (): Promise<string> => house.start(['a', 'b', 'c'].map(part), { pattern: 'SEQUENTIAL' })
  /** Numbers of a session's checkpoints, in order. */
  const checkpoints = async (sessionId: string): Promise<number[]> => {
    const rows = await house.database.prisma.checkpoint.findMany({ where: { sessionId }, orderBy: { seq: 'asc' } })
    return rows.map(({ seq }) => seq)
  }
  const idOf = (result: StartResult): string => {
    expect(result).toMatchObject({ kind: 'STARTED' })
    return (result as Extract<StartResult, { kind: 'STARTED' }>).sessionId
  }
  const outputs = ({ executions }: SessionState): unknown[] =>
    Object.values(executions)
      .toSorted((x, y) => x.position - y.position)
      .map(({ output }) => output)
  /** Everything has been done once; from now on it is done otherwise. */
  async function done(): Promise<{ id: string; seqs: number[] }> {
    const id = await abc()
    expect((await house.end(id)).status).toBe('SUCCEEDED')
    agent.begun.length = 0
    version = 2
    return { id, seqs: await checkpoints(id) }
  }

  it('is where another session goes on from, of one that has succeeded too', async () => {
    const { id, seqs } = await done()
    expect(seqs).toHaveLength(3)
    expect(await house.coordinator.retry(id)).toMatchObject({ kind: 'CONFLICT' })
    expect(await house.coordinator.retry(id, undefined, 1)).toMatchObject({ kind: 'NOT_FOUND', what: 'checkpoint' })
    const session = await house.end(idOf(await house.coordinator.retry(id, undefined, seqs[0])))
    expect(session).toMatchObject({ status: 'SUCCEEDED', retryOfId: id, budget: { EXECUTIONS: { used: 2 } } })
    expect(agent.begun).toEqual(['b 1', 'c 1'])
    expect(outputs(session)).toEqual(['a of 1', 'b of 2', 'c of 2'])
    expect(session.executions['a']?.carriedId).toBe((await house.end(id)).executions['a']?.id)
    expect(outputs(await house.end(id))).toEqual(['a of 1', 'b of 1', 'c of 1'])
  })

  it('is where a fork begins, of a session that still runs too, which nothing happens to', async () => {
    agent.script = (work, signal) => (work.key === 'b' && version === 1 ? untilStopped(work, signal) : ok(`${version}`))
    const id = await abc()
    await expect.poll(() => agent.begun).toContain('b 1')
    version = 2
    const fork = await house.end(idOf(await house.coordinator.fork({ sessionId: id })))
    expect(fork).toMatchObject({ status: 'SUCCEEDED', forkOfId: id })
    expect(outputs(fork)).toEqual(['1', '2', '2'])
    expect((await house.until(id, () => true)).status).toBe('RUNNING')
    await house.coordinator.cancel(id, 'enough')
    await house.end(id)
  })

  it.each<[string, PlanEdit[], string[]]>([
    ['replaces the second part', [{ kind: 'REPLACE', key: 'b', changes: { title: 'new' } }], ['b 1', 'c 1']],
    [
      'adds a part',
      [
        {
          kind: 'ADD',
          subTask: { ...part('d'), key: 'd', title: 'd', description: '', capabilities: ['inside'], dependsOn: ['b'] },
        },
      ],
      ['c 1', 'd 1'],
    ],
  ])('is where a fork begins that %s: only what that touches is done anew', async (_, edits, begun) => {
    const { id, seqs } = await done()
    const session = await house.end(
      idOf(await house.coordinator.fork({ sessionId: id, seq: seqs[1] as number, edits })),
    )
    expect(session.status).toBe('SUCCEEDED')
    expect(agent.begun.toSorted()).toEqual(begun)
    expect(session.executions['a']).toMatchObject({ attempt: 0, output: 'a of 1' })
  })

  it('is no beginning for a plan that cannot be', async () => {
    const { id } = await done()
    const edits: PlanEdit[] = [{ kind: 'REPLACE', key: 'b', changes: { agent: 'nobody', capabilities: [] } }]
    expect(await house.coordinator.fork({ sessionId: id, edits })).toMatchObject({ kind: 'INVALID' })
    expect(await house.coordinator.fork({ sessionId: id, edits: [{ kind: 'REMOVE', key: 'x' }] })).toMatchObject({
      kind: 'INVALID',
    })
    expect(agent.begun).toEqual([])
  })

  it('is gone on from once for an idempotency key, however many ask at once', async () => {
    const { id, seqs } = await done()
    const [first, second] = seqs as [number, number]
    const sixteen = async (act: () => Promise<StartResult>): Promise<string> => {
      const ids = new Set((await Promise.all(Array.from({ length: 16 }, act))).map(idOf))
      expect(ids.size).toBe(1)
      return [...ids][0] as string
    }
    const { coordinator } = house
    const forked = await sixteen(() => coordinator.fork({ sessionId: id, seq: first, idempotencyKey: 'k' }))
    const retried = await sixteen(() => coordinator.retry(id, 'k', first))
    expect(retried).not.toBe(forked)
    for (const one of [forked, retried]) expect((await house.end(one)).status).toBe('SUCCEEDED')
    expect(agent.begun.toSorted()).toEqual(['b 1', 'b 1', 'c 1', 'c 1'])
    const other = { kind: 'CONFLICT', message: expect.stringContaining('idempotency key was used before') }
    expect(await coordinator.fork({ sessionId: id, seq: second, idempotencyKey: 'k' })).toMatchObject(other)
    expect(await coordinator.retry(id, 'k', second)).toMatchObject(other)
    expect(await coordinator.retry(id, 'k', first)).toEqual({ kind: 'STARTED', sessionId: retried, replayed: true })
  })
})
