import type { Store } from '../../src/store/store.ts'
import { Fault, type Life } from './loop.ts'
import type { Tables } from './tables.ts'

/** How the connection of a server breaks: before a statement is done, or after it, so that nobody hears that it was. */
export type Break = 'BEFORE' | 'AFTER'

/** The store as one server sees it: everything that it asks for takes time, and can break. */
export function createMemoryStore(tables: Tables, life: Life, breaks: (verb: string) => Break | undefined): Store {
  const lost = (verb: string): Fault => new Fault(`the connection broke: ${verb}`)
  const ask = <T>(verb: string, apply: () => T | Promise<T>): Promise<T> =>
    life.call(verb, async () => {
      const moment = breaks(verb)
      if (moment === 'BEFORE') throw lost(verb)
      const result = await apply()
      if (moment === 'AFTER') throw lost(verb)
      return result
    })
  return {
    session: (id) => ask('session', () => tables.session(id)),
    version: (id) => ask('version', () => tables.version(id)),
    // One server at a time drives a world, and looks by itself.
    follow: () => () => {},
    drive: (ids, server) => ask('drive', () => tables.drive(ids, server)),
    unfinished: () => ask('unfinished', () => tables.unfinished()),
    write: (transition) => ask('write', () => tables.write(transition)),
    create: (transition, companions) => ask('create', () => tables.create(transition, companions)),
    ring() {},
    claim: (claim) => ask('claim', () => tables.claim(claim)),
    answered: (claim) => ask('answered', () => tables.answered(claim)),
    analysis: (sessionId) => ask('analysis', () => tables.analysis(sessionId)),
    sessionOfInterrupt: (id) => ask('interrupt', () => tables.sessionOfInterrupt(id)),
    workspace: (projectId) => ask('workspace', () => tables.projects.find(({ id }) => id === projectId)?.workspace),
    // Nobody plans by what is expected here.
    experience: () => ask('experience', () => new Map()),
    lastEnds: () => ask('last ends', () => new Map()),
    hasProject: (id) => ask('project', () => tables.projects.some((project) => project.id === id)),
    task: (projectId, taskId) => ask('task', () => tables.task(projectId, taskId)),
    agents: () => ask('agents', () => tables.agents.map((agent) => ({ ...agent }))),
    concurrencies: () => ask('concurrencies', () => new Map(tables.projects.map((p) => [p.id, p.concurrency]))),
    setAgentStatus: (agentId, status, reason) =>
      ask('agent', () => {
        const agent = tables.agents.find(({ id, status }) => id === agentId && status !== 'DISABLED')
        if (agent) Object.assign(agent, { status, statusReason: reason })
        return agent !== undefined
      }),
    taskText: (taskId) => ask('task text', () => tables.taskText(taskId)),
    artifacts: (executionIds) => ask('artifacts', () => executionIds.flatMap((id) => tables.artifactsOf(id))),
    agentName: (agentId) => ask('agent name', () => tables.agents.find(({ id }) => id === agentId)?.name),
    // Storing what is shown never fails the work; what it costs is time.
    activities: (executionId) => ({
      add: () => Promise.resolve(),
      close: () => ask(`close activities of ${executionId}`, () => {}).catch(() => {}),
    }),
  }
}
