import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pino from 'pino'
import { v7 as uuid } from 'uuid'
import { inject } from 'vitest'
import type { Bus } from '../src/bus.ts'
import { memoryBus } from '../src/buses/memory.ts'
import { redisBus } from '../src/buses/redis.ts'
import { createCoordinator } from '../src/coordinator/create.ts'
import type { Coordinator, StartInput } from '../src/coordinator/coordinator.ts'
import type { Membership } from '../src/coordinator/membership.ts'
import type { SubTask } from '../src/core/plan.ts'
import type { Assignment } from '../src/core/schedule.ts'
import { isEnded } from '../src/core/session.ts'
import type { SessionState } from '../src/core/state.ts'
import { type Timers, timers } from '../src/coordinator/timers.ts'
import type { Engine } from '../src/engine.ts'
import { createBullmqEngine } from '../src/engines/bullmq.ts'
import { createEmbeddedEngine } from '../src/engines/embedded.ts'
import { type CommandDefinition, createCommandRuntime } from '../src/runtimes/command.ts'
import { createPullRuntime, type PullLimits } from '../src/runtimes/pull.ts'
import type { Runtime } from '../src/runtime.ts'
import { registerAgent, type Registration } from '../src/store/agent.ts'
import { type ArtifactStore, createArtifactStore } from '../src/store/artifacts.ts'
import type { Database } from '../src/store/db.ts'
import { createOffers } from '../src/store/offer.ts'
import { createServers } from '../src/store/servers.ts'
import { loadSession } from '../src/store/session.ts'
import { createStore } from '../src/store/store.ts'
import { createGitWorkspaces } from '../src/workspaces/git.ts'
import { createWorktrees } from '../src/workspaces/worktrees.ts'
import { DATABASES, freshDatabase } from './database.ts'

/** The stores and buses that all that follows from them has to pass on. */
export const HOUSES: readonly { store: Database['kind']; bus: 'memory' | 'redis' }[] = [
  { store: 'pglite', bus: 'memory' },
  ...(DATABASES.includes('postgres') && inject('redisUrl') !== undefined
    ? [{ store: 'postgres', bus: 'redis' } as const]
    : []),
]

/** All that is below the doors: real store, real bus, real engine, real programs as agents. */
export interface House {
  database: Database
  bus: Bus
  coordinator: Coordinator
  artifacts: ArtifactStore
  runtimes: Record<string, Runtime>
  projectId: string
  dataDir: string
  /** Starts a session of parts that the fixture worker does, each with its input. */
  start(parts: Partial<SubTask>[], options?: Partial<StartInput>): Promise<string>
  /** The session's state in the database, once it is so; woken by the session's doorbell. */
  until(sessionId: string, isSo: (state: SessionState) => boolean): Promise<SessionState>
  /** Waits until an execution has shown its first activity. */
  shown(executionId: string): Promise<void>
  end(sessionId: string): Promise<SessionState>
  /** The same store and bus under a new coordinator, as after a restart. */
  reopen(): Promise<House>
  /** The server is killed: its programs go on, nothing that it does is written any more. */
  die(): void
  /** The same as after a server that was killed. */
  crash(): Promise<House>
  close(): Promise<void>
}

const WORKER = fileURLToPath(new URL('./fixtures/agents/worker.js', import.meta.url))

export interface HouseOptions {
  /** A migrated one to stand on, which is the caller's to close. */
  database?: Database
  slots?: number
  concurrency?: number
  /** Stands between the coordinator and the database, for instance to let statements fail. */
  between?: (database: Database) => Database
  /** A runtime beside the one for commands, and the name of its agent, who can do its own name. */
  runtime?: Runtime
  /** Limits of the runtime whose agents have workers. */
  pull?: Partial<PullLimits>
  /** More agents of that runtime, each with what it can do. */
  agents?: Readonly<Record<string, string[]>>
  /** More programs that may be run. */
  commands?: Readonly<Record<string, CommandDefinition>>
  /** Which of them are agents, each with what it can do. */
  programs?: Readonly<Record<string, string[]>>
  /** What brings work to the coordinator. BullMQ: over Redis, as one of several servers. */
  engine?: 'embedded' | 'bullmq'
  /** What lets time pass in place of the process's own. */
  timers?: Timers
  /** Is told of everything that the engine hands out. */
  handedOut?: (assignment: Assignment) => void
  /** The folder that agents work in; without one it is the house's own. */
  workspace?: string
}

export async function openHouse(
  { store, bus: busKind }: (typeof HOUSES)[number],
  options: HouseOptions = {},
): Promise<House> {
  const database = options.database ?? (await freshDatabase(store))
  const prefix = `test-${uuid()}:`
  const bus = busKind === 'memory' ? memoryBus() : redisBus({ url: inject('redisUrl') as string, prefix })
  const dataDir = mkdtempSync(join(tmpdir(), 'tutti-house-'))
  const projectId = uuid()
  await database.prisma.project.create({
    data: {
      id: projectId,
      name: 'house',
      workspace: options.workspace ?? dataDir,
      concurrency: options.concurrency ?? 100,
    },
  })
  const {
    between,
    runtime,
    agents = {},
    commands,
    programs = {},
    handedOut,
    engine = 'embedded',
    timers,
    pull,
  } = options
  const house = await build({
    database,
    bus,
    dataDir,
    projectId,
    engine,
    ...(between && { between }),
    ...(runtime && { runtime }),
    ...(commands && { commands }),
    ...(handedOut && { handedOut }),
    ...(timers && { timers }),
    ...(pull && { pull }),
  })
  const slots = options.slots ?? 50
  await database.transaction(async (query) => {
    await registerAgent(query, agent('worker', ['anything'], slots), uuid(), Date.now())
    await registerAgent(query, agent('sleeper', ['sleep-a-second'], slots), uuid(), Date.now())
    for (const [who, can] of Object.entries(programs)) {
      await registerAgent(query, agent(who, can, slots), uuid(), Date.now())
    }
    if (!runtime) return
    const { name } = runtime
    for (const [who, can] of Object.entries({ [name]: [name], ...agents })) {
      await registerAgent(query, { ...agent(who, can, slots), runtime: name, runtimeConfig: {} }, uuid(), Date.now())
    }
  })
  await house.coordinator.recover()
  return house
}

function agent(name: string, capabilities: string[], slots: number): Registration {
  const runtime = { runtime: 'command', runtimeConfig: { command: name } }
  const words = { name, type: 'GENERAL' as const, description: `The fixture ${name}.`, capabilities }
  return { projectId: null, ...words, ...runtime, slots, timeouts: null, origin: 'CONFIGURATION' }
}

/** A database and timers that never answer again once they have died. */
function mortalParts(database: Database, timers: Timers): { database: Database; timers: Timers; die(): void } {
  let dead = false
  const never = new Promise<never>(() => {})
  const answer = async <T>(asked: () => Promise<T>): Promise<T> => {
    if (dead) return never
    try {
      const answered = await asked()
      return dead ? never : answered
    } catch (error) {
      if (dead) return never
      throw error
    }
  }
  return {
    database: {
      ...database,
      query: (sql, params) => answer(() => database.query(sql, params)),
      lookup: (sql, params) => answer(() => database.lookup(sql, params)),
      transaction: (run) => answer(() => database.transaction(run)),
    },
    timers: {
      after: (ms, act) => timers.after(ms, () => dead || act()),
      pause: (ms) => answer(() => timers.pause(ms)),
    },
    die() {
      dead = true
    },
  }
}

/** The place among several servers, of which there happens to be one. */
function membershipOf(database: Database): Membership {
  return {
    servers: createServers(database),
    identity: { name: 'house', role: 'all', version: '1' },
    alone: false,
    leaseMs: 15_000,
    lookMs: 1_000,
    visitRemains: async () => {},
    onBuried: () => {},
  }
}

/** An engine that tells what it hands out. */
function watched(engine: Engine, handedOut: HouseOptions['handedOut']): Engine {
  return {
    ...engine,
    start: (crew) =>
      engine.start({
        ...crew,
        perform(assignment, signal) {
          handedOut?.(assignment)
          return crew.perform(assignment, signal)
        },
      }),
  }
}

interface Foundation extends Pick<HouseOptions, 'between' | 'runtime' | 'commands' | 'handedOut' | 'timers' | 'pull'> {
  engine: 'embedded' | 'bullmq'
  database: Database
  bus: Bus
  dataDir: string
  projectId: string
}

async function build(parts: Foundation): Promise<House> {
  const { database, bus, dataDir, projectId, between, runtime } = parts
  const mortal = mortalParts(between ? between(database) : database, parts.timers ?? timers)
  const log = pino({ level: 'silent' })
  const artifacts = createArtifactStore(dataDir)
  const commands: Record<string, CommandDefinition> = {
    worker: { argv: [process.execPath, WORKER] },
    sleeper: { argv: ['sh', '-c', 'sleep 1; echo slept'] },
    ...parts.commands,
  }
  const runtimes = {
    command: createCommandRuntime({ commands, environment: process.env }),
    pull: createPullRuntime({
      offers: createOffers({ query: mortal.database.query, bus }),
      ...(parts.pull && { limits: parts.pull }),
    }),
    ...(runtime && { [runtime.name]: runtime }),
  }
  const isShared = parts.engine === 'bullmq'
  const engine = isShared
    ? createBullmqEngine({ url: inject('redisUrl') as string, prefix: `test-${uuid()}`, log, timers: mortal.timers })
    : createEmbeddedEngine({ log, timers: mortal.timers })
  const coordinator = createCoordinator({
    store: createStore({ database: mortal.database, bus, log, newId: uuid }),
    engine: watched(engine, parts.handedOut),
    runtimes,
    artifacts,
    workspaces: createGitWorkspaces(),
    worktrees: createWorktrees({ home: join(dataDir, 'copies') }),
    timers: mortal.timers,
    log,
    owner: `test-${uuid()}`,
    crewed: true,
    ...(isShared && { membership: membershipOf(mortal.database) }),
    now: Date.now,
    newId: uuid,
    chance: Math.random,
  })

  /** Reads again whenever the doorbell rings, until what is read will do. */
  async function follow<T>(topic: string, read: () => Promise<T | undefined>): Promise<T> {
    const bell = new EventTarget()
    const stop = bus.listen(topic, () => bell.dispatchEvent(new Event('ring')))
    try {
      for (;;) {
        const rung = once(bell, 'ring')
        const found = await read()
        if (found !== undefined) return found
        await rung
      }
    } finally {
      stop()
    }
  }

  const until: House['until'] = (sessionId, isSo) =>
    follow(`session:${sessionId}`, async () => {
      const state = await loadSession(database.query, sessionId)
      if (!state || isSo(state)) return state
      if (isEnded(state.status)) throw new Error(`the session ended ${state.status}: ${state.reason}`)
      return undefined
    })

  return {
    ...parts,
    artifacts,
    runtimes,
    coordinator,
    until,
    async shown(executionId) {
      const count = () => database.prisma.activity.count({ where: { executionId } })
      await follow(`activity:${executionId}`, async () => ((await count()) > 0 ? true : undefined))
    },
    async start(subTasks, options = {}) {
      const full = subTasks.map((part, index): SubTask => {
        const key = part.key ?? `part-${index + 1}`
        return { title: key, description: '', capabilities: ['anything'], dependsOn: [], ...part, key }
      })
      const task = { title: 'a task', description: 'of parts', subTasks: full }
      const result = await coordinator.start({ projectId, task, pattern: 'AUTO', ...options })
      if (result.kind !== 'STARTED') throw new Error(JSON.stringify(result))
      return result.sessionId
    },
    end: (sessionId) => until(sessionId, ({ status }) => isEnded(status)),
    async reopen() {
      await coordinator.stop()
      const again = await build(parts)
      await again.coordinator.recover()
      return again
    },
    die: mortal.die,
    async crash() {
      mortal.die()
      const again = await build(parts)
      await again.coordinator.recover()
      return again
    },
    async close() {
      await coordinator.stop()
      await bus.close()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}
