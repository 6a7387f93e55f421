import { inTurn } from '../pattern.ts'
import type { Pattern, SubTask } from '../plan.ts'
import { misfits, schemaProblems } from '../schema.ts'
import type { At, Problem } from './problem.ts'

/**
 * What is wrong with how typed stages follow each other: what a stage puts out has to fit what the next one wants. Rule
 * 9: what a part wants is refused where nothing can hold it against what comes.
 *
 * @param below the place of a part by its index
 */
export function stageProblems(
  parts: readonly SubTask[],
  pattern: Pattern | 'AUTO',
  below: (index: number) => At,
): Problem[] {
  // What AUTO will be is known only later, and what goes round in a circle has no order.
  const stages = pattern === 'AUTO' ? undefined : inTurn(parts)
  if (!stages) return []
  return stages.flatMap((stage, turn): Problem[] => {
    const { key, inputSchema } = stage
    if (inputSchema === undefined) return []
    const path = below(parts.indexOf(stage))('inputSchema')
    const previous = stages[turn - 1]
    if (pattern !== 'PIPELINE' || !previous) {
      return [
        { path, message: `"${key}" follows no stage of a PIPELINE: its inputSchema would be held against nothing` },
      ]
    }
    const { outputSchema } = previous
    if (outputSchema === undefined) {
      const message = `"${key}" has an inputSchema, but "${previous.key}" before it does not say what it puts out: give it an outputSchema`
      return [{ path, message }]
    }
    // Schemas that are none have been told of already.
    if (schemaProblems(inputSchema).length + schemaProblems(outputSchema).length > 0) return []
    return misfits(outputSchema, inputSchema).map((misfit) => {
      return { path, message: `"${key}" can't take what "${previous.key}" puts out: ${misfit}` }
    })
  })
}
