import type { Report } from '../../src/core/attempt.ts'
import { executionsOf } from '../../src/core/draft.ts'
import { isEnded } from '../../src/core/session.ts'
import { step } from '../../src/core/step.ts'
import type { SessionState } from '../../src/core/state.ts'
import { CANCELED, error, LOST, OK } from '../core/sessions.ts'
import { choose, deed } from './deed.ts'
import type { Server } from './server.ts'
import type { Break } from './store.ts'
import type { World } from './world.ts'

/** What goes wrong. A new fault is one entry. */
export const FAULTS = {
  /** The server dies between two actions: all that it has pending is lost, a write under way was done or not. */
  CRASH: deed({
    weight: 4,
    draw: (random) => ({ downMs: random.between(1, 20_000), elsewhere: random.chance(0.2) }),
    happen(world, { downMs, elsewhere }) {
      withLast(world, (server) => world.crash(server, elsewhere ? world.newHost() : server.host, downMs))
    },
  }),
  /** It stops in order, or is killed for taking too long. */
  STOP: deed({
    weight: 1,
    draw: (random) => ({ patienceMs: random.between(100, 60_000) }),
    happen(world, { patienceMs }) {
      withLast(world, (server) => {
        const go = (): void => {
          if (!server.life.dead) world.crash(server, server.host, 10)
        }
        server.stopping = true
        void server.coordinator.stop().then(go)
        world.outside.timers.after(patienceMs, go)
      })
    },
  }),
  /** Another one begins elsewhere while the old one does not notice. */
  TWIN: deed({
    weight: 1,
    draw: (random) => ({ overlapMs: random.between(1, 60_000) }),
    happen(world, { overlapMs }) {
      withLast(world, (old) => {
        world.boot(world.newHost())
        world.outside.timers.after(overlapMs, () => {
          if (!old.life.dead) world.crash(old, old.host, 10)
        })
      })
    },
  }),
  /** It is held up, as by a machine that has gone to sleep, and then goes on as if nothing had been. */
  HOLD: deed({
    weight: 2,
    draw: (random) => ({ ms: random.pick([10, 1_000, 100_000]) }),
    happen(world, { ms }) {
      withLast(world, (server) => {
        server.life.asleepUntil = world.loop.now + ms
      })
    },
  }),
  /** Statements break: nobody hears whether they were done. */
  BREAK: deed<{ moment: Break; left: number }>({
    weight: 6,
    draw: (random) => ({ moment: random.pick(['BEFORE', 'AFTER'] as const), left: random.between(1, 4) }),
    happen(world, given) {
      withLast(world, ({ breaks }) => breaks.push({ ...given }))
    },
  }),
  /** The database is away for a while. */
  OUTAGE: deed<{ moment: Break; ms: number }>({
    weight: 1,
    draw: (random) => ({ moment: random.pick(['BEFORE', 'AFTER'] as const), ms: random.between(1, 10_000) }),
    happen(world, { moment, ms }) {
      world.outage = { moment, until: world.loop.now + ms }
    },
  }),
  /** Somebody reports an attempt once more, or with a fence that is not its own. */
  REPEAT: deed<{ pick: number; report: Report; fence: number }>({
    weight: 4,
    draw: (random) => ({
      pick: random.below(1_000),
      report: random.pick([OK, LOST, CANCELED, error('AGENT')]),
      fence: random.pick([0, 0, -1, 1]),
    }),
    happen(world, { pick, report, fence }) {
      void world.outside.call('somebody reports again', () => reportAgain(world, pick, report, fence))
    },
  }),
  /** The engine performs its next assignment twice. */
  DOUBLE: deed({
    weight: 2,
    draw: (random) => ({ times: random.between(1, 3) }),
    happen(world, { times }) {
      withLast(world, (server) => {
        server.doubles = times
      })
    },
  }),
  /** Clocks are set forward or back. */
  JUMP: deed({
    weight: 1,
    draw: (random) => ({ ms: random.pick([-300_000, -1_000, 1_000, 300_000]) }),
    happen(world, { ms }) {
      world.loop.jump(ms)
    },
  }),
  /** No agent can run for a while. */
  SICK: deed({
    weight: 1,
    draw: (random) => ({ ms: random.between(1, 60_000) }),
    happen(world, { ms }) {
      world.sickUntil = world.loop.now + ms
    },
  }),
  /** Processes that a killed server left cannot be ended. */
  UNENDABLE: deed({
    weight: 1,
    draw: (random) => ({ times: random.between(1, 2) }),
    happen(world, { times }) {
      world.unendable = times
    },
  }),
  /** The disk is full for a moment. */
  DISK: deed({
    weight: 1,
    draw: (random) => ({ times: random.between(1, 2) }),
    happen(world, { times }) {
      withLast(world, (server) => {
        server.diskFails = times
      })
    },
  }),
}

function withLast(world: World, act: (server: Server) => void): void {
  const [server] = world.servers
  if (server) act(server)
}

/** As a server does that knows nothing of the others: it reads, takes a step, and writes if nobody was faster. */
async function reportAgain({ tables, loop }: World, pick: number, report: Report, fence: number): Promise<void> {
  const state = await tables.session(choose(tables.sessionIds(), pick) ?? '')
  const execution = state && choose(executionsOf(state).filter(wasTried), pick)
  if (!state || !execution?.current || isEnded(state.status)) return
  const { id: attemptId } = execution.current
  const happening = {
    executionId: execution.id,
    attemptId,
    fence: execution.current.fence + fence,
    report,
    jitter: 0.5,
  }
  const result = step(state, { type: 'REPORT', ...happening }, loop.wall())
  if (result.events.length > 0) await tables.write({ before: state, after: result.state, steps: [result] })
}

function wasTried({ current }: SessionState['executions'][string]): boolean {
  return current !== undefined
}
