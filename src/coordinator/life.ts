import type { Coordinator } from './coordinator.ts'
import { createCrew } from './crew.ts'
import type { RunningErrands } from './errands.ts'
import { checkAgents } from './health.ts'
import { createHeartbeat } from './heartbeat.ts'
import { endLeftovers } from './leftovers.ts'
import { recover } from './recover.ts'
import { createSweeper } from './sweeper.ts'
import type { Tools } from './tools.ts'

/** How often agents are proven alive, in milliseconds. */
const HEALTH_MS = 60_000

/** The life of a server: it begins, looks after what is its own, takes nothing more, ends. */
export type Life = Pick<Coordinator, 'recover' | 'drain' | 'stop'>

/** @param stopping fires once this server stops */
export function createLife(
  parts: Tools & { stopping: AbortSignal },
  errands: Pick<RunningErrands, 'stop'>,
  stopping: AbortController,
): Life {
  const { sessions, store, engine, runtimes, timers, log, owner, crewed, membership } = parts
  const heartbeat = membership && createHeartbeat(parts, membership, buried)
  const sweeper = membership && heartbeat && !membership.alone ? createSweeper(parts, membership, heartbeat) : undefined
  /** What this server performs now. */
  const inHand = new Set<Promise<void>>()
  let draining = false
  let stopped: Promise<void> | undefined
  let callOff = (): void => {}
  let watched: (() => void)[] = []

  function startEngine(): void {
    const crew = createCrew(parts)
    engine.start({
      ...crew,
      async perform(assignment, signal) {
        const performing = crew.perform(assignment, signal)
        inHand.add(performing)
        await performing.finally(() => inHand.delete(performing))
      },
      // Whoever goes takes nothing more.
      drive: async (sessionId) => (draining ? undefined : crew.drive(sessionId)),
    })
  }

  /** @param only name of the runtime whose agents are looked at; all of them unless told */
  async function look(only?: string): Promise<void> {
    try {
      if ((await checkAgents(parts, only)) > 0) engine.nudge()
    } catch (error) {
      log.warn({ err: error }, 'the health of the agents could not be checked; it is tried again')
    }
  }

  /**
   * A server that did not know yet that it had been replaced may have made or moved sessions after `recover`. Among several
   * the sweeper finds them sooner.
   */
  async function sweep(): Promise<void> {
    if (sweeper) return
    try {
      for (const { id, version, driver } of await store.unfinished()) {
        if (driver === owner) sessions.catchUp(id, version)
        else await sessions.drive(id)
      }
    } catch (error) {
      log.warn({ err: error }, 'it could not be seen what has been moved by others; it is tried again')
    }
  }

  function lookAgain(): void {
    callOff()
    if (draining) return
    callOff = timers.after(HEALTH_MS, () => {
      lookAgain()
      void look()
      void sweep()
    })
  }

  /** Agents whose runtimes can say when something has changed need not wait for the next look. */
  function watch(): void {
    watched = Object.entries(runtimes).flatMap(([name, runtime]) => runtime.watch?.(() => void look(name)) ?? [])
  }

  /** Goes on with what dead servers had; what living ones have is theirs. */
  async function join(sweeper: NonNullable<ReturnType<typeof createSweeper>>): ReturnType<Life['recover']> {
    const { servers, alive } = await endLeftovers(parts, true)
    await membership?.servers.bury(servers)
    startEngine()
    const found = await sweeper.look(alive)
    sweeper.begin()
    return found
  }

  /** The sessions that this server drives have no driver any more: others are asked to take them over. */
  async function handOn(): Promise<void> {
    if (!membership || membership.alone) return
    try {
      for (const { id, version } of await membership.servers.handOn(owner)) {
        sessions.catchUp(id, version)
        engine.hail(id)
      }
    } catch (error) {
      log.warn({ err: error }, 'sessions could not be handed on: the others find them')
    }
  }

  function takeNothingMore(): void {
    draining = true
    callOff()
    for (const end of watched.splice(0)) end()
    sweeper?.end()
    engine.drain()
  }

  async function stop(): Promise<void> {
    stopping.abort()
    takeNothingMore()
    await Promise.all([handOn(), engine.stop(), errands.stop()])
    sessions.stop()
    await heartbeat?.end()
  }

  function buried(): void {
    stopped ??= stop()
    membership?.onBuried()
  }

  return {
    async recover() {
      if (crewed) await look()
      await heartbeat?.begin()
      if (!crewed) return { sessions: 0, lost: 0 }
      lookAgain()
      watch()
      if (sweeper) return join(sweeper)
      await membership?.servers.buryOthers(owner)
      startEngine()
      return recover(parts, stopping.signal)
    },
    async drain() {
      takeNothingMore()
      await membership?.servers.drain(owner).catch((error: unknown) => {
        log.warn({ err: error }, 'the others could not be told that this server takes nothing more')
      })
      await handOn()
      while (inHand.size > 0) await Promise.all(inHand)
    },
    stop() {
      stopped ??= stop()
      return stopped
    },
  }
}
