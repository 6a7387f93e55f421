import { executionById } from '../core/draft.ts'
import { assign, countRunning, type HeldItem } from '../core/schedule.ts'
import { select } from '../core/select.ts'
import type { Crew } from '../engine.ts'
import { heldBeside } from './beside.ts'
import { perform } from './perform.ts'
import { readyItem } from './ready.ts'
import type { Tools } from './tools.ts'

/** What this server's coordinator does for an engine. */
export function createCrew(parts: Tools & { stopping: AbortSignal }): Crew {
  const { sessions, directory } = parts

  async function readBeside(sessionId: string): Promise<HeldItem[]> {
    const state = await sessions.read(sessionId)
    return state ? heldBeside(state) : []
  }

  return {
    async assign(ready, held) {
      const projects = [...new Set(ready.map(({ projectId }) => projectId))]
      const agents = new Map(await Promise.all(projects.map(async (id) => [id, await directory.agentsOf(id)] as const)))
      const limits = new Map(
        await Promise.all(projects.map(async (id) => [id, await directory.concurrencyOf(id)] as const)),
      )
      const items = ready.map((item) => ({
        ...item,
        limits: { ...item.limits, project: limits.get(item.projectId) as number },
      }))
      const beside = (await Promise.all([...new Set(ready.map((item) => item.sessionId))].map(readBeside))).flat()
      return assign(items, countRunning([...held, ...beside]), (projectId) =>
        (agents.get(projectId) ?? []).map((agent) => ({ agent })),
      )
    },
    async choose(sessionId, executionId, running) {
      const state = await sessions.read(sessionId)
      if (!state || executionById(state, executionId)?.status !== 'READY') return undefined
      const { wanted, projectId } = readyItem(state, executionId)
      const agents = await directory.agentsOf(projectId)
      return select(
        wanted,
        agents.map((agent) => ({ agent, running: running.get(agent.id) ?? 0 })),
      )
    },
    agents: () => directory.agents(),
    perform: (assignment, signal) => perform(parts, assignment, signal),
    drive: (sessionId) => sessions.drive(sessionId),
  }
}
