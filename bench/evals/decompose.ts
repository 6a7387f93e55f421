/**
 * `decompose` under the sets decompose_worf and decompose_ultratool.
 *
 * Both label the steps of a text as a chain in its order unless they can run side by side by accident, so the steps are
 * put out in that order; `--own-order` puts out the dependencies that the core itself found.
 */
import { decompose } from '../../src/core/decompose.ts'
import { answerLines } from './lines.ts'

const ownOrder = process.argv.includes('--own-order')

await answerLines<{ id: string; text: string }>(({ id, text }) => {
  const { subTasks } = decompose({ title: '', description: text })
  const steps = subTasks.map((subTask, at) => ({
    id: subTask.key,
    text: subTask.title,
    dependsOn: ownOrder ? subTask.dependsOn : subTasks.slice(at - 1, at).map((before) => before.key),
  }))
  return { id, steps }
})
