import type { Readable, Writable } from 'node:stream'
import { execa } from 'execa'
import type { Activity } from '../runtime.ts'
import type { Output, OutputLimits } from './output.ts'
import { readOutput } from './output.ts'
import type { ProcessLimits } from './sandbox/settings.ts'
import { readCpuMs, readProcess } from './table.ts'
import { processTree } from './tree.ts'
import { watch } from './watch.ts'

/** Why a program ended: by itself, because it was stopped, or because of a limit. The first cause counts. */
export type Cause = 'EXIT' | 'CANCELED' | 'ATTEMPT' | 'IDLE' | 'EXCESS'

export interface Ending {
  cause: Cause
  /** What it used beyond its limits, in words; undefined for any other cause than EXCESS. */
  excess: string | undefined
  /** Null if a signal ended it. */
  exitCode: number | null
  signal: string | null
  durationMs: number
  cpuMs: number | undefined
  /** Processes that could not be ended; normally none. */
  survivors: number[]
}

export interface Program {
  pid: number
  /** See ProcessTree: names this very process, also for a later server. */
  started: string | undefined
  output: Pick<Output, 'counts' | 'stdout' | 'stderr'> & { next(): Promise<Activity | undefined> }
  /** Ends the whole process tree. Can be called again, and when all is over. */
  stop(cause: Cause): void
  /** Resolves once nothing of the process tree is left. */
  ended: Promise<Ending>
}

export interface Start {
  /** Absolute path. */
  file: string
  args: readonly string[]
  cwd: string
  env: Readonly<Record<string, string>>
  /** NAME=value, part of `env`, which only this attempt's processes carry. */
  marker: string
  /** All that the program reads, or what talks with it for as long as it runs. */
  stdin: string | Conversation
  timeouts: { attemptMs: number; idleMs: number }
  limits: OutputLimits & { killGraceMs: number }
  /** How it is held; undefined: not at all. See Sandbox.enclose, which gives `file` and `args` as well. */
  enclosed?: { sandboxed: boolean; limits: ProcessLimits } | undefined
}

/** Reads and writes a program's streams instead of `readOutput`. */
export type Conversation = (streams: { stdin: Writable; stdout: Readable; stderr: Readable }) => Output

/** Node's timers cannot wait longer (about 24.8 days). */
const MAX_TIMER_MS = 2 ** 31 - 1

/** Starts a program in a process group of its own, or says why it cannot be started. */
export async function startProgram(start: Start): Promise<Program | { failure: string }> {
  const { limits, timeouts } = start
  const began = performance.now()
  // The streams are read as they are, and ending the tree is left to processTree, which knows more than the group.
  const subprocess = execa(start.file, start.args, {
    cwd: start.cwd,
    env: start.env,
    extendEnv: false,
    ...(typeof start.stdin === 'string' ? { input: start.stdin } : { stdin: 'pipe' as const }),
    detached: true,
    cleanup: false,
    buffer: false,
    encoding: 'buffer',
    reject: false,
  })
  const { pid, stdin, stdout, stderr } = subprocess
  if (pid === undefined) return { failure: (await subprocess).originalMessage ?? 'unknown cause' }

  const output =
    typeof start.stdin === 'string' ? readOutput({ stdout, stderr }, limits) : start.stdin({ stdin, stdout, stderr })
  const exit = Promise.withResolvers<{ exitCode: number | null; signal: string | null }>()
  const ending = Promise.withResolvers<Ending>()
  // Whoever awaits it hears of a failure; until then it must not count as unhandled and end the server.
  ending.promise.catch(() => {})
  let cause: Cause | undefined
  let excess: string | undefined
  let exited = false
  let cpuMs: number | undefined

  const sampleCpu = (): void => {
    const sample = exited ? undefined : readCpuMs(pid)
    if (sample !== undefined) cpuMs = Math.max(cpuMs ?? 0, sample)
  }
  // Pipes close while the kernel still knows the process: the last moment to ask for its CPU time.
  stdout.once('end', sampleCpu)
  stderr.once('end', sampleCpu)

  const identified = readProcess(pid).then((row) => row?.started)

  const stop = (why: Cause): void => {
    if (why === 'CANCELED') output.mute(true)
    if (cause) return
    if (why !== 'EXIT') output.mute(false)
    cause = why
    clearTimeout(attemptTimer)
    clearTimeout(idleTimer)
    watching.end()
    end(why).then(ending.resolve, ending.reject)
  }

  const end = async (why: Cause): Promise<Ending> => {
    const durationMs = Math.round(performance.now() - began)
    const root = { pid, started: await identified, sandboxed: start.enclosed?.sandboxed ?? false }
    // What takes too much takes more for as long as it is there.
    const graceMs = why === 'EXCESS' ? 0 : limits.killGraceMs
    const { survivors, cpuMs: lastCpuMs } = await processTree(root, start.marker, true).end(graceMs)
    output.finish()
    const { exitCode, signal } = survivors.includes(pid) ? { exitCode: null, signal: null } : await exit.promise
    for (const ms of [lastCpuMs, watching.cpuMs()]) if (ms !== undefined) cpuMs = Math.max(cpuMs ?? 0, ms)
    return { cause: why, excess, exitCode, signal, durationMs, cpuMs, survivors }
  }

  const watching = watch(
    pid,
    start.enclosed?.limits,
    () => output.counts().bytes,
    (what) => {
      excess = what
      // With the first process its sandbox ends, before what multiplies in it has multiplied once more.
      if (start.enclosed?.sandboxed) subprocess.kill('SIGKILL')
      stop('EXCESS')
    },
  )
  const attemptTimer = setTimeout(() => stop('ATTEMPT'), Math.min(timeouts.attemptMs, MAX_TIMER_MS))
  let idleTimer: NodeJS.Timeout
  const watchIdle = (waitMs: number): void => {
    idleTimer = setTimeout(
      () => {
        // If the server itself was busy, output may lie in the pipe: read it before judging.
        setImmediate(() => {
          const leftMs = timeouts.idleMs - output.quietMs()
          if (leftMs <= 0) stop('IDLE')
          else if (!cause) watchIdle(leftMs)
        })
      },
      Math.min(waitMs, MAX_TIMER_MS),
    )
  }
  watchIdle(timeouts.idleMs)

  subprocess.nodeChildProcess.once('exit', (exitCode, signal) => {
    exited = true
    exit.resolve({ exitCode, signal })
    stop('EXIT')
  })
  return { pid, started: await identified, output, stop, ended: ending.promise }
}
