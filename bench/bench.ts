/**
 * What the orchestrator itself costs: `npm run bench -- steps|latency|start|scale|reads|recall|fanout|sockets`. Each question is
 * answered beside a peer or a limit in the same run, the medians of interleaved rounds. See README.md.
 */
import { Command, InvalidArgumentError } from 'commander'
import { type Answer, conditions, print } from './answer.ts'
import { SHAPES } from './contestant.ts'
import { fanout, FANOUT_NAMES } from './fanout.ts'
import { latency } from './latency.ts'
import { READER_NAMES, reads } from './reads.ts'
import { recall } from './recall.ts'
import { scale } from './scale.ts'
import { sockets } from './sockets.ts'
import { start } from './start.ts'
import { NAMES, steps } from './steps.ts'

interface Common {
  rounds: number
  json?: true
}

const number = (text: string): number => {
  const value = Number(text)
  if (!(value > 0 && value < Infinity)) throw new InvalidArgumentError('a number above 0 is needed')
  return value
}
const whole = (text: string): number => {
  const value = number(text)
  if (!Number.isInteger(value)) throw new InvalidArgumentError('a whole number is needed')
  return value
}
const counts = (text: string): number[] => text.split(',').map(whole)
const among =
  <Choice extends string>(choices: readonly Choice[]) =>
  (text: string): Choice[] =>
    text.split(',').map((word) => {
      const choice = choices.find((one) => one === word)
      if (choice === undefined) throw new InvalidArgumentError(`choose among ${choices.join(', ')}`)
      return choice
    })

const program = new Command('bench').description('Measures what the orchestrator itself costs, beside its peers.')

/** A question that is asked in rounds. */
function question(name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .option('--rounds <number>', 'measurements of each, one after the other in turn', whole, 3)
    .option('--json', 'one JSON object instead of a table')
}

const SECONDS = ['--seconds <number>', 'that one measurement takes'] as const

async function report(options: Common, answering: () => Promise<Answer>): Promise<void> {
  const around = conditions(options.rounds)
  print(await answering(), around, options.json === true)
}

question('steps', 'steps that do nothing, ten in each session')
  .option(...SECONDS, number, 5)
  .option('--only <names>', `of ${NAMES.join(',')}`, among(NAMES), NAMES)
  .option('--sessions <numbers>', 'at once', counts, [1, 16, 128])
  .option('--shapes <names>', `of ${SHAPES.join(',')}`, among(SHAPES), [...SHAPES])
  .action((options: Common & Parameters<typeof steps>[0]) => report(options, () => steps(options)))

question('latency', 'from a mutation to its event at a subscriber')
  .option(...SECONDS, number, 5)
  .action((options: Common & Parameters<typeof latency>[0]) => report(options, () => latency(options)))

question('start', 'from nothing to a server that is ready').action((options: Common) =>
  report(options, () => start(options)),
)

question('scale', 'what a step and a page cost, the more is stored')
  .option(...SECONDS, number, 5)
  .option('--sessions <number>', 'at once', whole, 16)
  .option('--small <number>', 'executions in the small database', whole, 1_000)
  .option('--large <number>', 'executions in the large database', whole, 1_000_000)
  .action((options: Common & Parameters<typeof scale>[0]) => report(options, () => scale(options)))

question('reads', 'pages of sessions with their executions and agents, over HTTP')
  .option(...SECONDS, number, 5)
  .option('--only <names>', `of ${READER_NAMES.join(',')}`, among(READER_NAMES), READER_NAMES)
  .option('--at-once <number>', 'requests under way', whole, 32)
  .option('--stored <number>', 'executions in the database', whole, 100_000)
  .action((options: Common & Parameters<typeof reads>[0]) => report(options, () => reads(options)))

question('recall', 'searches in much knowledge')
  .option('--pieces <number>', 'in the database', whole, 100_000)
  .action((options: Common & Parameters<typeof recall>[0]) => report(options, () => recall(options)))

question('fanout', 'telling many subscribers the same')
  .option(...SECONDS, number, 5)
  .option('--only <names>', `of ${FANOUT_NAMES.join(',')}`, among(FANOUT_NAMES), FANOUT_NAMES)
  .option('--subscribers <numbers>', 'at once', counts, [1, 100, 1_000, 5_000])
  .action((options: Common & Parameters<typeof fanout>[0]) => report(options, () => fanout(options)))

question('sockets', 'many subscribers with nothing to hear, and some who do not read')
  .option(...SECONDS, number, 10)
  .option('--subscribers <number>', 'with nothing to hear', whole, 10_000)
  .option('--paused <number>', 'who do not read', whole, 5)
  .action((options: Common & Parameters<typeof sockets>[0]) => report(options, () => sockets(options)))

// Servers and folders go when the process ends in order.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130))
await program.parseAsync()
process.exit()
