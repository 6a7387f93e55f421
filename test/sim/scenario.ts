import type { AgentRecord } from '../../src/store/store.ts'
import { HABIT_KINDS, type Habits } from './agents.ts'
import { type DeedKind, DEEDS, FAULT_KINDS, PEOPLE_KINDS } from './deeds.ts'
import { type Random, randomOf } from './random.ts'
import type { ProjectRow } from './tables.ts'

/** All that is drawn of a world before it begins. The same scenario always goes the same way. */
export interface Scenario {
  seed: number
  /** After so many actions nothing is done to the world any more, and it comes to rest. */
  steps: number
  /** How often time goes on though something is pending: 0 to 1. */
  haste: number
  projects: ProjectRow[]
  agents: AgentRecord[]
  habits: Habits
  /** `at`: after how many actions. */
  deeds: { at: number; kind: DeedKind; given: unknown }[]
}

/** Actions to one deed of people, and to one fault of each kind of weight 1 that the world has. */
const PACE = { people: 60, fault: 900 }

/** Draws a world. Each has some kinds of faults and not the others, so that one does not hide what another does. */
export function drawScenario(seed: number, steps: number): Scenario {
  const random = randomOf(seed)
  const deeds: Scenario['deeds'] = []
  const draw = (kinds: readonly DeedKind[], count: number): void => {
    const weights = Object.fromEntries(kinds.map((kind) => [kind, DEEDS[kind].weight])) as Record<DeedKind, number>
    for (let left = count; left > 0; left--) {
      const kind = random.weigh(weights)
      deeds.push({ at: random.below(steps), kind, given: DEEDS[kind].draw(random) })
    }
  }
  const faults = FAULT_KINDS.filter(() => random.chance(0.4))
  const weight = faults.reduce((sum, kind) => sum + DEEDS[kind].weight, 0)
  draw(PEOPLE_KINDS, Math.ceil(steps / PACE.people))
  if (weight > 0) draw(faults, Math.ceil((steps * weight) / PACE.fault))
  deeds.sort((a, b) => a.at - b.at)
  return {
    seed,
    steps,
    haste: random.pick([0, 0.01, 0.05, 0.2]),
    projects: ['p1', 'p2'].map((id) => ({
      id,
      workspace: random.pick([`/${id}`, `/plain/${id}`]),
      concurrency: random.pick([1, 3, 20]),
    })),
    agents: Array.from({ length: random.between(1, 3) }, (_, index) => anyAgent(random, index + 1)),
    habits: anyHabits(random),
    deeds,
  }
}

function anyAgent(random: Random, number: number): AgentRecord {
  return {
    id: `agent-${number}`,
    projectId: null,
    name: `agent ${number}`,
    type: 'GENERAL',
    description: '',
    capabilities: ['work', 'write-report', 'plan', 'judge'],
    status: 'ONLINE',
    statusReason: null,
    slots: random.between(1, 4),
    version: 1,
    runtime: 'simulated',
    runtimeConfig: {},
    timeouts: random.chance(0.2) ? { attemptMs: 20_000 } : null,
    workspace: 'SHARED',
  }
}

/** Mostly well, with a few ways to go wrong. */
function anyHabits(random: Random): Habits {
  const habits = HABIT_KINDS.map((kind) => [kind, kind === 'OK' ? 8 : random.pick([0, 0, 1, 3])])
  return Object.fromEntries(habits) as Habits
}
