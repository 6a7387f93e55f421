/** What tests need beside the product, each with a package.json of its own, so that the product's install stays light. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Folders of tests with packages of their own, what is in them, and what of it is left out. */
const BESIDE = {
  clients: { what: 'clients that the API is tried with', flags: [] },
  // Their lock file leaves out what is optional: the microphone, the clipboard and terminals of their own.
  'coding-agents': { what: 'coding agents that are tried', flags: ['--ignore-scripts'] },
} as const

/** When a file was written, in milliseconds; never, if there is none. */
const writtenAt = (file: string): number => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? -Infinity

/**
 * Installs them, once for each lock file. Where the registry cannot be reached they stay away: it is said, and what needs
 * them is skipped.
 *
 * @returns whether they are there
 */
export async function installBeside(name: keyof typeof BESIDE): Promise<boolean> {
  const { what, flags } = BESIDE[name]
  const folder = fileURLToPath(new URL(`../test/${name}`, import.meta.url))
  const command = ['npm ci --prefix', `test/${name}`, ...flags].join(' ')
  if (writtenAt(`${folder}/node_modules/.package-lock.json`) >= writtenAt(`${folder}/package-lock.json`)) return true
  process.stderr.write(`Installing the ${what}, once: ${command}\n`)
  const patience = process.env['CI'] ? [] : ['--fetch-retries=0']
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']
  const args = ['ci', '--prefix', folder, ...flags, ...quiet, ...patience]
  const npm = spawn('npm', args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const [code] = (await once(npm, 'close')) as [number | null]
  if (code === 0) return true
  process.stderr.write(`\n!!! The ${what} are not installed, and what needs them is skipped. Later: ${command}\n\n`)
  return false
}
