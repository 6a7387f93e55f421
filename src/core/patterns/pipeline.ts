import type { PatternCompiler } from './compiler.ts'
import { itemsOf } from './items.ts'

/** Stages: each is handed the output of the stage before it, and nothing else; fails fast. */
export const pipeline: PatternCompiler = (parts, { concurrency, items }) =>
  items
    ? itemsOf(parts, items, concurrency)
    : {
        nodes: parts.map((part, index) => {
          const previous = parts.slice(Math.max(0, index - 1), index).map(({ key }) => key)
          return { part, group: 'stages', after: previous, needs: previous }
        }),
        groups: [{ key: 'stages', pattern: 'PIPELINE', onFailure: 'FAIL_FAST', concurrency: 1 }],
      }
