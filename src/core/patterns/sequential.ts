import type { PatternCompiler } from './compiler.ts'

/** A total order: k starts after k-1 is ACCEPTED and sees every earlier output; fails fast. */
export const sequential: PatternCompiler = (parts) => ({
  nodes: parts.map((part, index) => ({
    part,
    group: 'sequence',
    after: parts.slice(Math.max(0, index - 1), index).map(({ key }) => key),
    needs: parts.slice(0, index).map(({ key }) => key),
  })),
  groups: [{ key: 'sequence', pattern: 'SEQUENTIAL', onFailure: 'FAIL_FAST', concurrency: 1 }],
})
