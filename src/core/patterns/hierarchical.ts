import { depths } from '../graph.ts'
import type { PatternCompiler } from './compiler.ts'

/**
 * A manager (the coordinator) that delegates stage by stage: parts at the same depth of the dependency graph form a
 * group of their own below the manager's. A part waits only for what it depends on, not for the whole stage before it.
 */
export const hierarchical: PatternCompiler = (parts, { concurrency }) => {
  const depth = depths(parts.map(({ key, dependsOn }) => ({ key, after: dependsOn })))
  const groupOf = (key: string): string => `stage-${(depth.get(key) as number) + 1}`
  const stages = [...new Set(parts.map(({ key }) => groupOf(key)))]
  return {
    nodes: parts.map((part) => ({ part, group: groupOf(part.key), after: part.dependsOn, needs: part.dependsOn })),
    groups: [
      { key: 'manager', pattern: 'HIERARCHICAL', onFailure: 'CONTINUE', concurrency },
      ...stages.map((key) => ({
        key,
        parent: 'manager',
        pattern: 'PARALLEL' as const,
        onFailure: 'CONTINUE' as const,
        concurrency,
      })),
    ],
  }
}
