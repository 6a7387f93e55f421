import type { Engine } from '../../src/engine.ts'
import type { Work } from '../../src/runtime.ts'
import { createSimulatedRuntime, WELL, type Workshop } from './agents.ts'
import { equal } from '../core/invariants.ts'
import type { Coverage } from './coverage.ts'
import { DEEDS, type DeedKind } from './deeds.ts'
import type { Disk } from './disk.ts'
import { createLoop } from './loop.ts'
import { attend } from './people.ts'
import { randomOf } from './random.ts'
import type { Scenario } from './scenario.ts'
import { type House, openServer, type Server } from './server.ts'
import { createTables } from './tables.ts'
import { createWitness } from './witness.ts'
import type { World } from './world.ts'

/** What became of a simulation. */
export interface Result {
  steps: number
  /** What rule was broken, in a sentence. */
  violation?: string
  /** One line for each thing that happened, if they were asked for. */
  lines: string[]
}

export interface Options {
  coverage: Coverage
  trace?: boolean
  /** For tests that what is broken is found out: a store without compare-and-set, another engine. */
  careless?: boolean
  engineInstead?: (engine: Engine) => Engine
}

/** How long a world that is at rest may take to end all its sessions, in milliseconds: whoever needs longer has forgotten something. */
const REST_MS = 2 * 3_600_000
/** How many times as many steps as before it may take. */
const REST_STEPS = 20

/** Lives through a scenario. Never throws: what rule was broken stands in the result. */
export async function simulate(scenario: Scenario, options: Options): Promise<Result> {
  const { coverage } = options
  const random = randomOf(scenario.seed).apart('order')
  const loop = createLoop(random, scenario.haste)
  const lines: string[] = []
  let violation: unknown
  let steps = 0
  const note = (who: string, what: string): void => {
    if (options.trace) lines.push(`${steps} ${loop.now} ${who}: ${what}`)
  }
  const blame = (error: unknown): void => {
    violation ??= error
  }
  const isBroken = (): boolean => violation !== undefined
  const onLooker: Parameters<typeof createTables>[0] = {
    driven: (sessionId, version, driver) => witness.driven(sessionId, version, driver),
    written(transition, stored) {
      for (const { events } of transition.steps) {
        for (const { type, seq, data } of events)
          note(`  session ${stored.id.slice(-4)}`, `${seq} ${type} ${data.key ?? ''}`)
      }
      witness.written(transition, stored)
    },
  }
  const tables = createTables(onLooker, options.careless)
  const witness = createWitness(tables, coverage)
  tables.projects.push(...scenario.projects.map((project) => ({ ...project })))
  tables.agents.push(...scenario.agents.map((agent) => ({ ...agent })))

  let ids = 0
  let hosts = 0
  const disks = new Map<string, Disk>()
  const started = new Set<string>()
  const asking = new Map<string, (server: Server) => void>()
  const house: House = {
    tables,
    witness,
    outage: () => (loop.now < world.outage.until ? world.outage.moment : undefined),
    wall: () => loop.wall(),
    newId: () => `00000000-0000-7000-8000-${String(++ids).padStart(12, '0')}`,
    chance: () => random.fraction(),
    runtime: (host, life, name) => createSimulatedRuntime(workshop, host, life, name),
    commits: new Map(),
    note,
    blame,
    steps: () => steps,
    ...(options.engineInstead && { engineInstead: options.engineInstead }),
  }
  /** How often each part of each task was begun. */
  const tries = new Map<string, number>()
  const workshop: Workshop = {
    witness,
    coverage,
    chanceOf({ task, key }: Work) {
      const name = `${task.title} ${key}`
      tries.set(name, (tries.get(name) ?? 0) + 1)
      return randomOf(scenario.seed).apart(`${name} ${tries.get(name)}`)
    },
    habits: () => (world.resting ? WELL : scenario.habits),
    sick: () => (loop.now < world.sickUntil ? 'its model is away' : undefined),
    unendable: () => world.unendable > 0 && world.unendable-- > 0,
  }
  const world: World = {
    random,
    loop,
    tables,
    witness,
    outside: loop.born('outside'),
    servers: [],
    outage: { until: 0, moment: 'BEFORE' },
    sickUntil: 0,
    unendable: 0,
    resting: false,
    over: false,
    ask(name, question, expected) {
      const putAgain = (): void => {
        world.outside.timers.after(1_000, () => {
          if (world.servers[0]?.recovered && asking.has(name)) put(world.servers[0])
        })
      }
      const put = (server: Server): void => {
        question(server.coordinator).then(
          (answer) => {
            const told = JSON.stringify(answer)
            note(name, told)
            // Its disk is at fault, not what was asked.
            if (told.includes('what the workspace holds cannot be kept')) return putAgain()
            asking.delete(name)
            if (answer.kind === 'STARTED') started.add(answer.sessionId as string)
            if (expected === undefined || answer.kind === expected) return
            blame(new Error(`${name} is answered ${expected}, not ${JSON.stringify(answer)}`))
          },
          (error: unknown) => {
            note(name, String(error))
            putAgain()
          },
        )
      }
      asking.set(name, put)
      if (world.servers[0]?.recovered) put(world.servers[0])
    },
    boot(host) {
      const disk = disks.get(host) ?? { host, folders: new Set<string>() }
      disks.set(host, disk)
      const server = openServer(house, loop.born(`server ${++ids} on ${host}`), disk)
      world.servers.unshift(server)
      server.coordinator.recover().then(
        () => {
          server.recovered = true
          note(server.life.name, 'recovered')
          if (world.servers[0] === server) for (const put of asking.values()) put(server)
        },
        (error: unknown) => {
          note(server.life.name, `cannot recover: ${String(error)}`)
          world.crash(server, host, 1_000)
        },
      )
    },
    crash(server, host, afterMs) {
      server.life.kill()
      const wasLast = world.servers[0] === server
      world.servers.splice(world.servers.indexOf(server), 1)
      if (wasLast) world.outside.timers.after(afterMs, () => world.boot(host))
    },
    newHost: () => `host-${++hosts}`,
  }

  const unhandled = (error: unknown): void => blame(new Error('a rejection was not handled', { cause: error }))
  process.on('unhandledRejection', unhandled)
  try {
    world.boot(world.newHost())
    const deeds = [...scenario.deeds]
    while (!isBroken() && steps < scenario.steps) {
      while (deeds[0] && deeds[0].at <= steps) {
        const { kind, given } = deeds.shift() as Scenario['deeds'][number]
        note('deed', `${kind} ${JSON.stringify(given)}`)
        coverage.deed(kind)
        DEEDS[kind as DeedKind].happen(world, given as never)
      }
      if (!(await next())) break
    }
    rest(world)
    const until = loop.now + REST_MS
    const most = steps + REST_STEPS * Math.max(scenario.steps, 500)
    attend(world)
    const isOver = (): boolean => {
      const [server, ...others] = world.servers
      const isUp = server?.recovered === true && !server.stopping && others.length === 0
      return isUp && asking.size === 0 && tables.sessionIds().every((id) => !tables.isUnfinished(id))
    }
    while (!isBroken() && !isOver() && loop.now < until && steps < most && (await next())) continue
    world.over = true
    if (!isBroken()) await stopAll()
  } catch (error) {
    blame(error)
  } finally {
    process.off('unhandledRejection', unhandled)
  }
  return { steps, lines, ...(violation !== undefined && { violation: describe(violation) }) }

  async function next(): Promise<boolean> {
    const done = await loop.step()
    steps += 1
    if (done) note(done.life.name, done.name)
    return done !== undefined
  }

  /** The last server stops in order, and leaves nothing behind. */
  async function stopAll(): Promise<void> {
    witness.atRest()
    if (asking.size > 0) throw new Error(`everybody gets an answer: ${[...asking.keys()].join(', ')}`)
    // Whoever asked twice, or of two servers, was told of one session; and there is none that nobody asked for.
    const roots = witness.states().filter(({ parentSessionId }) => parentSessionId === undefined)
    equal([...started].toSorted(), roots.map(({ id }) => id).toSorted(), 'one session for each key')
    const [server] = world.servers
    let stopped = false
    void server?.coordinator.stop().then(() => (stopped = true))
    const until = loop.now + REST_MS
    while (!isBroken() && loop.now < until && (await next())) continue
    if (!stopped) throw new Error('a server that is told to stop does so')
    const unendable = new Set(witness.running(server?.host ?? '').map(({ work }) => work.attemptId))
    const left = [...(disks.get(server?.host ?? '')?.folders ?? [])].filter((id) => !unendable.has(id))
    equal(left, [], 'no folder is left behind')
  }
}

/** Everything that was broken is well again; one server goes on. */
function rest(world: World): void {
  world.resting = true
  world.loop.haste = 0
  world.outage.until = 0
  world.sickUntil = 0
  world.unendable = 0
  for (const agent of world.tables.agents) Object.assign(agent, { status: 'ONLINE', statusReason: null })
  for (const server of world.servers) {
    server.breaks = []
    server.doubles = 0
    server.diskFails = 0
    server.life.asleepUntil = 0
  }
  for (const old of world.servers.slice(1)) world.crash(old, old.host, 0)
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause === undefined ? '' : `: ${describe(error.cause)}`
  return `${error.message}${cause}`
}
