import { type Answer, median, percentile, precise, shown, tell } from './answer.ts'
import { type Bed, makeBed } from './bed.ts'
import { cpuOf } from './cpu.ts'
import { CONTESTANTS, type Stage } from './fanout/contestants.ts'
import { Watchers } from './fanout/watchers.ts'
import { memoryOf } from './memory.ts'

export const FANOUT_NAMES = Object.keys(CONTESTANTS)

/** Events that are under way at once: the next one follows when everybody has the first of them. */
const CALM = 2
const PRESSURE = 64
/** Deliveries a second at which it is measured how long one takes: far less than anybody can do. */
const PACE = 10_000
const MOST_EVENTS = 50

interface Options {
  rounds: number
  seconds: number
  only: string[]
  subscribers: number[]
}

interface Measured {
  /** Deliveries a second, with few and with many events under way, and what each of the latter costs in CPU time. */
  calm: number
  pressure: number
  cpuUs?: number
  p50Ms: number
  p99Ms: number
  /** From the first delivery of an event to the others. */
  spread99Ms: number
  kib?: number
}

/** What does it take to tell many subscribers the same? */
export async function fanout({ rounds, seconds, only, subscribers }: Options): Promise<Answer> {
  const bed = await makeBed()
  const measured = new Map<string, Measured[]>()
  try {
    for (let round = 1; round <= rounds; round++) {
      for (const count of subscribers) {
        for (const name of only) {
          const one = await measure(bed, name, count, seconds)
          const key = `${name}${count}`
          measured.set(key, [...(measured.get(key) ?? []), one])
          tell(
            `round ${round} ${name} ${count}: ${shown(one.calm)}/s, ${shown(one.pressure)}/s under pressure, p99 ${shown(one.p99Ms)} ms`,
          )
        }
      }
    }
  } finally {
    await bed.stop()
  }
  return answer(measured, only, subscribers)
}

async function measure(bed: Bed, name: string, count: number, seconds: number): Promise<Measured> {
  const stage = await (CONTESTANTS[name] as (typeof CONTESTANTS)[string])(bed)
  let watchers: Watchers | undefined
  try {
    const empty = memoryOf(stage.pid)
    const { url, subscribe, snapshot, after } = stage
    watchers = await Watchers.open({ url, subscribe, snapshot, after, count })
    const full = memoryOf(stage.pid)
    const lane = createLane(stage, watchers)
    await lane.flood(CALM, seconds / 4)
    const calm = await lane.flood(CALM, seconds)
    await lane.flood(PRESSURE, seconds / 4)
    const pressure = await lane.flood(PRESSURE, seconds)
    const times = await lane.pace(Math.min(MOST_EVENTS, PACE / count), seconds)
    return {
      calm: calm.rate,
      pressure: pressure.rate,
      ...(calm.cpuUs !== undefined && { cpuUs: calm.cpuUs }),
      p50Ms: percentile(times.since, 0.5) as number,
      p99Ms: percentile(times.since, 0.99) as number,
      spread99Ms: percentile(times.behind, 0.99) as number,
      ...(empty !== undefined && full !== undefined && { kib: ((full - empty) * 1_024) / count }),
    }
  } finally {
    watchers?.close()
    await stage.close()
  }
}

/** Publishes to a stage, and sees to it that everything arrives. */
export function createLane(stage: Stage, watchers: Watchers) {
  let last = stage.after
  const publish = (text?: string): Promise<void> => {
    last++
    return stage.publish((seq) => watchers.sending(seq), text)
  }
  return {
    /** As many as possible, with so many under way at once. */
    async flood(window: number, seconds: number): Promise<{ rate: number; cpuUs: number | undefined }> {
      const from = performance.now()
      const cpu = cpuOf(stage.pid)
      const before = watchers.deliveries
      const published: Promise<void>[] = []
      while (performance.now() - from < seconds * 1_000) {
        published.push(publish())
        if (last - window >= stage.after) await watchers.all(last - window + 1)
      }
      await Promise.all(published)
      await watchers.all(last)
      const deliveries = watchers.deliveries - before
      const used = cpu === undefined ? undefined : (cpuOf(stage.pid) as number) - cpu
      return {
        rate: deliveries / ((performance.now() - from) / 1_000),
        cpuUs: used === undefined ? undefined : (used * 1e6) / deliveries,
      }
    },
    /** So many a second; returns how long deliveries took. */
    pace(perSecond: number, seconds: number, text?: string) {
      return watchers.timed(async () => {
        const from = performance.now()
        const events = Math.max(5, Math.ceil(perSecond * seconds))
        for (let event = 0; event < events; event++) {
          const due = from + (event * 1_000) / perSecond - performance.now()
          if (due > 0) await new Promise((resolve) => setTimeout(resolve, due))
          await publish(text)
        }
        await watchers.all(last)
      })
    },
  }
}

function answer(measured: ReadonlyMap<string, readonly Measured[]>, only: string[], subscribers: number[]): Answer {
  const middle = (key: string, part: keyof Measured): number | undefined =>
    median((measured.get(key) ?? []).map((one) => one[part]))
  const rounded = (key: string, part: keyof Measured): number | undefined => {
    const found = middle(key, part)
    return found === undefined ? undefined : precise(found)
  }
  const ratios: Record<string, number> = {}
  const ratio = (name: string, other: string, count: number, part: keyof Measured): void => {
    const theirs = measured.get(`${other}${count}`) ?? []
    const each = (measured.get(`tutti${count}`) ?? []).map(
      (one, round) => (one[part] as number) / (theirs[round]?.[part] as number),
    )
    const found = median(each.filter((one) => Number.isFinite(one)))
    if (found !== undefined) ratios[name] = precise(found)
  }
  for (const count of subscribers) {
    for (const other of ['yoga', 'mercurius', 'ws']) {
      ratio(`${other}${count}`, other, count, 'calm')
      ratio(`${other}Pressure${count}`, other, count, 'pressure')
    }
    ratio(`p99ws${count}`, 'ws', count, 'p99Ms')
    ratio(`spread99ws${count}`, 'ws', count, 'spread99Ms')
  }
  const rows = subscribers.flatMap((count) => only.map((name) => ({ name, count, key: `${name}${count}` })))
  const parts = ['calm', 'pressure', 'cpuUs', 'p50Ms', 'p99Ms', 'spread99Ms', 'kib'] as const
  return {
    figures: Object.fromEntries(
      rows.map(({ key }) => [key, Object.fromEntries(parts.map((part) => [part, rounded(key, part)]))]),
    ),
    ratios,
    headings: [
      'who',
      'subscribers',
      'deliveries/s',
      'under pressure',
      'CPU us each',
      'p50 ms',
      'p99 ms',
      'p99 behind the first',
      'KiB each',
    ],
    rows: rows.map(({ name, count, key }) => [
      name,
      count.toLocaleString('en'),
      ...parts.map((part) => shown(middle(key, part))),
    ]),
  }
}
