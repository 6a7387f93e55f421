import { depths } from '../graph.ts'
import type { Json } from '../json.ts'
import type { PatternCompiler } from './compiler.ts'
import { placeRound } from './managed.ts'

/**
 * A manager that delegates. Without an agent to do so it is the coordinator, stage by stage: parts at the same depth of
 * the dependency graph form a group of their own below the manager's; a part waits only for what it depends on, not for
 * the whole stage before it. With one, the plan begins with its first round, and the parts are suggestions.
 */
export const hierarchical: PatternCompiler = (parts, { concurrency, manager }) => {
  const top = { key: 'manager', pattern: 'HIERARCHICAL', onFailure: 'CONTINUE', concurrency } as const
  if (manager) {
    const input = { round: 1, replan: false, parts: parts as unknown as Json }
    return { nodes: [placeRound(manager, 1, input, [])], groups: [top] }
  }
  const depth = depths(parts.map(({ key, dependsOn }) => ({ key, after: dependsOn })))
  const groupOf = (key: string): string => `stage-${(depth.get(key) as number) + 1}`
  const stages = [...new Set(parts.map(({ key }) => groupOf(key)))]
  return {
    nodes: parts.map((part) => ({ part, group: groupOf(part.key), after: part.dependsOn, needs: part.dependsOn })),
    groups: [
      top,
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
