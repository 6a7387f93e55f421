/**
 * Lives through random worlds in which everything goes wrong at random moments, on a clock and a store in memory:
 * `npm run sim -- --seeds 500`. The coordinator, the engine and the core are the real ones. A seed that breaks a rule is
 * made smaller, and told.
 */
import { createWriteStream } from 'node:fs'
import { Command, InvalidArgumentError } from 'commander'
import { ALL_TRANSITIONS, createCoverage } from '../test/sim/coverage.ts'
import { drawScenario } from '../test/sim/scenario.ts'
import { type Failure, shrink } from '../test/sim/shrink.ts'
import { simulate } from '../test/sim/simulate.ts'

/** Simulations that one failure may cost to be made smaller. */
const SHRINK_TRIES = 300
/** Lines at the end of a trace that are told. */
const LINES = 30

const whole = (text: string): number => {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('a whole number is needed')
  return Number(text)
}
const program = new Command('sim')
  .description('Lives through random worlds and holds every write against the rules.')
  .option('--seeds <number>', 'how many worlds', whole, 100)
  .option('--steps <number>', 'actions in each before it comes to rest', whole, 2_000)
  .option('--seed <number>', 'the first seed; each next world has the next one', whole, 1)
  .option('--json', 'one JSON document at the end instead of text')
  .option('--log <file>', 'write a line for each thing that happens')
  .option('--no-shrink', 'tell failures as they are')
  .parse()
const options = program.opts<{
  seeds: number
  steps: number
  seed: number
  json?: true
  log?: string
  shrink: boolean
}>()

const say = (line: string): void => {
  if (!options.json) process.stdout.write(`${line}\n`)
}
const log = options.log === undefined ? undefined : createWriteStream(options.log)
const coverage = createCoverage()
const failures: { seed: number; violation: string; shrunk: Failure }[] = []
const began = performance.now()
let steps = 0
let seconds = 0

for (let seed = options.seed; seed < options.seed + options.seeds; seed++) {
  const scenario = drawScenario(seed, options.steps)
  const from = performance.now()
  const result = await simulate(scenario, { coverage, trace: log !== undefined })
  seconds += (performance.now() - from) / 1_000
  steps += result.steps
  if (log) for (const line of result.lines) log.write(`${seed} ${line}\n`)
  const { violation } = result
  if (violation !== undefined) {
    say(`seed ${seed}: ${onOneLine(violation)}`)
    const shrunk = await shrink({ scenario, result }, {}, options.shrink ? SHRINK_TRIES : 1)
    failures.push({ seed, violation, shrunk })
    for (const { at, kind, given } of shrunk.scenario.deeds) say(`  after ${at}: ${kind} ${JSON.stringify(given)}`)
    for (const line of shrunk.result.lines.slice(-LINES)) say(`    ${line}`)
  }
  if (process.stderr.isTTY) {
    const rate = Math.round(steps / seconds)
    process.stderr.write(`\r${seed - options.seed + 1} of ${options.seeds} worlds, ${steps} steps, ${rate} per second `)
  }
}
if (process.stderr.isTTY) process.stderr.write('\n')
log?.end()

const reached = ALL_TRANSITIONS.filter((name) => coverage.transitions.has(name))
const missing = ALL_TRANSITIONS.filter((name) => !coverage.transitions.has(name))
const { deeds, agents, ends } = coverage
if (options.json) {
  const counts = { deeds, agents, ends, transitions: coverage.transitions }
  const told = Object.fromEntries(Object.entries(counts).map(([name, map]) => [name, Object.fromEntries(map)]))
  const total = { seeds: options.seeds, steps, seconds: Number(seconds.toFixed(3)) }
  process.stdout.write(`${JSON.stringify({ ...total, ...told, missing, failures }, undefined, 2)}\n`)
} else {
  say(`transitions: ${reached.length} of ${ALL_TRANSITIONS.length}; never: ${missing.join(', ') || 'none'}`)
  say(`done to them: ${list(deeds)}`)
  say(`agents: ${list(agents)}`)
  say(`sessions: ${list(ends)}`)
  say(
    `${options.seeds} worlds, ${failures.length} failed; ${steps} steps, ${Math.round(steps / seconds)} per second, ` +
      `${((performance.now() - began) / 1_000).toFixed(1)} s`,
  )
}
process.exitCode = failures.length > 0 ? 1 : 0

function list(counts: ReadonlyMap<string, number>): string {
  const sorted = [...counts].toSorted(([, a], [, b]) => b - a)
  return sorted.map(([name, count]) => `${name} ${count}`).join(', ')
}

function onOneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ')
  return line.length > 200 ? `${line.slice(0, 200)}…` : line
}
