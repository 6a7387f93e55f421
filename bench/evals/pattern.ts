/** `analyze` under the sets pattern_taskbench and pattern_worf. */
import { analyze } from '../../src/core/analysis.ts'
import { decompose } from '../../src/core/decompose.ts'
import { answerLines } from './lines.ts'

await answerLines<{ id: string; text: string }>(({ id, text }) => {
  const task = { title: '', description: text }
  const decomposition = decompose(task)
  const { pattern } = analyze(task, decomposition)
  return { id, pattern: decomposition.subTasks.length < 2 ? 'single' : pattern.toLowerCase() }
})
