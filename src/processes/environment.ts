import { access, constants, stat } from 'node:fs/promises'
import { delimiter, isAbsolute, join, resolve } from 'node:path'

/** Names that every program gets, if the server has them. Anything else of the server's own could be a secret. */
const PASSED_ON = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR']

/** Where a program is looked for when the server itself has no PATH. */
const FALLBACK_PATH = '/usr/local/bin:/usr/bin:/bin'

export type Environment = Readonly<Record<string, string | undefined>>

/**
 * The whole environment of a program: the server's allow-listed names, then what its definition sets, then `own`.
 *
 * @param server the server's own environment
 * @param own set by the runtime; a definition cannot override it
 */
export function agentEnvironment(
  server: Environment,
  definition: { env?: Readonly<Record<string, string>> | undefined; allowEnv?: readonly string[] | undefined },
  own: Readonly<Record<string, string>>,
): Record<string, string> {
  const allowed = new Set([...PASSED_ON, ...(definition.allowEnv ?? [])])
  const passed: Record<string, string> = { PATH: FALLBACK_PATH }
  for (const [name, value] of Object.entries(server)) {
    if (value !== undefined && (allowed.has(name) || name.startsWith('LC_'))) passed[name] = value
  }
  return { ...passed, TERM: 'dumb', ...definition.env, ...own }
}

/**
 * The absolute path of an executable file, or undefined if there is none.
 *
 * Relative folders in PATH are skipped: they would let a workspace put its own program in place of the operator's.
 *
 * @param name an absolute path, a path relative to `folder`, or a name to look up in `path`
 * @param folder what a relative path starts from
 */
export async function findExecutable(name: string, path: string, folder: string): Promise<string | undefined> {
  const candidates = name.includes('/')
    ? [resolve(folder, name)]
    : path
        .split(delimiter)
        .filter((part) => isAbsolute(part))
        .map((part) => join(part, name))
  for (const candidate of candidates) {
    if (await isExecutable(candidate)) return candidate
  }
  return undefined
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK)
    return (await stat(file)).isFile()
  } catch {
    return false
  }
}
