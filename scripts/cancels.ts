/**
 * Begins attempts on every runtime that starts programs on this machine, cancels each at a random moment, and looks for
 * processes that are left: `npm run cancels -- --number 1000`.
 */
import { Command, InvalidArgumentError } from 'commander'
import { cancelAtRandom } from '../test/runtimes/cancels.ts'

const whole = (text: string): number => {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('a whole number is needed')
  return Number(text)
}
const { number, seed } = new Command('cancels')
  .description('Cancels attempts at random moments and counts the processes that are left.')
  .option('--number <number>', 'how many attempts', whole, 1_000)
  .option('--seed <number>', 'what decides agents and moments', whole, Date.now() % 1_000_000)
  .parse()
  .opts<{ number: number; seed: number }>()

const began = performance.now()
const { canceled, atWork, left, otherwise, tookMs } = await cancelAtRandom(number, seed)
const at = (part: number): string => Math.round(tookMs[Math.ceil(tookMs.length * part) - 1] ?? 0).toLocaleString('en')
for (const [name, count] of Object.entries(canceled)) {
  process.stdout.write(`${name}: ${count} canceled, ${atWork[name] ?? 0} of them at work\n`)
}
for (const [what, count] of Object.entries(otherwise)) process.stdout.write(`not canceled, ${count} times: ${what}\n`)
for (const words of left) process.stdout.write(`left: ${words}\n`)
process.stdout.write(
  `${number} cancels (--seed ${seed}) in ${((performance.now() - began) / 1_000).toFixed(0)} s, ` +
    `ended after ${at(0.5)}, ${at(0.95)}, ${at(1)} ms (p50, p95, max): ${left.length} processes left\n`,
)
process.exitCode = left.length > 0 || Object.keys(otherwise).length > 0 ? 1 : 0
