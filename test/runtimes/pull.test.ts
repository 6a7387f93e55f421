import { setTimeout as pause } from 'node:timers/promises'
import { v7 as uuid } from 'uuid'
import { afterAll, describe, expect, it } from 'vitest'
import { memoryBus } from '../../src/buses/memory.ts'
import type { Json } from '../../src/core/json.ts'
import type { Runtime, Work } from '../../src/runtime.ts'
import { outcomeOf } from '../../src/runtimes/pull/outcome.ts'
import { createPullRuntime } from '../../src/runtimes/pull.ts'
import { createClaims, type Holder } from '../../src/store/claim.ts'
import { createOffers, type WorkReport } from '../../src/store/offer.ts'
import { type Behaviour, drain, makeWork, runtimeSuite, waitFor } from '../contracts/runtime.suite.ts'
import { freshDatabase } from '../database.ts'
import { scratch } from '../servers/process.ts'

const LINES = 500
const database = await freshDatabase('pglite')
const bus = memoryBus()
const claims = createClaims({ query: database.query, bus })
const offers = createOffers({ query: database.query, bus })
const [sessionId, executionId, agentId] = [uuid(), uuid(), uuid()]

// An attempt needs the rows that it belongs to.
await database.script(`
  INSERT INTO "Project" (id, name, workspace, "updatedAt") VALUES ('${sessionId}', 'p', '/', now());
  INSERT INTO "Task" (id, "projectId", title, "updatedAt") VALUES ('${sessionId}', '${sessionId}', 't', now());
  INSERT INTO "Agent" (id, name, type, capabilities, runtime, "runtimeConfig", slots, "updatedAt")
    VALUES ('${agentId}', 'fixture', 'GENERAL', '{}', 'pull', '{}', 50, now());
  INSERT INTO "Session" (id, "projectId", "taskId", status, pattern, version, seq, limits, policy, budget, inputs, "createdAt")
    VALUES ('${sessionId}', '${sessionId}', '${sessionId}', 'RUNNING', 'PARALLEL', 1, 0, '{}', '{}', '{}', '[]', now());
  INSERT INTO "Execution" (id, "sessionId", key, position, title, status, "createdAt")
    VALUES ('${executionId}', '${sessionId}', 'a', 0, 'a', 'RUNNING', now());
`)

/** What the agent of an attempt does; whoever claims it looks here. */
const behaviours = new Map<string, Behaviour>()
/** Attempts whose work is on offer or in the hands of a worker. */
const open = new Set<string>()
let attempts = 0
const folder = scratch('pull')

const pull = createPullRuntime({
  offers: {
    ...offers,
    async make(offer) {
      open.add(offer.attemptId)
      await database.query(
        `INSERT INTO "Attempt" (id, "sessionId", "executionId", number, status, "agentId", "agentVersion", fence, owner, "leaseUntil", "startedAt")
       VALUES ($1, $2, $3, $4, 'RUNNING', $5, 1, 1, 'x', now() + interval '1 hour', now())`,
        [offer.attemptId, sessionId, executionId, (attempts += 1), agentId],
      )
      await offers.make(offer)
    },
    async close(attemptId) {
      open.delete(attemptId)
      return offers.close(attemptId)
    },
  },
  limits: { activities: LINES },
})

const runtime: Runtime = {
  ...pull,
  run(work, signal) {
    const behaviour = (work.runtimeConfig as { behaviour?: Behaviour }).behaviour
    if (behaviour === undefined) return pull.run(work, signal)
    behaviours.set(work.attemptId, behaviour)
    const known = { ...work, sessionId, agent: { ...work.agent, id: agentId }, runtimeConfig: {} }
    return pull.run(known, signal)
  },
  check: (config) => pull.check((config as { behaviour?: unknown }).behaviour === undefined ? config : {}),
}

const WHO = { projects: null, worker: 'fixture', holder: 'fixture' }
const ok = (summary: string, output: Json): WorkReport => {
  return { kind: 'OK', summary, output, evidence: [], files: [], usage: {} }
}

/** Attempts of which a worker was told to wait with what it shows. */
const waited = new Set<string>()

/** As much as one report may hold, but for the length of its lines: it is to be many more than are shown. */
const REPORT = Array.from({ length: 100 }, () => ({ kind: 'OUTPUT' as const, text: 'more and more '.repeat(50) }))

/** Shows more and more for as long as it is let, and waits no longer than it has to where too much waits to be taken. */
async function flood(held: Holder): Promise<void> {
  for (;;) {
    const { kind } = await claims.show(held, REPORT, undefined)
    if (kind === 'FULL') {
      waited.add(held.attemptId)
      await pause(10)
    } else if (kind !== 'HELD') return
  }
}

/** Does what the behaviour of an attempt says, as far as the worker is let. */
async function work(attemptId: string, fence: number, given: Work): Promise<void> {
  const held = { attemptId, fence, holder: WHO.holder }
  switch (behaviours.get(attemptId)) {
    case 'ok with result': {
      const findings = { name: 'findings', kind: 'COUNT', passed: false, detail: { findings: 2 } }
      const report = ok(`did ${given.title}`, { work: { title: given.title, input: given.input } })
      await claims.report(held, { ...report, evidence: [findings] } as WorkReport)
      return
    }
    case 'sleep':
      await claims.show(held, [{ kind: 'OUTPUT', text: 'ready' }], undefined)
      return
    case 'flood':
      await flood(held)
      return
    case 'ask': {
      const usage = { inputTokens: 12, outputTokens: 3, cost: 0.5 }
      const [reply] = given.replies
      if (reply) {
        const { notes, feedback } = given
        const { where } = reply.data as { where: string }
        await claims.report(held, {
          ...ok(`deployed to ${where}`, { reply, notes, feedback } as never),
          usage,
        } as WorkReport)
        return
      }
      const shown = { places: ['staging', 'production'] }
      await claims.report(held, { kind: 'ASK', ask: { kind: 'QUESTION', question: 'Where to?', shown }, usage })
      return
    }
    default: {
      const files = ['report.md', 'code.ts', 'deep/er/fix.patch', 'data.json'].map((name) => ({ name, base64: 'eA==' }))
      await claims.report(held, { ...ok('files', null), files } as WorkReport)
    }
  }
}

const workers = new Set<Promise<void>>()
const stop = claims.onWork(agentId, () => {
  const worker = (async () => {
    const claimed = await claims.claim({ ...WHO, agentId, leaseMs: 60_000 })
    if (claimed) await work(claimed.attemptId, claimed.fence, claimed.work as unknown as Work)
  })().finally(() => workers.delete(worker))
  workers.add(worker)
})
afterAll(async () => {
  stop()
  await Promise.all(workers)
  await bus.close()
})

const known: ReadonlySet<Behaviour> = new Set(['ok with result', 'sleep', 'flood', 'ask', 'artifacts with symlink'])
runtimeSuite('pull runtime', () => ({
  runtime,
  agent: (behaviour) => (known.has(behaviour) ? { behaviour } : undefined),
  graceMs: 0,
  lines: LINES,
  startMs: 3_000,
  running: ({ attemptId }) => (open.has(attemptId) ? 1 : 0),
}))

describe('pull runtime: a reader that does not read', () => {
  it('has the worker wait, which is not idle then, and reads on where it stopped', async () => {
    const work = { ...makeWork(folder), runtimeConfig: { behaviour: 'flood' } }
    const controller = new AbortController()
    const attempt = runtime.run({ ...work, timeouts: { attemptMs: 60_000, idleMs: 1_000 } }, controller.signal)
    await attempt.next()
    await waitFor(() => waited.has(work.attemptId))
    await pause(1_200)
    // Far more than is held at once.
    for (let line = 2; line <= LINES; line++)
      expect(await attempt.next()).toMatchObject({ value: { text: REPORT[0]?.text } })
    expect(open.has(work.attemptId)).toBe(true)
    controller.abort()
    expect((await drain(attempt)).outcome.kind).toBe('CANCELED')
  })
})

it('E114: what a worker leaves nothing of is nothing, unless files of the workspace have changed', async () => {
  expect(await outcomeOf(ok('renamed 3 files', null), 'fixture', folder)).toMatchObject({
    kind: 'NOTHING',
    why: expect.stringMatching(/^it left nothing/),
    ifChanged: { summary: 'renamed 3 files', output: null },
  })
})
