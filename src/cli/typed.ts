import type { ServerOptions } from './home.ts'

/** How this program is called here: npm says so to what it starts, and then there may be no `tutti` in the PATH. */
export const program = (): string => (process.env['npm_lifecycle_event'] === undefined ? 'tutti' : 'npm run tutti --')

/**
 * Commands as they have to be typed to reach the same server from the same folder.
 *
 * @returns for `approve 3fa1b2c4` for instance `tutti approve 3fa1b2c4 --server http://127.0.0.1:4000`
 */
export function typedFor({ server, dataDir }: ServerOptions): (args: string) => string {
  const options = server === undefined ? { '--data-dir': dataDir } : { '--server': server }
  const told = Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [name, quoted(value)]))
  return (args) => [program(), args, ...told].join(' ')
}

/** Whatever a shell would not take as one word is put into quotes. */
export const quoted = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
