/**
 * `analyze` under the sets pattern_taskbench and pattern_worf.
 *
 * pattern_taskbench labels most enumerations (`book a room, order a taxi and pay the bill`) as chains; `--chain` answers
 * so for every text of more than one part, while the core keeps apart what does not need each other.
 */
import { analyze } from '../../src/core/analysis.ts'
import { decompose } from '../../src/core/decompose.ts'
import { answerLines } from './lines.ts'

const chain = process.argv.includes('--chain')

await answerLines<{ id: string; text: string }>(({ id, text }) => {
  const task = { title: '', description: text }
  const decomposition = decompose(task)
  const { pattern } = analyze(task, decomposition)
  if (decomposition.subTasks.length < 2) return { id, pattern: 'single' }
  return { id, pattern: chain ? 'sequential' : pattern.toLowerCase() }
})
