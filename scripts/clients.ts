/** The clients that the API is tried with, in test/clients: beside the product, so that its own install stays light. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const FOLDER = fileURLToPath(new URL('../test/clients', import.meta.url))
const COMMAND = 'npm ci --prefix test/clients'

/** When a file was written, in milliseconds; never, if there is none. */
const writtenAt = (file: string): number =>
  statSync(`${FOLDER}/${file}`, { throwIfNoEntry: false })?.mtimeMs ?? -Infinity

/**
 * Installs them, once for each lock file. Where the registry cannot be reached they stay away: it is said, and what needs
 * them is skipped.
 *
 * @returns whether they are there
 */
export async function installClients(): Promise<boolean> {
  if (writtenAt('node_modules/.package-lock.json') >= writtenAt('package-lock.json')) return true
  process.stderr.write(`Installing the clients that the API is tried with, once: ${COMMAND}\n`)
  const patience = process.env['CI'] ? [] : ['--fetch-retries=0']
  const args = [
    'ci',
    '--prefix',
    FOLDER,
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
    '--loglevel=error',
    ...patience,
  ]
  const npm = spawn('npm', args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const [code] = (await once(npm, 'close')) as [number | null]
  if (code === 0) return true
  process.stderr.write(`\n!!! The clients are not installed, and what needs them is skipped. Later: ${COMMAND}\n\n`)
  return false
}
