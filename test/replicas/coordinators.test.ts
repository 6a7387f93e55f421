import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { memoryBus } from '../../src/buses/memory.ts'
import type { Coordinator } from '../../src/coordinator/coordinator.ts'
import { createCoordinator } from '../../src/coordinator/create.ts'
import { timers } from '../../src/coordinator/timers.ts'
import type { Report } from '../../src/core/attempt.ts'
import type { ExecutionState } from '../../src/core/execution.ts'
import type { SessionState } from '../../src/core/state.ts'
import { step } from '../../src/core/step.ts'
import type { Engine } from '../../src/engine.ts'
import { createEmbeddedEngine } from '../../src/engines/embedded.ts'
import type { Outcome } from '../../src/runtime.ts'
import { registerAgent } from '../../src/store/agent.ts'
import { createArtifactStore } from '../../src/store/artifacts.ts'
import type { Database } from '../../src/store/db.ts'
import { eventsAfter } from '../../src/store/journal.ts'
import { createServers, type Servers } from '../../src/store/servers.ts'
import { createStore } from '../../src/store/store.ts'
import { createGitWorkspaces } from '../../src/workspaces/git.ts'
import { createWorktrees } from '../../src/workspaces/worktrees.ts'
import { inside, ok, untilStopped } from '../coordinator/inside.ts'
import { DATABASES, freshDatabase } from '../database.ts'

const LEASE_MS = 900

/** One of several servers in this process: its engine brings work to nobody else. */
interface One {
  id: string
  coordinator: Coordinator
  buried: Promise<void>
  start(keys: readonly string[]): Promise<string>
}

describe.each(DATABASES)('several coordinators on one database, on %s', (kind) => {
  const agent = inside()
  const bus = memoryBus()
  const log = pino({ level: 'silent' })
  const dataDir = mkdtempSync(join(tmpdir(), 'tutti-several-'))
  const projectId = uuid()
  let database: Database
  let servers: Servers
  beforeAll(async () => {
    database = await freshDatabase(kind)
    servers = createServers(database)
    await database.prisma.project.create({ data: { id: projectId, name: 'p', workspace: dataDir, concurrency: 100 } })
    const words = { type: 'GENERAL' as const, description: '', capabilities: ['inside'], timeouts: null }
    const what = { projectId: null, name: 'inside', runtime: 'inside', runtimeConfig: {}, slots: 100 }
    const judge = { name: 'judge', capabilities: ['judge'] }
    await database.transaction(async (query) => {
      await registerAgent(query, { ...words, ...what, origin: 'CONFIGURATION' }, uuid(), Date.now())
      await registerAgent(query, { ...words, ...what, ...judge, origin: 'CONFIGURATION' }, uuid(), Date.now())
    })
  })
  beforeEach(() => agent.renew())
  afterAll(() => rmSync(dataDir, { recursive: true, force: true }))

  async function open(
    options: { crewed?: boolean; between?: (servers: Servers) => Servers; engine?: (engine: Engine) => Engine } = {},
  ): Promise<One> {
    const { crewed = true, between = (servers) => servers, engine = (engine) => engine } = options
    const id = uuid()
    const buried = Promise.withResolvers<void>()
    const coordinator = createCoordinator({
      store: createStore({ database, bus, log, newId: uuid }),
      engine: engine(createEmbeddedEngine({ log, timers })),
      runtimes: { inside: agent },
      artifacts: createArtifactStore(dataDir, join(dataDir, id)),
      workspaces: createGitWorkspaces(),
      worktrees: createWorktrees({ home: join(dataDir, 'copies') }),
      timers,
      log,
      owner: id,
      crewed,
      membership: {
        servers: between(servers),
        identity: { name: id, role: crewed ? 'all' : 'api', version: '1' },
        alone: false,
        leaseMs: LEASE_MS,
        lookMs: 100,
        visitRemains: async () => {},
        onBuried: buried.resolve,
      },
      now: Date.now,
      newId: uuid,
      chance: Math.random,
    })
    await coordinator.recover()
    onTestFinished(() => coordinator.stop())
    return {
      id,
      coordinator,
      buried: buried.promise,
      async start(keys) {
        const parts = keys.map((key) => ({ key, title: key, description: '', capabilities: ['inside'], dependsOn: [] }))
        const task = { title: 't', description: '', subTasks: parts }
        const started = await coordinator.start({ projectId, task, pattern: 'SEQUENTIAL' })
        if (started.kind !== 'STARTED') throw new Error(JSON.stringify(started))
        return started.sessionId
      },
    }
  }
  /** One that neither beats nor looks from `fall` to `wake`, as if its process were stopped. */
  async function openSilent(): Promise<One & { fall(): void; wake(): void }> {
    const silence = Promise.withResolvers<void>()
    let silent = false
    const one = await open({
      between: (servers) => ({
        ...servers,
        beat: async (...given) => {
          if (silent) await silence.promise
          return servers.beat(...given)
        },
        look: async (...given) => (silent ? undefined : servers.look(...given)),
      }),
    })
    return { ...one, fall: () => void (silent = true), wake: silence.resolve }
  }
  const session = (id: string) => database.prisma.session.findUniqueOrThrow({ where: { id } })
  const succeeded = (id: string): Promise<void> =>
    expect.poll(async () => (await session(id)).status, { timeout: 15_000 }).toBe('SUCCEEDED')

  /** An agent that works until it is told what comes of it. */
  function heldAgent(): { begun: Promise<void>; end(outcome: Outcome): void } {
    const begun = Promise.withResolvers<void>()
    const end = Promise.withResolvers<Outcome>()
    agent.script = ({ attempt }) => {
      begun.resolve()
      // Deaf, as an agent whose server does not get round to telling it anything.
      return attempt === 1 ? end.promise : ok()
    }
    return { begun: begun.promise, end: end.resolve }
  }

  it('take over the judges of a dead one: all that these had put aside is charged, and others are asked (E108)', async () => {
    let asked = 0
    agent.script = (work, signal) => {
      // Whoever judges has no claim.
      if (work.fence > 0) return { ...ok(), usage: { inputTokens: 10 } }
      asked++
      return asked === 1 ? untilStopped(work, signal) : ok({ verdict: 'ACCEPT' })
    }
    const one = await openSilent()
    await open()
    const gates = [{ kind: 'JUDGE' as const, criteria: 'It is good.' }]
    const part = { key: 'a', title: 'a', description: '', capabilities: ['inside'], dependsOn: [], gates }
    const started = await one.coordinator.start({
      projectId,
      task: { title: 't', description: '', subTasks: [{ ...part, reserve: { tokens: 100 } }] },
      pattern: 'SEQUENTIAL',
      budget: { TOKENS: { hard: 1_000 } },
    })
    if (started.kind !== 'STARTED') throw new Error(JSON.stringify(started))
    await expect.poll(() => asked, { timeout: 10_000 }).toBe(1)
    one.fall()
    await succeeded(started.sessionId)
    expect(asked).toBe(2)
    // The agent's 10, and the share of the judge that nobody heard of any more.
    expect((await session(started.sessionId)).budget).toMatchObject({ TOKENS: { used: 110, reserved: 0 } })
    one.wake()
    await one.buried
  })

  it('take over from one that is silent; what it reports late is STALE_LEASE, and then it learns that it is dead', async () => {
    const one = await openSilent()
    await open()
    const held = heldAgent()
    const id = await one.start(['a'])
    await held.begun
    one.fall()
    await succeeded(id)
    expect(agent.begun).toEqual(['a 1', 'a 2'])
    held.end(ok('late'))
    one.wake()
    await one.buried
    const execution = await database.prisma.execution.findFirstOrThrow({ where: { sessionId: id } })
    expect(execution).toMatchObject({ output: 'done', attempt: 2, lost: 1, fence: 2 })
  })

  it('bury nobody for a database that was away from all of them', async () => {
    const beats: string[] = []
    const counted = (servers: Servers): Servers => ({
      ...servers,
      async beat(id, leaseMs) {
        const beaten = await servers.beat(id, leaseMs)
        beats.push(`${id} ${beaten}`)
        return beaten
      },
    })
    const all = [await open({ between: counted }), await open({ between: counted })]
    const beaten = (how: string) =>
      expect.poll(() => beats).toEqual(expect.arrayContaining(all.map(({ id }) => `${id} ${how}`)))
    const held = heldAgent()
    const id = await (all[0] as One).start(['a'])
    await held.begun
    await beaten('IN_TIME')
    await database.query(`UPDATE "Server" SET "leaseUntil" = now() - interval '1 minute'`)
    await beaten('LATE')
    held.end(ok())
    await succeeded(id)
    expect(agent.begun).toEqual(['a 1'])
  })

  it('drive and do what one without a crew was asked', async () => {
    const api = await open({ crewed: false })
    const worker = await open()
    const id = await api.start(['a', 'b'])
    await succeeded(id)
    expect((await session(id)).driver).toBe(worker.id)
    expect(agent.begun).toEqual(['a 1', 'b 1'])
  })

  it('go on at once with what one hands on that leaves, while it ends what it has in hand', async () => {
    const leaver = await open()
    const other = await open()
    const held = heldAgent()
    const id = await leaver.start(['a', 'b'])
    await held.begun
    const drained = leaver.coordinator.drain()
    await expect.poll(async () => (await session(id)).driver, { timeout: 10_000 }).toBe(other.id)
    expect(await servers.living()).toContainEqual(expect.objectContaining({ id: leaver.id, draining: true }))
    agent.script = () => ok()
    held.end(ok())
    await drained
    await succeeded(id)
    expect(agent.begun).toEqual(['a 1', 'b 1'])
    expect((await eventsAfter(database.query, [{ id, after: 0 }], 1_000)).map(({ type }) => type)).not.toContain(
      'ATTEMPT_LATE',
    )
  })

  it.each([
    ['made READY', []],
    ['left to be judged', [{ kind: 'JUDGE' as const, criteria: 'It is good.' }]],
  ])('go on with what one has %s that died before it told anybody', async (_, gates) => {
    let deaf = true
    const one = await open({
      engine: ({ take: _, ...engine }) => ({ ...engine, enqueue: (item) => deaf || engine.enqueue(item) }),
    })
    const part = { title: 't', description: '', capabilities: ['inside'], dependsOn: [] }
    const task = {
      title: 't',
      description: '',
      subTasks: [
        { ...part, key: 'a', gates },
        { ...part, key: 'b' },
      ],
    }
    const started = await one.coordinator.start({ projectId, task, pattern: 'SEQUENTIAL' })
    if (started.kind !== 'STARTED') throw new Error(JSON.stringify(started))
    deaf = false
    agent.script = (work) => ok(work.fence > 0 ? 'done' : { verdict: 'ACCEPT' })
    // On a bus that nobody else hears.
    const dead = createStore({ database, bus: memoryBus(), log, newId: uuid })
    const before = (await dead.session(started.sessionId)) as SessionState
    const { id: executionId } = before.executions['a'] as ExecutionState
    const { id: agentId } = await database.prisma.agent.findFirstOrThrow({ where: { name: 'inside' } })
    const now = Date.now()
    const attempt = { id: uuid(), agentId, agentVersion: 1, owner: uuid(), leaseUntil: now + 60_000 }
    const claimed = step(before, { type: 'CLAIM', executionId, attempt, selection: null }, now)
    const report: Report = { kind: 'OK', output: 'said', summary: '', evidence: [], artifacts: 0, usage: {} }
    const told = { executionId, attemptId: attempt.id, fence: 1, report, jitter: 0 }
    const reported = step(claimed.state, { type: 'REPORT', ...told }, now)
    expect(await dead.write({ before, after: reported.state, steps: [claimed, reported] })).toBe(true)
    await succeeded(started.sessionId)
    expect(agent.begun.at(-1)).toBe('b 1')
    const { output, attempt: attempts } = await database.prisma.execution.findUniqueOrThrow({
      where: { id: executionId },
    })
    expect([output, attempts]).toEqual(['said', 1])
  })

  it('ring again for what waits and was forgotten', async () => {
    const sweeper = await open()
    const deaf = await open({ engine: ({ take: _, ...engine }) => ({ ...engine, enqueue: () => {} }) })
    const id = await deaf.start(['a'])
    await expect.poll(() => database.prisma.execution.count({ where: { sessionId: id } })).toBe(1)
    await database.query(`UPDATE "Execution" SET "readyAt" = "readyAt" - interval '1 minute' WHERE "sessionId" = $1`, [
      id,
    ])
    await succeeded(id)
    expect(sweeper.id < deaf.id).toBe(true)
    const attempt = await database.prisma.attempt.findFirstOrThrow({ where: { sessionId: id } })
    expect(attempt.owner).toBe(sweeper.id)
  })
})
