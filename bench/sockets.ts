import { setTimeout as pause } from 'node:timers/promises'
import { type Answer, median, percentile, precise, shown, tell } from './answer.ts'
import { type Bed, makeBed } from './bed.ts'
import { createLane } from './fanout.ts'
import { tutti } from './fanout/contestants.ts'
import { Watchers } from './fanout/watchers.ts'
import { memoryOf } from './memory.ts'

interface Options {
  rounds: number
  seconds: number
  subscribers: number
  paused: number
}

/** Who hears of each event while the others have nothing to hear, events a second, and characters of each. */
const LISTENERS = 20
const PACE = 20
const TEXT = 'x'.repeat(50_000)
/** How long the server has to come to rest, in milliseconds. */
const REST_MS = 2_000

interface Measured {
  emptyMiB: number
  rssMiB: number
  connectsPerSecond: number
  pausedMiB: number
  p99Ms: number
  p99PausedMs: number
}

/** What do many idle subscribers cost, and what do others feel of those who do not read? */
export async function sockets({ rounds, ...options }: Options): Promise<Answer> {
  const bed = await makeBed()
  const measured: Measured[] = []
  try {
    for (let round = 1; round <= rounds; round++) {
      const one = await measure(bed, options)
      measured.push(one)
      tell(
        `round ${round}: ${shown(one.rssMiB)} MiB, ${shown(one.pausedMiB)} MiB for each that is paused, p99 ${shown(one.p99Ms)} and then ${shown(one.p99PausedMs)} ms`,
      )
    }
  } finally {
    await bed.stop()
  }
  const middle = (part: keyof Measured): number => precise(median(measured.map((one) => one[part])) as number)
  const p99Shift = precise(median(measured.map(({ p99Ms, p99PausedMs }) => p99PausedMs / p99Ms)) as number)
  const parts = ['emptyMiB', 'rssMiB', 'connectsPerSecond', 'pausedMiB', 'p99Ms', 'p99PausedMs'] as const
  return {
    figures: Object.fromEntries(parts.map((part) => [part, middle(part)])),
    ratios: { rssMiB: middle('rssMiB'), pausedMiB: middle('pausedMiB'), p99Shift },
    headings: [
      'subscribers',
      'MiB without',
      'MiB with them',
      'connects/s',
      'MiB a paused one',
      'p99 ms',
      'p99 ms with paused ones',
    ],
    rows: [[options.subscribers.toLocaleString('en'), ...parts.map((part) => shown(middle(part)))]],
  }
}

async function measure(bed: Bed, { seconds, subscribers, paused }: Omit<Options, 'rounds'>): Promise<Measured> {
  const quiet = await tutti(bed)
  const open: Watchers[] = []
  try {
    const emptyMiB = memoryOf(quiet.pid) as number
    const from = performance.now()
    const { url, subscribe, snapshot, after } = quiet
    open.push(await Watchers.open({ url, subscribe, snapshot, after, count: subscribers }))
    const connectsPerSecond = subscribers / ((performance.now() - from) / 1_000)
    await pause(REST_MS)
    const rssMiB = memoryOf(quiet.pid) as number

    const busy = await quiet.another()
    const others = await Watchers.open({ ...busy, count: LISTENERS })
    const slow = await Watchers.open({ ...busy, count: paused })
    open.push(others, slow)
    const lane = createLane(busy, others)
    await lane.pace(PACE, seconds / 2, TEXT)
    const before = await lane.pace(PACE, seconds, TEXT)
    const without = memoryOf(quiet.pid) as number
    slow.pause(paused)
    const during = await lane.pace(PACE, seconds, TEXT)
    const most = memoryOf(quiet.pid) as number
    return {
      emptyMiB,
      rssMiB,
      connectsPerSecond,
      pausedMiB: Math.max(0, most - without) / paused,
      p99Ms: percentile(before.since, 0.99) as number,
      p99PausedMs: percentile(during.since, 0.99) as number,
    }
  } finally {
    for (const watchers of open) watchers.close()
    await quiet.close()
  }
}
