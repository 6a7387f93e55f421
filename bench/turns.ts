import type { Bed } from './bed.ts'
import type { Pace, Shape } from './contestant.ts'
import type { Runner } from './pace.ts'

/** How long a contestant goes before it is the next one's turn. */
const TURN_SECONDS = 2

/**
 * Has one contestant after the other go, again and again for a short time each: what a machine does in a second changes
 * from one moment to the next, so they have to share the moments.
 *
 * @returns the means of what each did in its turns
 */
export async function takeTurns<Name extends string>(
  bed: Bed,
  runners: readonly (Runner & { name: Name })[],
  { seconds, ...what }: { shape: Shape; sessions: number; seconds: number },
): Promise<Map<Name, Pace>> {
  await bed.settle()
  const taken = new Map<Name, Pace[]>(runners.map(({ name }) => [name, []]))
  const turns = Math.max(1, Math.round(seconds / TURN_SECONDS))
  for (let turn = 0; turn < turns; turn++) {
    for (const index of runners.keys()) {
      const { name, run } = runners[(index + turn) % runners.length] as Runner & { name: Name }
      taken.get(name)?.push(await run({ ...what, seconds: seconds / turns }))
    }
  }
  return new Map(Array.from(taken, ([name, paces]) => [name, mean(paces)]))
}

function mean(paces: readonly Pace[]): Pace {
  const of = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
  const gaps = paces.flatMap(({ p50 }) => p50 ?? [])
  const [rate, cpu] = [of(paces.map((pace) => pace.rate)), of(paces.map((pace) => pace.cpu))]
  return { rate, cpu, ...(gaps.length > 0 && { p50: of(gaps) }) }
}
