import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memoryBus } from '../../src/buses/memory.ts'
import type { Analysis } from '../../src/core/analysis.ts'
import { compile, DEFAULT_COMPILE } from '../../src/core/pattern.ts'
import { DEFAULT_LIMITS, type SessionState } from '../../src/core/state.ts'
import { type Report } from '../../src/core/attempt.ts'
import { type Happening, open, step } from '../../src/core/step.ts'
import { registerAgent } from '../../src/store/agent.ts'
import type { Database } from '../../src/store/db.ts'
import { loadSession } from '../../src/store/session.ts'
import { insertTask } from '../../src/store/task.ts'
import { createWriter, type Transition, type Writer } from '../../src/store/write.ts'
import { DATABASES, eventsOf, freshDatabase } from '../database.ts'

const NOW = Date.parse('2026-01-01T00:00:00.000Z')
const ANALYSIS = { complexity: 1 } as Analysis

describe.each(DATABASES)('the one door for writes, on %s', (kind) => {
  let database: Database
  let writer: Writer
  const bus = memoryBus()
  const projectId = uuid()
  const taskId = uuid()
  const agentId = uuid()

  beforeAll(async () => {
    database = await freshDatabase(kind)
    writer = createWriter(database, bus)
    await database.prisma.project.create({ data: { id: projectId, name: 'p', workspace: '/' } })
    await database.transaction(async (query) => {
      const task = { id: taskId, projectId, title: 't', description: '', priority: 0, capabilities: [], subTasks: [] }
      await insertTask(query, task, uuid, NOW)
      const words = { projectId: null, name: 'a', type: 'GENERAL' as const, description: '', capabilities: [] }
      const rest = { runtime: 'command', runtimeConfig: {}, slots: 1, timeouts: null, origin: 'API' as const }
      await registerAgent(query, { ...words, ...rest }, agentId, NOW)
    })
  })
  afterAll(() => bus.close())

  /** A session of two parts that follow each other, planned but not yet written. */
  function beginning(): Transition {
    const part = { title: 'x', description: '', capabilities: [], optional: false }
    const parts = [
      { ...part, key: 'one', dependsOn: [] },
      { ...part, key: 'two', dependsOn: ['one'] },
    ]
    const plan = compile(parts, 'SEQUENTIAL', { ...DEFAULT_COMPILE, aggregate: 'COLLECT' })
    const opened = open(
      { id: uuid(), projectId, taskId, pattern: 'SEQUENTIAL', priority: 3, plan, limits: DEFAULT_LIMITS },
      NOW,
    )
    const executionIds = Object.fromEntries(plan.nodes.map(({ key }) => [key, uuid()]))
    const planned = step(opened.state, { type: 'PLAN', executionIds }, NOW + 1)
    const before = { ...opened.state, version: 0, seq: 0, executions: {} }
    return { before, after: planned.state, steps: [opened, planned], analysis: ANALYSIS }
  }

  const follow = (before: SessionState, happening: Happening, now: number): Transition => {
    const result = step(before, happening, now)
    return { before, after: result.state, steps: [result] }
  }
  const claim = (state: SessionState, now = NOW + 2): Transition => {
    const executionId = state.executions['one']?.id as string
    const attempt = { id: uuid(), agentId, agentVersion: 1, owner: 'me', leaseUntil: now + 1_000 }
    return follow(state, { type: 'CLAIM', executionId, attempt, selection: { reasons: ['free'] } }, now)
  }
  const load = async (id: string): Promise<SessionState> => (await loadSession(database.query, id)) as SessionState

  it('reads back, step for step, the very state that was written', async () => {
    const begun = beginning()
    expect(await writer.write(begun)).toBe(true)
    expect(await load(begun.after.id)).toEqual(begun.after)

    const claimed = claim(begun.after)
    expect(await writer.write(claimed)).toBe(true)
    expect(await load(begun.after.id)).toEqual(claimed.after)

    const { id, current } = claimed.after.executions['one'] as { id: string; current: { id: string; fence: number } }
    const report: Report = {
      kind: 'ERROR',
      error: { class: 'AGENT', message: 'no' },
      evidence: [],
      usage: { cpuMs: 3 },
    }
    const failed = follow(
      claimed.after,
      { type: 'REPORT', executionId: id, attemptId: current.id, fence: current.fence, report, jitter: 0.5 },
      NOW + 3,
    )
    expect(await writer.write(failed)).toBe(true)
    expect(await load(begun.after.id)).toEqual(failed.after)

    const canceled = follow(failed.after, { type: 'CANCEL', reason: 'enough' }, NOW + 4)
    expect(canceled.after.status).toBe('CANCELED')
    expect(await writer.write(canceled)).toBe(true)
    expect(await load(begun.after.id)).toEqual(canceled.after)
  })

  it('lets one of two win who take a step from the same version, and writes nothing of the other', async () => {
    const begun = beginning()
    await writer.write(begun)
    const steps = [
      claim(begun.after),
      claim(begun.after, NOW + 5),
      follow(begun.after, { type: 'CANCEL', reason: 'x' }, NOW + 6),
    ]
    const won = await Promise.all(steps.map((transition) => writer.write(transition)))
    expect(won.filter(Boolean)).toHaveLength(1)
    const winner = steps[won.indexOf(true)]?.after as SessionState
    expect(await load(begun.after.id)).toEqual(winner)
    expect((await eventsOf(database, winner.id)).length).toBe(winner.seq)
  })

  it('writes the steps of many sessions in few statements, in any mixture', async () => {
    let statements = 0
    const counting = createWriter(
      { ...database, lookup: (sql, params) => (statements++, database.lookup(sql, params)) },
      bus,
    )
    const begun = Array.from({ length: 50 }, beginning)
    expect(await Promise.all(begun.map((transition) => counting.write(transition)))).toEqual(Array(50).fill(true))
    expect(await Promise.all(begun.map(({ after }) => counting.write(claim(after))))).toEqual(Array(50).fill(true))
    expect(statements).toBeLessThanOrEqual(6)
  })

  it('refuses the row that the database refuses, and not those that came with it', async () => {
    const [good, bad, other] = [beginning(), beginning(), beginning()] as [Transition, Transition, Transition]
    const poisoned = { ...bad, after: { ...bad.after, taskId: uuid() } }
    // The first one is under way at once; the other two share the next statement.
    const results = await Promise.allSettled([good, poisoned, other].map((transition) => writer.write(transition)))
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(await load(other.after.id)).toEqual(other.after)
    expect(await loadSession(database.query, bad.after.id)).toBeUndefined()
  })

  it('does not send a hundred statements more down a broken connection', async () => {
    let statements = 0
    const broken = createWriter(
      { ...database, lookup: () => (statements++, Promise.reject(new Error('Connection terminated'))) },
      bus,
    )
    const results = await Promise.allSettled(Array.from({ length: 100 }, () => broken.write(beginning())))
    expect(results.every(({ status }) => status === 'rejected')).toBe(true)
    // The first one goes at once; on a server many go once that many wait. All others gather meanwhile.
    expect(statements).toBe(kind === 'postgres' ? 3 : 2)
  })

  it('rings the doorbell of a session with the number of its last event, once it is written', async () => {
    const begun = beginning()
    const heard = Promise.withResolvers<number | undefined>()
    const stop = bus.listen(`session:${begun.after.id}`, heard.resolve)
    await writer.write(begun)
    expect(await heard.promise).toBe(begun.after.seq)
    stop()
  })
})
