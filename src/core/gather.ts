import type { Json } from './json.ts'

/** Characters of JSON that gathered outputs may have in all. Larger results belong into artifacts. */
export const MAX_GATHERED = 1_048_576

/**
 * The outputs of executions side by side: all of them if they fit into `MAX_GATHERED`, else each that is larger than its
 * equal share is left out and says where it stands: `{omitted: true, executionId, characters}`.
 */
export function gather(executions: readonly { id: string; output?: Json }[]): Json[] {
  const sizes = executions.map(({ output }) => (output === undefined ? 0 : JSON.stringify(output).length))
  const fits = sizes.reduce((sum, size) => sum + size, 0) <= MAX_GATHERED
  const share = MAX_GATHERED / executions.length
  return executions.map(({ id, output = null }, index) => {
    const characters = sizes[index] as number
    return fits || characters <= share ? output : { omitted: true, executionId: id, characters }
  })
}
