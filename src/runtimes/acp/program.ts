import { stat } from 'node:fs/promises'
import { execa } from 'execa'
import { findExecutable } from '../../processes/environment.ts'
import { lastLine } from '../../processes/lines.ts'
import { presetOf } from './definition.ts'
import type { AcpDefinition } from './definition.ts'

/** What to start for a definition. */
export interface Located {
  /** Absolute path. */
  file: string
  args: string[]
  /** Whether the file is the agent itself, and tells its version. */
  isPreset: boolean
}

/** A version is told within so many milliseconds, on a busy machine too. */
const PROBE_MS = 30_000
/** A failed probe is tried again after so many milliseconds. */
const RETRY_MS = 60_000

/** Where the program of a definition is, or what to do so that it can be found. */
export async function locate(
  name: string,
  definition: AcpDefinition,
  path: string,
): Promise<Located | { missing: string }> {
  const preset = presetOf(definition)
  const [program, ...fixed] = preset?.argv ?? (definition.argv as [string, ...string[]])
  const args = [...fixed, ...definition.args]
  const file = await findExecutable(program, path, '/')
  if (file !== undefined) return { file, args, isPreset: preset !== undefined }
  const where = program.startsWith('/') ? '' : ` in PATH (${path})`
  const what = `Agent "${name}": there is no executable ${program}${where}.`
  if (!preset) return { missing: `${what} Install it, or give its absolute path in argv[0].` }
  const npx = definition.npx ? await findExecutable('npx', path, '/') : undefined
  if (npx !== undefined) {
    return { file: npx, args: ['--yes', `--package=${preset.package}`, '--', program, ...args], isPreset: false }
  }
  if (definition.npx) return { missing: `${what} There is no npx either: install Node.js with npm.` }
  const advice = `Install it (npm install --global ${preset.package}), or set "npx": true to have it fetched.`
  return { missing: `${what} ${advice}` }
}

/** Asks agents for their versions, each file once. */
export interface Prober {
  /** Undefined if the program starts and tells its version; else why not. */
  probe(file: string, env: Readonly<Record<string, string>>): Promise<string | undefined>
}

export function createProber(): Prober {
  const known = new Map<string, { mark: string; at: number; answer: Promise<string | undefined> }>()
  return {
    async probe(file, env) {
      const found = await stat(file).catch(() => undefined)
      const mark = `${found?.ino} ${found?.size} ${found?.mtimeMs}`
      const last = known.get(file)
      if (last?.mark === mark) {
        const answer = await last.answer
        if (answer === undefined || performance.now() - last.at < RETRY_MS) return answer
      }
      const answer = versionTrouble(file, env)
      known.set(file, { mark, at: performance.now(), answer })
      return answer
    },
  }
}

async function versionTrouble(file: string, env: Readonly<Record<string, string>>): Promise<string | undefined> {
  const { exitCode, stdout, stderr, timedOut } = await execa(file, ['--version'], {
    env,
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
    timeout: PROBE_MS,
    killSignal: 'SIGKILL',
    maxBuffer: 64 * 1024,
  })
  if (exitCode === 0 && /\d+\.\d+/.test(stdout)) return undefined
  if (timedOut) return `${file} --version says nothing for ${PROBE_MS / 1_000} s; try it by hand`
  const reason = lastLine(stderr, 300) ?? lastLine(stdout, 300) ?? 'it prints nothing'
  return `${file} --version ends with exit code ${exitCode ?? 'none'} (${reason}); install it anew`
}
