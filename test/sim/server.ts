import type { Worktrees } from '../../src/workspace.ts'
import type { Logger } from 'pino'
import type { Coordinator } from '../../src/coordinator/coordinator.ts'
import { createCoordinator } from '../../src/coordinator/create.ts'
import type { Engine } from '../../src/engine.ts'
import { createEmbeddedEngine } from '../../src/engines/embedded.ts'
import type { Runtime } from '../../src/runtime.ts'
import { type Disk, artifactsOn } from './disk.ts'
import { Fault, type Life } from './loop.ts'
import { type Break, createMemoryStore } from './store.ts'
import type { Tables } from './tables.ts'
import type { Witness } from './witness.ts'
import { type Commits, workspacesOn } from './workspaces.ts'

/** One incarnation of the server: the real coordinator and the real engine on everything simulated. */
export interface Server {
  readonly life: Life
  readonly host: string
  readonly coordinator: Coordinator
  /** Its connection to the store breaks so at the next statements. */
  breaks: { moment: Break; left: number }[]
  /** The next assignments are performed twice at once, as an engine may that has forgotten what it did. */
  doubles: number
  /** The next files cannot be kept. */
  diskFails: number
  /** Whether it has gone on with what an earlier one left. */
  recovered: boolean
  /** Whether it has been told to stop. */
  stopping: boolean
}

/** What servers of a world share. */
export interface House {
  tables: Tables
  witness: Witness
  /** Nothing works for any server while the database is away. */
  outage(): Break | undefined
  wall(): number
  newId(): string
  chance(): number
  runtime(host: string, life: Life, name: string): Runtime
  /** Commits of workspaces are the same for all servers. */
  commits: Commits
  /** Notes a line of a server's log. */
  note(server: string, line: string): void
  /** Something went wrong for which no fault is to blame. */
  blame(error: unknown): void
  /** How many actions have happened so far. */
  steps(): number
  /** For tests that what is broken is found out. */
  engineInstead?: (engine: Engine) => Engine
}

export function openServer(house: House, life: Life, disk: Disk): Server {
  const log = logOf(house, life)
  const { timers } = life
  const server = {
    life,
    host: disk.host,
    breaks: [],
    doubles: 0,
    diskFails: 0,
    recovered: false,
    stopping: false,
  } as Omit<Server, 'coordinator'>
  const breaks = (): Break | undefined => {
    const first = server.breaks[0]
    if (!first) return house.outage()
    first.left -= 1
    if (first.left <= 0) server.breaks.shift()
    return first.moment
  }
  const diskFails = (): boolean => server.diskFails > 0 && server.diskFails-- > 0
  const embedded = createEmbeddedEngine({ log, timers })
  const engine = watched(house.engineInstead?.(embedded) ?? embedded, house, server)
  const coordinator = createCoordinator({
    store: createMemoryStore(house.tables, life, breaks),
    engine,
    runtimes: {
      simulated: house.runtime(disk.host, life, 'simulated'),
      command: house.runtime(disk.host, life, 'command'),
    },
    artifacts: artifactsOn(disk, life, diskFails),
    workspaces: workspacesOn(house.commits, life, diskFails),
    worktrees: NO_WORKTREES,
    timers,
    log,
    owner: life.name,
    crewed: true,
    now: house.wall,
    newId: house.newId,
    chance: house.chance,
  })
  return Object.assign(server, { coordinator })
}

/** Simulated sessions work in their workspace itself. */
const NO_WORKTREES: Worktrees = {
  begin: () => Promise.reject(new Error('there are no worktrees here')),
  open: () => Promise.reject(new Error('there are no worktrees here')),
  merge: () => Promise.reject(new Error('there are no worktrees here')),
  changes: () => Promise.reject(new Error('there are no worktrees here')),
  patch: () => Promise.reject(new Error('there are no worktrees here')),
  publish: () => Promise.reject(new Error('there are no worktrees here')),
}

/** How often an engine may look for work while nothing else happens: whoever looks more often keeps all others waiting. */
const MAX_LOOKS = 1_000

/** The engine, and what becomes of each assignment. */
function watched(engine: Engine, { witness, steps }: House, server: Pick<Server, 'doubles'>): Engine {
  let looks = 0
  let lookedAt = 0
  return {
    ...engine,
    start: (crew) =>
      engine.start({
        ...crew,
        assign(ready, held) {
          looks = steps() === lookedAt ? looks + 1 : 0
          lookedAt = steps()
          if (looks > MAX_LOOKS) throw new Error('the engine goes round in circles: it assigns what is refused at once')
          return crew.assign(ready, held)
        },
        async perform(assignment, signal) {
          const times = server.doubles > 0 ? 2 : 1
          server.doubles = Math.max(0, server.doubles - 1)
          await Promise.all(Array.from({ length: times }, () => crew.perform(assignment, signal)))
          // What is RUNNING still was not reported: its lease takes it back.
          witness.givenUp(assignment.executionId)
        },
      }),
  }
}

/** What goes wrong for a server has to be the doing of the simulation; else it is a bug. */
function logOf(house: House, { name }: Life): Logger {
  const hear = (given: { err?: unknown }, message: string): void => {
    house.note(name, given.err === undefined ? message : `${message}: ${String(given.err)}`)
    if (given.err !== undefined && !isMeant(given.err)) house.blame(given.err)
  }
  return { info: hear, warn: hear, error: hear } as Partial<Logger> as Logger
}

function isMeant(error: unknown): boolean {
  return error instanceof Fault || (error instanceof Error && error.cause !== undefined && isMeant(error.cause))
}
