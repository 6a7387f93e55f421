/**
 * Has everything around a few servers fail while they work, and looks whether they keep what docs/reliability.md promises:
 * `npm run chaos -- --kills 60 --executions 600`. PostgreSQL and Redis are real ones of its own, on spare ports.
 */
import { createWriteStream } from 'node:fs'
import { Command, InvalidArgumentError } from 'commander'
import { percentile } from '../bench/answer.ts'
import { chaos, type ChaosReport } from '../test/chaos/chaos.ts'
import { FAULTS } from '../test/chaos/faults.ts'
import { createRunFolder } from '../test/servers/process.ts'

const whole = (text: string): number => {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('a whole number is needed')
  return Number(text)
}
const program = new Command('chaos')
  .description(
    'Kills servers, stops them, restarts PostgreSQL and Redis and cuts connections while three servers work, and holds\n' +
      'what has become of the work against what is promised. Ends with 0 only if every promise was kept.',
  )
  .option(
    '--kills <number>',
    'times that a server is killed; a third as many sleep, a tenth of each other kind',
    whole,
    60,
  )
  .option('--executions <number>', 'executions of agents, spread over all faults', whole, 600)
  .option('--seed <number>', 'the same one draws the same faults and sessions', whole, 1)
  .option('--within <ms>', 'how soon work has to go on after each fault', whole, 5_000)
  .option('--json', 'one JSON object instead of a table')
  .option('--log <file>', "write the servers' logs and the faults to a file")
  .parse()
const options = program.opts<{
  kills: number
  executions: number
  seed: number
  within: number
  json?: true
  log?: string
}>()

// Servers and folders go when the process ends in order.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130))
const removeFolder = createRunFolder()
const log = options.log === undefined ? undefined : createWriteStream(options.log)
const { kills, executions, seed } = options
const report = await chaos({
  kills,
  executions,
  seed,
  withinMs: options.within,
  progress: (line) => process.stderr.write(`${line}\n`),
  log: (line) => log?.write(`${line}\n`),
})
log?.end()
removeFolder()

const times = timesOf(report)
if (options.json) {
  process.stdout.write(`${JSON.stringify({ seed, kills, ...report, caughtUp: times }, undefined, 2)}\n`)
} else {
  printTable(report)
}
for (const promise of report.broken) process.stderr.write(`BROKEN with --seed ${seed}: ${promise}\n`)
process.exit(report.broken.length > 0 ? 1 : 0)

/** How long it took to catch up, by kind of fault and in all, in milliseconds. */
function timesOf({ hits }: ChaosReport) {
  return [...FAULTS, 'all'].flatMap((kind) => {
    const own = hits.filter((hit) => kind === 'all' || hit.kind === kind)
    if (own.length === 0) return []
    const sorted = own.map(({ caughtUpMs }) => caughtUpMs ?? Infinity).toSorted((a, b) => a - b)
    const [p50, p95] = [percentile(sorted, 0.5), percentile(sorted, 0.95)]
    return [{ kind, hits: own.length, p50, p95, max: sorted.at(-1) }]
  })
}

function printTable(report: ChaosReport): void {
  const say = (what: string, figure: unknown): void => {
    process.stdout.write(`${what.padEnd(44)} ${figure}\n`)
  }
  process.stdout.write('fault      hit in flight   caught up after, ms: p50     p95     max\n')
  for (const { kind, hits, ...figures } of times) {
    const [p50, p95, max] = [figures.p50, figures.p95, figures.max].map((ms) => String(ms).padStart(8))
    process.stdout.write(`${kind.padEnd(10)} ${String(hits).padStart(13)} ${''.padEnd(20)} ${p50}${p95}${max}\n`)
  }
  say('faults that hit nothing, tried again', report.missed)
  say('sessions, executions, events', [report.sessions, report.executions, report.events].join(', '))
  say('lost sessions, executions', [report.lost.sessions, report.lost.executions].join(', '))
  say('executions accepted twice', report.acceptedTwice)
  say('done more than once, counted once', report.doneAgain)
  say('attempts, of which LOST', [report.attempts.all, report.attempts.lost].join(', '))
  say('late reports refused (STALE_LEASE)', report.stale)
  say('connections that subscribers lost', report.reconnects)
  const ends = Object.entries(report.ends).map(([code, count]) => `${code}: ${count}`)
  say('servers that ended themselves, by exit code', ends.join(', ') || 'none')
  say('seconds', Math.round(report.seconds))
  say('broken promises', report.broken.length)
}
