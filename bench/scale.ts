import { type Answer, median, precise, shown, tell } from './answer.ts'
import { type Bed, makeBed } from './bed.ts'
import type { Pace } from './contestant.ts'
import { joinOurs } from './contestants/ours.ts'
import { fill } from './fill.ts'
import { ask } from './graphql.ts'
import { enter, type Runner } from './pace.ts'
import { startTutti } from './server.ts'
import { takeTurns } from './turns.ts'

export interface ScaleOptions {
  rounds: number
  seconds: number
  /** Sessions at once. */
  sessions: number
  /** Stored executions in the small database and in the large one. */
  small: number
  large: number
}

/** Executions on a page, and how often each page is asked for in a round. */
const PAGE = 100
const ASKED = 30

const PAGE_OF_EXECUTIONS = `query ($first: Int, $after: String, $last: Int, $before: String) {
  executions(first: $first, after: $after, last: $last, before: $before) {
    edges { node { id key status title startedAt endedAt } } pageInfo { startCursor }
  } }`

/** Does a step cost more, or a page, the more is stored? */
export async function scale(options: ScaleOptions): Promise<Answer> {
  const { rounds, small, large } = options
  const bed = await makeBed()
  const paces: { small: Pace[]; large: Pace[] } = { small: [], large: [] }
  const pages: { first: number[]; deep: number[] } = { first: [], deep: [] }
  try {
    tell(`fills a database with ${large} executions`)
    const largeUrl = await bed.database()
    await fill(largeUrl, large)
    for (let round = 1; round <= rounds; round++) {
      // What is measured would make the small one large.
      const smallUrl = await bed.database()
      await fill(smallUrl, small)
      for (const [size, pace] of await run(bed, { small: smallUrl, large: largeUrl }, options)) {
        paces[size].push(pace)
        tell(`round ${round} ${options[size]} stored: ${shown(pace.rate)} steps/s, ${shown(pace.cpu)} CPU s per 1,000`)
      }
    }
    // Only now: the server brings agents of its own along, among whom the small one would not have to choose.
    for (let round = 1; round <= rounds; round++) {
      const page = await turn(largeUrl)
      pages.first.push(page.first)
      pages.deep.push(page.deep)
      tell(`round ${round} first page ${shown(page.first)} ms, deep page ${shown(page.deep)} ms`)
    }
  } finally {
    await bed.stop()
  }
  return answer(options, paces, pages)
}

async function run(
  bed: Bed,
  urls: { small: string; large: string },
  { sessions, seconds }: ScaleOptions,
): Promise<Map<'small' | 'large', Pace>> {
  const runners: (Runner & { name: 'small' | 'large' })[] = []
  for (const name of ['small', 'large'] as const) {
    runners.push({ name, ...(await enter(bed, (_, step) => joinOurs(urls[name], step))) })
  }
  const paces = await takeTurns(bed, runners, { shape: 'sequential', sessions, seconds })
  for (const { close } of runners) await close()
  return paces
}

interface Page {
  edges: unknown[]
  pageInfo: { startCursor: string }
}

/** Medians in milliseconds of the first page of all executions and of the last full one but one. */
async function turn(databaseUrl: string): Promise<{ first: number; deep: number }> {
  const server = await startTutti({ databaseUrl })
  try {
    const get = async (variables: object): Promise<Page> => {
      const data = await ask(server.url, PAGE_OF_EXECUTIONS, { ...variables })
      return data['executions'] as Page
    }
    // Nobody has to turn every page to come to the last ones.
    const last = await get({ last: PAGE })
    const { pageInfo } = await get({ last: PAGE, before: last.pageInfo.startCursor })
    const times: { first: number[]; deep: number[] } = { first: [], deep: [] }
    for (let asked = 0; asked < ASKED; asked++) {
      for (const [which, variables] of [
        ['first', { first: PAGE }],
        ['deep', { first: PAGE, after: pageInfo.startCursor }],
      ] as const) {
        const from = performance.now()
        const { edges } = await get(variables)
        times[which].push(performance.now() - from)
        if (edges.length !== PAGE) throw new Error(`a page of ${PAGE} has ${edges.length}`)
      }
    }
    return { first: median(times.first) as number, deep: median(times.deep) as number }
  } finally {
    await server.stop()
  }
}

function answer(
  { small, large }: ScaleOptions,
  paces: { small: Pace[]; large: Pace[] },
  pages: { first: number[]; deep: number[] },
): Answer {
  const middle = (numbers: readonly number[]): number => precise(median(numbers) as number)
  const over = (mine: readonly number[], theirs: readonly number[]): number =>
    middle(mine.map((number, round) => number / (theirs[round] as number)))
  const of = (measured: readonly Pace[]): { rate: number[]; cpu: number[]; wall: number[] } => {
    const rate = measured.map((pace) => pace.rate)
    return { rate, cpu: measured.map((pace) => pace.cpu), wall: rate.map((perSecond) => 1_000 / perSecond) }
  }
  const sizes = [
    { stored: small, ...of(paces.small) },
    { stored: large, ...of(paces.large) },
  ] as const
  const [less, more] = sizes
  const figures = sizes.map(({ stored, rate, cpu }) => [
    String(stored),
    { stepsPerSecond: middle(rate), cpuSecondsPer1000: middle(cpu) },
  ])
  return {
    figures: {
      ...(Object.fromEntries(figures) as object),
      firstPageMs: middle(pages.first),
      deepPageMs: middle(pages.deep),
    },
    ratios: {
      wall: over(more.wall, less.wall),
      cpu: over(more.cpu, less.cpu),
      deepPage: over(pages.deep, pages.first),
    },
    headings: ['what', 'steps/s', 'CPU s per 1,000', 'ms'],
    rows: [
      ...sizes.map(({ stored, rate, cpu }) => [`${shown(stored)} stored`, shown(middle(rate)), shown(middle(cpu)), '']),
      [`first ${PAGE} of ${shown(large)}`, '', '', shown(middle(pages.first))],
      [`${PAGE} before the end of ${shown(large)}`, '', '', shown(middle(pages.deep))],
    ],
  }
}
