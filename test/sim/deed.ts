import type { Random } from './random.ts'
import type { World } from './world.ts'

/** Something that is done to a world at some moment. What is drawn is JSON, so that a scenario can be told. */
interface Deed<Given> {
  /** How often it is drawn beside the others of its sort. */
  weight: number
  draw(random: Random): Given
  happen(world: World, given: Given): void
}

/** Lets each deed have its own kind of what is drawn. */
export function deed<Given>(given: Deed<Given>): Deed<Given> {
  return given
}

/** One of a list by any number; undefined if there is none. */
export function choose<T>(among: readonly T[], number: number): T | undefined {
  return among[number % among.length]
}
