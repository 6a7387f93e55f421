import { execFileSync } from 'node:child_process'
import { ENTRY, type Running, SHORT_LIFE, start } from './tutti.ts'

/** Whether this machine has a `script` of util-linux, which runs a program in a terminal; others take other arguments. */
export const hasTerminal = ((): boolean => {
  try {
    return execFileSync('script', ['--version'], { encoding: 'utf8', stdio: 'pipe' }).includes('util-linux')
  } catch {
    return false
  }
})()

/** Keys as a terminal sends them. */
export const KEY = { enter: '\r', down: '\u001B[B', interrupt: '\u0003' }

/** A program in a terminal, with somebody at the keyboard. */
export interface Typing extends Running {
  /** Types this once the output so far matches. */
  type(after: RegExp, keys: string): Promise<void>
}

/** Starts `tutti` with these arguments in a terminal of its own; all that it says comes from `stdout`. */
export function inTerminal(folder: string, ...args: string[]): Typing {
  const quoted = [process.execPath, SHORT_LIFE, ENTRY, ...args].map((word) => `'${word}'`).join(' ')
  const words = ['--quiet', '--flush', '--return', '--command', `stty cols 200; exec ${quoted}`, '/dev/null']
  const running = start(folder, 'script', words, { TERM: 'xterm', SHELL: '/bin/sh' }, 'pipe')
  return {
    ...running,
    async type(after, keys) {
      await running.says(after)
      running.child.stdin?.write(keys)
    },
  }
}
