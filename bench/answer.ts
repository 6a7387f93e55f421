import { availableParallelism, loadavg } from 'node:os'
import { table } from '../src/cli/table.ts'

/** What a question is answered with. */
export interface Answer {
  /** All that was measured: the medians of the rounds. */
  figures: Readonly<Record<string, unknown>>
  /** Ours over the other's, the median of what each round says. */
  ratios: Readonly<Record<string, number>>
  headings: readonly string[]
  rows: readonly (readonly string[])[]
}

/** Under which circumstances something was measured. */
export interface Conditions {
  cores: number
  node: string
  /** Of the last minute, before anything was measured: more than a little means that others used the machine too. */
  load: number
  rounds: number
}

export const conditions = (rounds: number): Conditions => {
  return { cores: availableParallelism(), node: process.version, load: precise(loadavg()[0] ?? 0), rounds }
}

/** One JSON object, or a table and the ratios below it. */
export function print(answer: Answer, around: Conditions, json: boolean): void {
  const { figures, ratios, headings, rows } = answer
  const lines = json
    ? [JSON.stringify({ figures, ratios, conditions: around })]
    : [
        ...table(headings, rows, undefined),
        '',
        ...Object.entries(ratios).map(([name, ratio]) => `${name} ${ratio}`),
        `${around.cores} cores, load ${around.load}, Node ${around.node}, ${around.rounds === 1 ? 'one round' : `medians of ${around.rounds} rounds`}`,
      ]
  process.stdout.write(`${lines.join('\n')}\n`)
}

/** What is going on, for a person who waits. */
export const tell = (line: string): void => void process.stderr.write(`${line}\n`)

/** The middle one; of two the mean. Of none there is none. */
export function median(numbers: readonly (number | undefined)[]): number | undefined {
  const sorted = numbers.filter((number) => number !== undefined).toSorted((a, b) => a - b)
  if (sorted.length === 0) return undefined
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]]
  return ((low as number) + (high as number)) / 2
}

/** The value that a share of all are not above, of sorted ones. */
export const percentile = (sorted: readonly number[], share: number): number | undefined =>
  sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]

/** Three digits are more than these figures are good for. */
export const precise = (number: number): number =>
  number >= 1_000 ? Math.round(number) : Number(number.toPrecision(3))

export const shown = (number: number | undefined): string =>
  number === undefined ? '-' : precise(number).toLocaleString('en')
