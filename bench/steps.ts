import { type Answer, median, precise, shown, tell } from './answer.ts'
import { type Bed, makeBed } from './bed.ts'
import { type Enter, type Pace, type Shape } from './contestant.ts'
import { enterBullmq } from './contestants/bullmq.ts'
import { enterCeiling } from './contestants/ceiling.ts'
import { enterCommit } from './contestants/commit.ts'
import { enterDbos } from './contestants/dbos.ts'
import { enterOurs } from './contestants/ours.ts'
import { enter, type Runner } from './pace.ts'
import { takeTurns } from './turns.ts'

const CONTESTANTS = {
  ours: enterOurs,
  commit: enterCommit,
  ceiling: enterCeiling,
  dbos: enterDbos,
  bullmq: enterBullmq,
} satisfies Record<string, Enter>
export type Name = keyof typeof CONTESTANTS
export const NAMES = Object.keys(CONTESTANTS) as Name[]

export interface StepsOptions {
  rounds: number
  /** Each measurement, beside a quarter of it to warm up. */
  seconds: number
  only: readonly Name[]
  /** How many at once. */
  sessions: readonly number[]
  shapes: readonly Shape[]
}

/** Ratios of steps per second, sequential: ours over theirs, with so many sessions at once. */
const RATIOS: Readonly<Record<string, [Name, number]>> = {
  dbos1: ['dbos', 1],
  dbos128: ['dbos', 128],
  bullmq128: ['bullmq', 128],
  ceiling128: ['ceiling', 128],
}

/** All that was measured of one contestant in one setting, a round each. */
type Paces = Map<string, Pace[]>

const setting = (name: string, shape: Shape, sessions: number): string => `${name} ${shape} ${sessions}`

/** What does the orchestrator itself cost for each step? */
export async function steps(options: StepsOptions): Promise<Answer> {
  const paces: Paces = new Map()
  const bed = await makeBed()
  try {
    for (let number = 1; number <= options.rounds; number++) await round(bed, number, options, paces)
  } finally {
    await bed.stop()
  }
  return answer(options, paces)
}

async function round(bed: Bed, number: number, options: StepsOptions, paces: Paces): Promise<void> {
  const { only, shapes, sessions, seconds } = options
  const runners: (Runner & { name: Name })[] = []
  try {
    // Nobody always comes first.
    for (const index of only.keys()) {
      const name = only[(index + number) % only.length] as Name
      runners.push({ name, ...(await enter(bed, CONTESTANTS[name])) })
    }
    for (const shape of shapes) {
      for (const count of sessions) {
        for (const [name, pace] of await takeTurns(bed, runners, { shape, sessions: count, seconds })) {
          const key = setting(name, shape, count)
          paces.set(key, [...(paces.get(key) ?? []), pace])
          tell(`round ${number} ${key}: ${shown(pace.rate)} steps/s`)
        }
      }
    }
  } catch (error) {
    // What else goes wrong while all of them leave comes of this one.
    await Promise.allSettled(runners.map(({ close }) => close()))
    throw error
  }
  for (const { close } of runners) await close()
}

function answer({ only, shapes, sessions }: StepsOptions, paces: Paces): Answer {
  const of = (name: Name, shape: Shape, sessions: number): Pace[] => paces.get(setting(name, shape, sessions)) ?? []
  const middle = (measured: readonly Pace[], figure: keyof Pace): number | undefined => {
    const value = median(measured.map((pace) => pace[figure]))
    return value === undefined ? undefined : precise(value)
  }
  const all = only.flatMap((name) =>
    shapes.flatMap((shape) => sessions.map((count) => ({ name, shape, count, measured: of(name, shape, count) }))),
  )
  const figures: Record<string, Record<string, Record<string, object>>> = {}
  for (const { name, shape, count, measured } of all) {
    const [rate, p50, cpu] = [middle(measured, 'rate'), middle(measured, 'p50'), middle(measured, 'cpu')]
    ;((figures[name] ??= {})[shape] ??= {})[count] = { stepsPerSecond: rate, p50Ms: p50, cpuSecondsPer1000: cpu }
  }

  const ratios: Record<string, number> = {}
  const compare = (label: string, name: Name, count: number, figure: 'rate' | 'p50'): void => {
    const theirs = of(name, 'sequential', count)
    const each = of('ours', 'sequential', count).map((pace, round) => {
      const other = theirs[round]?.[figure]
      return pace[figure] === undefined || other === undefined ? undefined : pace[figure] / other
    })
    const ratio = median(each)
    if (ratio !== undefined) ratios[label] = precise(ratio)
  }
  for (const [label, [name, count]] of Object.entries(RATIOS)) compare(label, name, count, 'rate')
  compare('commitP50', 'commit', 1, 'p50')

  return {
    figures,
    ratios,
    headings: ['who', 'shape', 'sessions', 'steps/s', 'p50 ms', 'CPU s per 1,000'],
    rows: all.map(({ name, shape, count, measured }) => [
      name,
      shape,
      String(count),
      ...(['rate', 'p50', 'cpu'] as const).map((figure) => shown(middle(measured, figure))),
    ]),
  }
}
