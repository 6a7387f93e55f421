import type { TaskInput } from '../../src/coordinator/coordinator.ts'
import { WELL } from './agents.ts'
import { createCoverage } from './coverage.ts'
import type { Scenario } from './scenario.ts'
import { type Options, type Result, simulate } from './simulate.ts'

/** A scenario that breaks a rule, and what became of it. */
export interface Failure {
  scenario: Scenario
  result: Result
}

/** The rule that was broken, without what it was broken with. */
export function ruleOf(violation: string): string {
  return violation.split(':')[0] as string
}

/**
 * Looks for a smaller scenario that breaks the same rule: fewer deeds, agents that do well, time that waits, smaller
 * tasks.
 *
 * @param tries simulations at most
 */
export async function shrink(failing: Failure, options: Omit<Options, 'coverage'>, tries: number): Promise<Failure> {
  const rule = ruleOf(failing.result.violation ?? '')
  let smallest = failing
  let left = tries

  async function attempt(scenario: Scenario): Promise<boolean> {
    if (left <= 0) return false
    left -= 1
    const result = await simulate(scenario, { ...options, coverage: createCoverage(), trace: true })
    if (result.violation === undefined || ruleOf(result.violation) !== rule) return false
    smallest = { scenario: { ...scenario, steps: Math.min(scenario.steps, result.steps) }, result }
    return true
  }

  const steps = Math.min(failing.scenario.steps, failing.result.steps)
  await attempt({ ...failing.scenario, steps, deeds: failing.scenario.deeds.filter(({ at }) => at <= steps) })
  await attempt({ ...smallest.scenario, haste: 0 })
  await attempt({ ...smallest.scenario, habits: WELL })
  for (let size = smallest.scenario.deeds.length; size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < smallest.scenario.deeds.length && left > 0;) {
      const deeds = smallest.scenario.deeds.toSpliced(from, size)
      if (!(await attempt({ ...smallest.scenario, deeds }))) from += size
    }
  }
  for (let at = 0; at < smallest.scenario.deeds.length; at++) {
    while (left > 0) {
      const deed = smallest.scenario.deeds[at]
      const smaller = deed?.kind === 'START' && withoutLastPart(deed.given as { task: TaskInput })
      if (!deed || !smaller) break
      const deeds = smallest.scenario.deeds.with(at, { ...deed, given: smaller })
      if (!(await attempt({ ...smallest.scenario, deeds }))) break
    }
  }
  return smallest
}

function withoutLastPart<T extends { task: TaskInput }>(start: T): T | undefined {
  const parts = start.task.subTasks ?? []
  const awaited = new Set(parts.flatMap(({ dependsOn }) => dependsOn))
  const last = parts.findLast(({ key }) => !awaited.has(key))
  if (parts.length < 2 || !last) return undefined
  return { ...start, task: { ...start.task, subTasks: parts.filter((part) => part !== last) } }
}
