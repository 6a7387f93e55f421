/**
 * `decompose` under the sets decompose_worf and decompose_ultratool.
 *
 * decompose_ultratool labels nearly every text as one chain in the order of its words: `--chain` puts the steps out so,
 * while the core keeps steps apart that do not need each other. decompose_worf brings candidates for the steps; where
 * the text itself neither names nor asks anything, those are taken that the core's selection ranks best.
 */
import { decompose } from '../../src/core/decompose.ts'
import { select } from '../../src/core/select.ts'
import { answerLines } from './lines.ts'

const chain = process.argv.includes('--chain')

interface Tool {
  name: string
  description?: string
}

interface Step {
  id: string
  text: string
  dependsOn: string[]
}

/** How many candidates are taken at most, and how near to the best one they have to be. */
const MOST = 4
const NEAR = 0.6

function fromCandidates(text: string, tools: readonly Tool[]): Step[] {
  const candidates = tools.map(({ name, description = '' }, at) => ({
    agent: { id: `${at}`, name, type: 'GENERAL', description, capabilities: [], status: 'ONLINE', slots: 1 } as const,
    running: 0,
  }))
  const texts = new Map(tools.map(({ name, description = '' }, at) => [`${at}`, `${name} ${description}`]))
  const { ranked } = select({ text, capabilities: [] }, candidates)
  const best = ranked[0]?.score ?? 0
  return ranked
    .filter(({ score }) => score >= NEAR * best)
    .slice(0, MOST)
    .map(({ agentId, name }) => ({ id: agentId, text: texts.get(agentId) ?? name, dependsOn: [] }))
}

await answerLines<{ id: string; text: string; tools?: Tool[] }>(({ id, text, tools = [] }) => {
  const { subTasks, method } = decompose({ title: '', description: text })
  const steps =
    method === 'SINGLE' && tools.length > 0 && !text.includes('?')
      ? fromCandidates(text, tools)
      : subTasks.map(({ key, title, dependsOn }): Step => ({ id: key, text: title, dependsOn: [...dependsOn] }))
  if (chain) steps.forEach((step, at) => (step.dependsOn = steps.slice(at - 1, at).map((before) => before.id)))
  return { id, steps }
})
