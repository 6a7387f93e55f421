import type { PatternCompiler } from './compiler.ts'

/** Branches start from the same state, share nothing, and a failure of one leaves the others alone. */
export const parallel: PatternCompiler = (parts, { concurrency }) => ({
  nodes: parts.map((part) => ({ part, group: 'branches', after: [], needs: [] })),
  groups: [{ key: 'branches', pattern: 'PARALLEL', onFailure: 'CONTINUE', concurrency }],
})
