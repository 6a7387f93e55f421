import { constants, homedir } from 'node:os'
import { isAbsolute } from 'node:path'
import { execa } from 'execa'
import type { Environment } from './environment.ts'
import { findExecutable } from './environment.ts'
import { mountArguments } from './sandbox/mounts.ts'
import type { Place } from './sandbox/mounts.ts'
import { settingsOf } from './sandbox/settings.ts'
import type { ProcessLimits, SandboxConfig } from './sandbox/settings.ts'

/** A program that is to be started. */
export interface Command {
  /** Absolute path. */
  file: string
  args: readonly string[]
  env: Readonly<Record<string, string>>
}

/** The same, to be started in the same folder, with what holds it. */
export interface Enclosed extends Command {
  /** Whether it runs in the sandbox, or as any other program. */
  sandboxed: boolean
  limits: ProcessLimits
}

/** Where programs run that agents are. */
export interface Sandbox {
  /** Undefined if this machine can keep programs apart; else why not, and what to do. It is tried once. */
  trouble(): Promise<string | undefined>
  /** Undefined if a program may run; else why not, and what to do. `own` goes before what holds for all. */
  check(own?: SandboxConfig): Promise<string | undefined>
  /** What to start in the program's stead. Whoever starts it asks `check` before. */
  enclose(command: Command, place: Place, own?: SandboxConfig): Promise<Enclosed>
}

/** How long bubblewrap may take to show that it works, in milliseconds. */
const TRIAL_MS = 20_000
/** Threads that the kernel grants for each process of the limit. Root has as many as it wants. */
const THREADS = 8
/** Seconds of CPU time between being asked to end and being ended. */
const CPU_GRACE = 5

/**
 * A namespace of its own for everything that could reach others: processes, so that all of them end with the first one;
 * the network, with nothing but loopback; files. It ends with the server, has no right that its user has beyond files,
 * gets none by programs that give rights (setuid), and cannot type into a terminal.
 */
const APART = (
  '--unshare-user --disable-userns --unshare-pid --unshare-ipc --unshare-uts --unshare-cgroup-try --cap-drop ALL ' +
  '--die-with-parent --new-session'
).split(' ')

/** Folders that tools insist on writing to, where the home folder is read-only. */
const CACHES = { npm_config_cache: '/tmp/npm', GOCACHE: '/tmp/go-build' }

/**
 * The sandbox of this machine: bubblewrap (bwrap) on Linux, and nothing elsewhere. Limits of single processes are held by
 * prlimit (util-linux) where it is there, in the sandbox or not.
 *
 * @param options.environment the server's own: where programs are found, and whose home it is
 * @param options.hidden folders of the server's own
 * @param options.defaults what holds for all programs, where theirs do not say otherwise
 */
export function createSandbox(options: {
  environment: Environment
  hidden: readonly string[]
  defaults?: SandboxConfig
}): Sandbox {
  const { environment, hidden, defaults } = options
  const path = environment['PATH'] ?? '/usr/bin:/bin'
  let tried: Promise<string | undefined> | undefined
  let limiting: Promise<string | undefined> | undefined
  const bwrap = (): Promise<string | undefined> => findExecutable('bwrap', path, '/')
  const prlimit = (): Promise<string | undefined> =>
    (limiting ??= process.platform === 'linux' ? findExecutable('prlimit', path, '/') : Promise.resolve(undefined))
  const trouble = (): Promise<string | undefined> => (tried ??= bwrap().then(tryOut))

  return {
    trouble,
    async check(own) {
      const reason = settingsOf(defaults, own).mode === 'required' ? await trouble() : undefined
      return reason && `It is to run in the sandbox alone (sandbox.mode is required), but ${reason}`
    },
    async enclose({ file, args, env }, place, own) {
      const settings = settingsOf(defaults, own)
      const { limits, network } = settings
      const sandboxed = settings.mode !== 'off' && (await trouble()) === undefined
      const limiter = await prlimit()
      const limited = [...(limiter === undefined ? [] : [limiter, ...limitsOf(limits, sandboxed), '--']), file, ...args]
      if (!sandboxed) return { file: limited[0] as string, args: limited.slice(1), env, sandboxed, limits }
      const home = environment['HOME'] ?? homedir()
      const mounts = await mountArguments(
        { ...place, read: [...place.read, file, ...args.filter((arg) => isAbsolute(arg))] },
        settings,
        { homes: [...new Set([home, env['HOME'] ?? home])], hidden },
      )
      const size = ['--size', `${limits.tmpBytes}`, '--tmpfs', '/dev/shm']
      return {
        file: (await bwrap()) as string,
        args: [...base(network), ...size, ...mounts, '--chdir', place.workspace, '--', ...limited],
        env: { ...CACHES, ...env, ...(env['TMPDIR'] !== undefined && { TMPDIR: '/tmp' }) },
        sandboxed,
        limits,
      }
    },
  }
}

function base(network: boolean): string[] {
  const net = network ? [] : ['--unshare-net']
  return [...APART, ...net, '--ro-bind', '/', '/', '--dev', '/dev', '--remount-ro', '/dev', '--proc', '/proc']
}

function limitsOf({ cpuSeconds, fileBytes, processes }: ProcessLimits, sandboxed: boolean): string[] {
  return [
    `--cpu=${cpuSeconds}:${cpuSeconds + CPU_GRACE}`,
    `--fsize=${fileBytes}`,
    '--core=0',
    // Elsewhere it would count everything that the server's user runs.
    ...(sandboxed ? [`--nproc=${processes * THREADS}`] : []),
  ]
}

async function tryOut(bwrap: string | undefined): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'there is none on this system: run the server on Linux, or in a container.'
  if (bwrap === undefined) return 'bubblewrap is not installed: install it (apt-get install bubblewrap).'
  const { exitCode, stderr, shortMessage } = await execa(bwrap, [...base(false), '--', 'true'], {
    reject: false,
    timeout: TRIAL_MS,
    stdin: 'ignore',
  })
  if (exitCode === 0) return undefined
  const words = stderr.trim().split('\n').at(-1) || (shortMessage ?? 'it ended without a word')
  if (words.includes('Unknown option')) return `bubblewrap is too old: install 0.8 or newer (${words}).`
  return (
    `bubblewrap cannot make one here (${words}): allow user namespaces to the server's user; in a container, ` +
    'with a seccomp profile that lets them and without masks on /proc.'
  )
}

/** Why a program did not even begin, from what is left of it; undefined if it did. */
export function notBegun(exitCode: number | null, stderr: string): string | undefined {
  const told = /^(?:bwrap|prlimit): (.+)\s*$/.exec(stderr)?.[1]
  const byWhom = exitCode === 1 || exitCode === 126 || exitCode === 127
  return byWhom ? told?.replace(/^failed to execute .*: /, '').replace(/^execvp .*: /, '') : undefined
}

/** The signal that ended a program in the sandbox, of which only an exit code comes out. */
export function signalIn(exitCode: number | null): NodeJS.Signals | undefined {
  const names = Object.entries(constants.signals) as [NodeJS.Signals, number][]
  return exitCode === null ? undefined : names.find(([, number]) => number === exitCode - 128)?.[0]
}
