import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { v7 as uuid } from 'uuid'
import type { StartInput, StartResult } from '../../src/coordinator/coordinator.ts'
import type { SubTask } from '../../src/core/plan.ts'
import type { CommandDefinition } from '../../src/runtimes/command.ts'
import { asked, say } from '../coordinator/asking.ts'
import type { House } from '../house.ts'
import { createRepository } from '../workspaces/repository.ts'

const agent = (name: string): string => fileURLToPath(new URL(`../fixtures/agents/${name}`, import.meta.url))
const node = (file: string, ...args: string[]): CommandDefinition => ({
  argv: [process.execPath, agent(file), ...args],
})

/** Rejects what it is shown first: the workspace remembers. */
const GATE = ['test -f once && exit 0', 'touch once', 'echo "line 3 is wrong"; exit 1'].join('\n')

/** The programs of all workloads, and which of them are agents for what. */
export const COMMANDS: Record<string, CommandDefinition> = {
  asker: node('ask.js'),
  judge: node('role.js', 'judge'),
  manager: node('role.js', 'manager'),
  broken: node('role.js', 'broken'),
  gate: { argv: ['sh', 'gate.sh'] },
}
export const PROGRAMS = { asker: ['ask'], judge: ['judge'], manager: ['plan'], broken: ['break'] }

/** Where a workload runs: a project of its own in a house. */
export interface Place {
  house: House
  projectId: string
  start(parts: Partial<SubTask>[], options?: Partial<StartInput>): Promise<string>
}

/** Opens a project with a repository of its own. */
export async function placeIn(house: House, name: string): Promise<Place> {
  const { folder } = createRepository(join(house.dataDir, 'repositories', name), {
    'gate.sh': GATE,
    'a.txt': 'as it was',
  })
  const projectId = uuid()
  await house.database.prisma.project.create({ data: { id: projectId, name, workspace: folder, concurrency: 100 } })
  return { house, projectId, start: (parts, options) => house.start(parts, { projectId, ...options }) }
}

/** Does something with sessions; returns how the last one ended. */
type Workload = (place: Place) => Promise<string>

const idOf = (result: StartResult): string => {
  if (result.kind !== 'STARTED') throw new Error(JSON.stringify(result))
  return result.sessionId
}
const endOf = async ({ house }: Place, id: string): Promise<string> => (await house.end(id)).status
const failing = (key: string, more: Partial<SubTask> = {}): Partial<SubTask> => {
  return { key, input: { exit: 3 }, retry: { maxAttempts: 1 }, ...more }
}
const undoable = (key: string): Partial<SubTask> => {
  return { key, input: { write: `${key}.txt` }, compensation: { title: `undo ${key}`, capabilities: ['anything'] } }
}

/** What has to come out the same on every engine and store, each with the status that its last session ends with. */
export const WORKLOADS: Record<string, [status: string, run: Workload]> = {
  'a sequence, with a part that is tried again': [
    'SUCCEEDED',
    async (place) => {
      const retry = { initialMs: 10 }
      const parts = [{ key: 'a' }, { key: 'b', input: { failTimes: 2 }, retry }, { key: 'c' }]
      return endOf(place, await place.start(parts, { pattern: 'SEQUENTIAL' }))
    },
  ],
  'gates, one of which rejects what it is shown first': [
    'SUCCEEDED',
    async (place) => {
      const gates: SubTask['gates'] = [
        { kind: 'SCHEMA', schema: { type: 'object', required: ['attempt'] } },
        { kind: 'COMMAND', command: 'gate' },
        { kind: 'FILES', exist: ['gate.sh'], changed: ['a.txt'] },
        { kind: 'EVIDENCE', minArtifacts: 1 },
      ]
      const part = { key: 'a', input: { log: 'a.txt' }, gates }
      return endOf(place, await place.start([part], { policy: { snapshots: true } }))
    },
  ],
  'a judge who wants a second attempt': [
    'SUCCEEDED',
    async (place) =>
      endOf(place, await place.start([{ key: 'a', gates: [{ kind: 'JUDGE', criteria: 'It is felt.' }] }])),
  ],
  'a person who wants a second attempt': [
    'SUCCEEDED',
    async (place) => {
      const { house } = place
      const id = await place.start([{ key: 'a', gates: [{ kind: 'PERSON', question: 'May it stand?' }] }])
      await say(house, await asked(house, id), { choice: 'REJECT', text: 'more red' })
      await say(house, await asked(house, id), { choice: 'APPROVE' })
      return endOf(place, id)
    },
  ],
  'branches of which one fails, and all are collected': [
    'PARTIAL',
    async (place) => {
      const parts = [{ key: 'a' }, failing('b', { optional: true }), { key: 'c' }]
      return endOf(place, await place.start(parts, { pattern: 'PARALLEL', onFailure: 'CONTINUE' }))
    },
  ],
  'branches of which enough are accepted': [
    'PARTIAL',
    async (place) => {
      const parts = [{ key: 'a', optional: true }, failing('b', { optional: true }), { key: 'c', optional: true }]
      return endOf(place, await place.start(parts, { pattern: 'PARALLEL', onFailure: 'QUORUM', quorum: 2 }))
    },
  ],
  'a failure, which is skipped behind': [
    'FAILED',
    async (place) => {
      const parts = [{ key: 'a' }, failing('b'), { key: 'c' }]
      return endOf(place, await place.start(parts, { pattern: 'SEQUENTIAL' }))
    },
  ],
  'another agent in place of one that fails': [
    'SUCCEEDED',
    async (place) => {
      const part = { key: 'a', capabilities: ['break'], retry: { initialMs: 10, maxAttempts: 2 }, fallback: ['worker'] }
      return endOf(place, await place.start([part]))
    },
  ],
  'a question of an agent, which is answered': [
    'SUCCEEDED',
    async (place) => {
      const { house } = place
      const id = await place.start([
        { key: 'a', capabilities: ['ask'] },
        { key: 'b', dependsOn: ['a'] },
      ])
      await say(house, await asked(house, id), { choice: 'ANSWER', text: 'there', data: { where: 'staging' } })
      return endOf(place, id)
    },
  ],
  'a soft limit, which is raised': [
    'SUCCEEDED',
    async (place) => {
      const { house } = place
      const parts = ['a', 'b', 'c'].map((key) => ({ key, input: { usage: { cost: 0.5 } } }))
      const id = await place.start(parts, { pattern: 'SEQUENTIAL', budget: { COST: { soft: 0.75, hard: 5 } } })
      await say(house, await asked(house, id), { choice: 'RAISE', data: { COST: { soft: 3 } } })
      return endOf(place, id)
    },
  ],
  'a hard limit, which ends it': [
    'PARTIAL',
    async (place) => {
      const more = { input: { usage: { inputTokens: 60 } }, optional: true }
      const parts = ['a', 'b', 'c'].map((key) => ({ key, ...more }))
      return endOf(place, await place.start(parts, { pattern: 'SEQUENTIAL', budget: { TOKENS: { hard: 100 } } }))
    },
  ],
  'a cancel while two work': [
    'CANCELED',
    async (place) => {
      const { house } = place
      const parts = ['a', 'b'].map((key) => ({ key, input: { sleepMs: 600_000 } }))
      const id = await place.start(parts, { pattern: 'PARALLEL' })
      const { executions } = await house.until(id, ({ executions }) => executions['a'] !== undefined)
      for (const key of ['a', 'b']) await house.shown(executions[key]?.id as string)
      await house.coordinator.cancel(id, 'enough')
      return endOf(place, id)
    },
  ],
  'items of which one is a dead letter': [
    'PARTIAL',
    async (place) => {
      const retry = { maxAttempts: 1 }
      const stages = ['parse', 'price'].map((key) => ({ key, retry }))
      const items = { list: [{}, { exit: 4 }, {}], buffer: 1, onFailure: 'DEAD_LETTER' as const }
      return endOf(place, await place.start(stages, { pattern: 'PIPELINE', items }))
    },
  ],
  'a manager, and a child session': [
    'SUCCEEDED',
    async (place) => {
      const manager = { maxRounds: 3, maxReplans: 1 }
      return endOf(place, await place.start([{ key: 'idea' }], { pattern: 'HIERARCHICAL', manager }))
    },
  ],
  'a rollback, which undoes what was done': [
    'ROLLED_BACK',
    async (place) => {
      const parts = [undoable('a'), undoable('b'), failing('c')]
      return endOf(place, await place.start(parts, { pattern: 'SEQUENTIAL', policy: { rollback: true } }))
    },
  ],
  'a second try, and a fork of a checkpoint with another plan': [
    'SUCCEEDED',
    async (place) => {
      const { coordinator, database } = place.house
      const first = await place.start([{ key: 'a' }, { key: 'b' }, failing('c')], { pattern: 'SEQUENTIAL' })
      await endOf(place, first)
      await endOf(place, idOf(await coordinator.retry(first)))
      const { seq } = await database.prisma.checkpoint.findFirstOrThrow({
        where: { sessionId: first },
        orderBy: { seq: 'asc' },
      })
      const edits = [{ kind: 'REPLACE' as const, key: 'c', changes: { input: {} } }]
      return endOf(place, idOf(await coordinator.fork({ sessionId: first, seq, edits })))
    },
  ],
}
