/** `analyze` under the sets complexity_sp and complexity_swe: the first line of a text is its title. */
import { analyze } from '../../src/core/analysis.ts'
import { decompose } from '../../src/core/decompose.ts'
import { answerLines } from './lines.ts'

await answerLines<{ id: string; text: string }>(({ id, text }) => {
  const [title = '', ...rest] = text.split('\n')
  const task = { title, description: rest.join('\n') }
  return { id, complexity: analyze(task, decompose(task)).complexity }
})
