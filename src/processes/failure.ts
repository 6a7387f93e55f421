import type { ErrorClass } from '../core/retry.ts'
import { lastLine } from './lines.ts'
import type { Ending, Program } from './program.ts'
import { notBegun, signalIn } from './sandbox.ts'
import type { Enclosed } from './sandbox.ts'

export type Failure = { class: ErrorClass; message: string }

/** Characters of what a program said last. */
export const REASON_LENGTH = 500

/** What the kernel sends for limits of a single process, and which limit of the configuration that is. */
const EXCESSES: Readonly<Record<string, 'cpuSeconds' | 'fileBytes'>> = { SIGXCPU: 'cpuSeconds', SIGXFSZ: 'fileBytes' }

/**
 * Why a program that ended without being done is not done: it exceeded a limit, could not be started, was killed, or
 * says so itself.
 *
 * @param who begins the message
 */
export function failureOf(
  who: string,
  { output }: Pick<Program, 'output'>,
  ending: Pick<Ending, 'exitCode' | 'signal' | 'excess'> & { enclosed: Enclosed | undefined },
): Failure {
  const { exitCode, enclosed, excess } = ending
  if (excess !== undefined) return { class: 'TOO_LARGE', message: `${who} was ended: ${excess}. ${RAISE}` }
  const why = enclosed && notBegun(exitCode, output.stderr())
  if (why !== undefined) {
    const advice = 'Check the file and the first line of a script, and what its sandbox hides.'
    return { class: 'UNAVAILABLE', message: `${who} cannot be started: ${why}. ${advice}` }
  }
  const signal = ending.signal ?? (enclosed?.sandboxed ? signalIn(exitCode) : undefined)
  const limit = enclosed && signal ? EXCESSES[signal] : undefined
  if (enclosed && limit) {
    const stated = `the limit sandbox.limits.${limit} is ${enclosed.limits[limit]}`
    return { class: 'TOO_LARGE', message: `${who} was ended by ${signal}: ${stated}. ${RAISE}` }
  }
  const line = lastLine(output.stderr(), REASON_LENGTH) ?? lastLine(output.stdout().text, REASON_LENGTH)
  const reason = line === undefined ? '; it printed nothing' : `: ${line}`
  if (exitCode !== null && signal === undefined)
    return { class: 'AGENT', message: `${who} ended with exit code ${exitCode}${reason}` }
  const hint = signal === 'SIGKILL' ? ' (often for want of memory)' : ''
  return { class: 'CRASH', message: `${who} was killed by ${signal ?? 'a signal'}${hint}${reason}` }
}

const RAISE = 'Let it use less, or raise the limit in the configuration.'
