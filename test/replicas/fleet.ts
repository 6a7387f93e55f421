import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { openDatabase, type Database } from '../../src/store/db.ts'
import { type EventRow, eventsAfter } from '../../src/store/journal.ts'
import { freshPostgres } from '../database.ts'
import { type Member, startMember } from '../servers/member.ts'
import { scratch } from '../servers/process.ts'

/** Server processes that share a database, a Redis and a data directory. */
export interface Fleet {
  /** Where its agents work. */
  folder: string
  database: Database
  start(environment?: Record<string, string>): Promise<Member>
  /** A session of parts one after the other, each done by the agent of that name; returns its id. */
  begin(member: Member, agents: readonly string[]): Promise<string>
  /** The attempts of a session: "key number status". */
  attempts(sessionId: string): Promise<string[]>
  status(sessionId: string): Promise<string | undefined>
  /** Once the agent of an execution has shown something: its program runs. */
  shown(sessionId: string, key: string): Promise<void>
  /** All events of a session in order. */
  events(sessionId: string): Promise<EventRow[]>
  close(): Promise<void>
}

/**
 * @param template database that theirs begins as
 * @param agents shell scripts by the agent's name
 */
export async function openFleet(template: string, redisUrl: string, agents: Record<string, string>): Promise<Fleet> {
  const folder = scratch('fleet')
  const databaseUrl = await freshPostgres(template)
  const config = {
    builtinAgents: false,
    commands: Object.fromEntries(
      Object.entries(agents).map(([name, script]) => [name, { argv: ['sh', '-c', script] }]),
    ),
    agents: Object.keys(agents).map((name) => ({ name, command: name, capabilities: [name], slots: 50 })),
  }
  writeFileSync(join(folder, 'tutti.config.json'), JSON.stringify(config))
  const database = await openDatabase({ url: databaseUrl })
  const processes: ChildProcess[] = []
  let projectId: string | undefined

  async function project(member: Member): Promise<string> {
    if (projectId === undefined) {
      const made = await member.ask(
        `mutation ($path: String!) { createProject(input: { name: "fleet", workspace: $path, concurrency: 100 }) {
          ... on CreateProjectSuccess { project { id } } ... on Error { message } } }`,
        { path: folder },
      )
      projectId = (made['createProject'] as { project: { id: string } }).project.id
    }
    return projectId
  }

  return {
    database,
    folder,
    start: (environment = {}) =>
      startMember(folder, { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, ...environment }, (process) =>
        processes.push(process),
      ),
    async begin(member, agents) {
      const subTasks = agents.map((name, index) => ({ key: `p${index}`, title: name, capabilities: [name] }))
      const started = await member.ask(
        `mutation ($project: ID!, $subTasks: [SubTaskInput!]!) { startOrchestration(input: { project: $project,
          pattern: SEQUENTIAL, task: { title: "task", subTasks: $subTasks } }) {
          ... on StartOrchestrationSuccess { session { id } } ... on Error { message } } }`,
        { project: await project(member), subTasks },
      )
      const { session } = started['startOrchestration'] as { session?: { id: string } }
      if (!session) throw new Error(JSON.stringify(started))
      return session.id.replace('Session:', '')
    },
    async attempts(sessionId) {
      const rows = await database.query<{ told: string }>(
        `SELECT e.key || ' ' || a.number || ' ' || a.status AS told FROM "Attempt" a
         JOIN "Execution" e ON e.id = a."executionId" WHERE a."sessionId" = $1 ORDER BY e.key, a.number`,
        [sessionId],
      )
      return rows.map(({ told }) => told)
    },
    async status(sessionId) {
      return (await database.prisma.session.findUnique({ where: { id: sessionId } }))?.status
    },
    async shown(sessionId, key) {
      const where = { execution: { sessionId, key } }
      await expect.poll(() => database.prisma.activity.count({ where })).toBeGreaterThan(0)
    },
    events: (sessionId) => eventsAfter(database.query, [{ id: sessionId, after: 0 }], 10_000),
    async close() {
      for (const process of processes) {
        if (process.exitCode !== null || process.signalCode !== null) continue
        process.kill('SIGKILL')
        await once(process, 'exit')
      }
      await database.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
