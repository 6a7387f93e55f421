import { join } from 'node:path'
import type { CommandDefinition } from '../../../src/runtimes/command.ts'
import type { Behaviour } from '../../contracts/runtime.suite.ts'

const agents = join(import.meta.dirname, '../../fixtures/agents')

/** A fixture as a command. */
export const sh = (file: string, ...args: string[]): CommandDefinition => ({
  argv: ['sh', join(agents, file), ...args],
})
export const node = (file: string, ...args: string[]): CommandDefinition => ({
  argv: [process.execPath, join(agents, file), ...args],
})

/** A command for each behaviour of the suite. */
export const behaviours: Record<Behaviour, CommandDefinition> = {
  'ok with result': node('ok-with-result.js'),
  'echo lines': sh('echo-lines.sh', '2000'),
  sleep: sh('sleep.sh'),
  'ignore SIGTERM': sh('ignore-sigterm.sh'),
  'spawn grandchildren': sh('spawn-grandchildren.sh'),
  'double fork daemon': sh('double-fork-daemon.sh'),
  'leave a daemon behind': sh('double-fork-daemon.sh', 'leave'),
  flood: sh('flood.sh'),
  crash: sh('crash.sh'),
  'exit 3': sh('exit-3.sh'),
  'garbage result': sh('garbage-result.sh'),
  'huge result': sh('huge-result.sh'),
  nothing: sh('nothing.sh'),
  'never reads stdin': sh('never-reads-stdin.sh'),
  'artifacts with symlink': sh('artifacts-with-symlink.sh'),
  ask: node('ask.js'),
}
