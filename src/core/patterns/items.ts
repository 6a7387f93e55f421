import type { SubTask } from '../plan.ts'
import type { Items, PatternCompiler, Placed } from './compiler.ts'

/** Characters of a key. */
const MAX_KEY = 64

/**
 * Stages that overlap on different items: one node per stage and item, item by item. A stage is a group of its own that
 * does one item at a time. It begins with an item once the stage after it has begun the one `buffer` places earlier, so
 * that no more than `buffer` items stand finished between two stages, and is through with the one before that, whatever
 * came of it: items that it has begun and that wait, for a person or for another attempt, do not heap up there instead.
 *
 * Both bounds need a node that was skipped to count as settled no sooner than those that it waits for in this way.
 */
export function itemsOf(
  stages: readonly SubTask[],
  { list, buffer, onFailure }: Items,
  concurrency: number,
): ReturnType<PatternCompiler> {
  const names = namesOf(stages, `-${list.length}`.length)
  const keyOf = (stage: number, item: number): string => `${names[stage]}-${item + 1}`
  const place = (part: SubTask, stage: number, item: number): Placed => {
    const before = stage > 0 ? [keyOf(stage - 1, item)] : []
    const isBounded = (places: number): boolean => item >= places && stage < stages.length - 1
    return {
      part: {
        ...part,
        key: keyOf(stage, item),
        input: { item: list[item] ?? null, index: item, ...(part.input !== undefined && { input: part.input }) },
        ...(onFailure === 'DEAD_LETTER' && { optional: true }),
      },
      group: groupOf(stage),
      after: before,
      needs: before,
      ...(isBounded(buffer + 1) && { behind: [keyOf(stage + 1, item - buffer - 1)] }),
      ...(isBounded(buffer) && { onceBegun: [keyOf(stage + 1, item - buffer)] }),
      item,
    }
  }
  return {
    nodes: list.flatMap((_, item) => stages.map((part, stage) => place(part, stage, item))),
    groups: [
      {
        key: 'stages',
        pattern: 'PIPELINE',
        onFailure: onFailure === 'STOP' ? 'FAIL_FAST' : 'CONTINUE',
        concurrency,
      },
      ...stages.map((_, stage) => ({
        key: groupOf(stage),
        parent: 'stages',
        pattern: 'SEQUENTIAL' as const,
        onFailure: 'CONTINUE' as const,
        concurrency: 1,
      })),
    ],
  }
}

function groupOf(stage: number): string {
  return `stage-${stage + 1}`
}

/** The keys of the stages, those cut short that would leave no room for the number of an item. */
function namesOf(stages: readonly SubTask[], room: number): string[] {
  const longest = MAX_KEY - room
  const taken = new Set(stages.map(({ key }) => key))
  return stages.map(({ key }) => {
    if (key.length <= longest) return key
    let name = key.slice(0, longest)
    for (let n = 1; taken.has(name); n++) name = `${key.slice(0, longest - `-${n}`.length)}-${n}`
    taken.add(name)
    return name
  })
}
