/** `select` under the sets select_metatool and select_livemcp: every item of a catalog is an agent. */
import type { AgentProfile } from '../../src/core/agent.ts'
import { type Candidate, select } from '../../src/core/select.ts'
import { answerLines } from './lines.ts'

interface Item {
  id: string
  name: string
  description: string
  tags?: string[]
  capabilities?: { name: string; description: string }[]
}

type Line =
  { kind: 'catalog'; id: string; items: Item[] } | { kind: 'query'; id: string; catalog: string; text: string }

const toAgent = (item: Item): AgentProfile => ({
  id: item.id,
  name: item.name,
  type: 'GENERAL',
  description: [
    item.description,
    ...(item.tags ?? []),
    ...(item.capabilities ?? []).map((one) => one.description),
  ].join(' '),
  capabilities: (item.capabilities ?? []).map((one) => one.name),
  status: 'ONLINE',
  slots: 1,
})

const catalogs = new Map<string, Candidate[]>()

await answerLines<Line>((line) => {
  if (line.kind === 'catalog') {
    catalogs.set(
      line.id,
      line.items.map((item) => ({ agent: toAgent(item), running: 0 })),
    )
    return undefined
  }
  const { chosen, ranked } = select({ capabilities: [], text: line.text }, catalogs.get(line.catalog) ?? [])
  return {
    id: line.id,
    items: chosen ? [chosen.agentId] : [],
    ranked: ranked.slice(0, 20).map((choice) => choice.agentId),
  }
})
