import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rm } from 'node:fs/promises'
import pino from 'pino'
import { memoryBus } from '../../src/buses/memory.ts'
import { createCoordinator } from '../../src/coordinator/create.ts'
import { timers } from '../../src/coordinator/timers.ts'
import { createEmbeddedEngine } from '../../src/engines/embedded.ts'
import { newId } from '../../src/ids.ts'
import type { Outcome, Runtime } from '../../src/runtime.ts'
import { registerAgent } from '../../src/store/agent.ts'
import { createArtifactStore } from '../../src/store/artifacts.ts'
import { openDatabase } from '../../src/store/db.ts'
import { migrate, MIGRATIONS } from '../../src/store/migrate.ts'
import { createStore } from '../../src/store/store.ts'
import { insertTask } from '../../src/store/task.ts'
import { createGitWorkspaces } from '../../src/workspaces/git.ts'
import { createWorktrees } from '../../src/workspaces/worktrees.ts'
import { type Contestant, type Enter, STEPS } from '../contestant.ts'

/** Nothing is held up for want of room. */
const ROOM = 100_000

/** The coordinator with everything below it, and agents that have nothing to do. */
export const enterOurs: Enter = async (bed, step) => joinOurs(await bed.database(), step)

/**
 * The same on a database that may hold something already.
 *
 * @param url of a PostgreSQL database, which is migrated
 */
export async function joinOurs(url: string, step: (session: string) => void): Promise<Contestant> {
  const log = pino({ level: 'error' }, pino.destination(2))
  const database = await openDatabase({ url })
  await migrate(database, MIGRATIONS)
  const dataDir = mkdtempSync(join(process.env['TUTTI_TEST_RUN_FOLDER'] ?? tmpdir(), 'bench-ours-'))
  const projectId = newId()
  await database.prisma.project.create({
    data: { id: projectId, name: `bench ${projectId}`, workspace: dataDir, concurrency: ROOM },
  })
  const agent = { name: 'nobody', type: 'GENERAL' as const, description: 'Does nothing.', capabilities: ['nothing'] }
  const drivenBy = { runtime: 'nothing', runtimeConfig: {}, slots: ROOM, timeouts: null, origin: 'API' as const }
  await database.transaction((query) => registerAgent(query, { projectId, ...agent, ...drivenBy }, newId(), Date.now()))
  const bus = memoryBus({ log })
  const coordinator = createCoordinator({
    store: createStore({ database, bus, log, newId }),
    engine: createEmbeddedEngine({ log, timers }),
    runtimes: { nothing: doingNothing(step) },
    artifacts: createArtifactStore(dataDir),
    workspaces: createGitWorkspaces(),
    worktrees: createWorktrees({ home: join(dataDir, 'copies') }),
    timers,
    log,
    owner: `bench-${newId()}`,
    crewed: true,
    now: Date.now,
    newId,
    chance: Math.random,
  })
  await coordinator.recover()

  const subTasks = Array.from({ length: STEPS }, (_, index) => {
    return {
      key: `step-${index + 1}`,
      title: `Step ${index + 1}`,
      description: '',
      capabilities: ['nothing'],
      dependsOn: [],
    }
  })
  // One task, which every session carries out: what is measured is how it is carried out.
  const taskId = newId()
  const words = { title: 'Ten steps', description: 'Nothing is done ten times.', priority: 0, capabilities: [] }
  await database.transaction((query) =>
    insertTask(query, { id: taskId, projectId, ...words, subTasks }, newId, Date.now()),
  )
  return {
    async session(shape) {
      const started = await coordinator.start({
        projectId,
        task: { id: taskId },
        pattern: shape === 'sequential' ? 'SEQUENTIAL' : 'PARALLEL',
        aggregate: 'NONE',
        limits: { concurrency: STEPS },
      })
      if (started.kind !== 'STARTED') throw new Error(JSON.stringify(started))
      await coordinator.ended(started.sessionId)
    },
    async close() {
      await coordinator.stop()
      const failed = await database.prisma.session.count({ where: { projectId, status: { not: 'SUCCEEDED' } } })
      await bus.close()
      await database.close()
      await rm(dataDir, { recursive: true, force: true })
      if (failed > 0) throw new Error(`${failed} of our own sessions did not succeed`)
    },
  }
}

const NOTHING: Outcome = { kind: 'OK', summary: 'done', output: 'done', files: [], evidence: [], usage: {} }

function doingNothing(step: (session: string) => void): Runtime {
  return {
    name: 'nothing',
    leavesFiles: false,
    // It shows nothing either.
    // oxlint-disable-next-line require-yield
    async *run({ sessionId }) {
      step(sessionId)
      return NOTHING
    },
    reap: async () => {},
    check: async () => undefined,
  }
}
