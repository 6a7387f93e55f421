import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Whether the clients of package.json are there; `npm test` installs them. */
export const areInstalled = existsSync(new URL('node_modules/.package-lock.json', import.meta.url))

/** Where a program is that the PATH has under one of these names. */
export function findProgram(...names: string[]): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find((file) => existsSync(file))
}

/** What is skipped is said; where nothing may be, it is an error. */
export function missing(what: string, how: string): void {
  if (process.env['CI']) throw new Error(`In CI nothing may go untested for want of ${what}: ${how}`)
  process.stderr.write(`\n!!! NOT TESTED: what needs ${what} is skipped. To test it: ${how}\n\n`)
}
