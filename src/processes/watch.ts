import { readFileSync, readdirSync } from 'node:fs'
import type { ProcessLimits } from './sandbox/settings.ts'
import { readCpuMs } from './table.ts'

/** What a tree of processes has at one moment, as far as the system says. */
interface Census {
  processes: number
  /** CPU time of all, and of those that they have waited for. */
  cpuMs: number
  /** Memory that is theirs; what several share counts for each. */
  memoryBytes: number
}

/** Looks come ever less often: the CPU time of what ends between two of them is missed by a quarter at most. */
const FIRST_MS = 25
const SLOWER = 1.25
const LAST_MS = 250

/** Watches over what a program and its descendants use. */
export interface Watch {
  /** As of the last look; undefined where the system does not say. */
  cpuMs(): number | undefined
  /** Looks no longer. */
  end(): void
}

/**
 * Looks again and again at a program, and tells once when it has exceeded a limit.
 *
 * Processes that lost their parents are seen in a sandbox alone, where the first process has them. Without Linux' /proc
 * only what is printed is held.
 *
 * @param printedBytes what it has printed so far
 * @param exceeded is told what, with the limit and its name in the configuration
 */
export function watch(
  root: number,
  limits: ProcessLimits | undefined,
  printedBytes: () => number,
  exceeded: (what: string) => void,
): Watch {
  let cpuMs: number | undefined
  let pauseMs = FIRST_MS
  const look = (): void => {
    const census = takeCensus(root, limits?.processes ?? Infinity)
    if (census) cpuMs = Math.max(cpuMs ?? 0, census.cpuMs)
    const what = limits && excess(limits, census, printedBytes())
    if (what !== undefined) return exceeded(what)
    pauseMs = Math.min(pauseMs * SLOWER, LAST_MS)
    timer = setTimeout(look, pauseMs)
  }
  let timer = setTimeout(look, pauseMs)
  return { cpuMs: () => cpuMs, end: () => clearTimeout(timer) }
}

function excess(limits: ProcessLimits, census: Census | undefined, printed: number): string | undefined {
  const amounts: [keyof ProcessLimits, number, string][] = [
    ['outputBytes', printed, 'bytes of output'],
    ['processes', census?.processes ?? 0, 'processes'],
    ['memoryBytes', census?.memoryBytes ?? 0, 'bytes of memory'],
    ['cpuSeconds', Math.floor((census?.cpuMs ?? 0) / 1_000), 'seconds of CPU time'],
  ]
  const over = amounts.find(([name, amount]) => amount > limits[name])
  if (!over) return undefined
  const [name, amount, unit] = over
  return `it had ${amount} ${unit}, and the limit sandbox.limits.${name} is ${limits[name]}`
}

/** @param most beyond so many processes they are not looked at any more */
function takeCensus(root: number, most: number): Census | undefined {
  const census: Census = { processes: 0, cpuMs: 0, memoryBytes: 0 }
  // It grows while it is walked: children of children are reached as well.
  const pids = new Set([root])
  for (const pid of pids) {
    const cpuMs = readCpuMs(pid)
    if (cpuMs === undefined) continue
    census.processes++
    census.cpuMs += cpuMs
    if (census.processes > most) return census
    census.memoryBytes += readMemory(pid)
    for (const child of readChildren(pid)) pids.add(child)
  }
  return census.processes > 0 ? census : undefined
}

/** Of all its threads. */
function readChildren(pid: number): number[] {
  const threads = tryTo(() => readdirSync(`/proc/${pid}/task`), [])
  return threads.flatMap((thread) => {
    const text = tryTo(() => readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1'), '')
    return text.trim() === '' ? [] : text.trim().split(' ').map(Number)
  })
}

/** proc_pid_status(5): what stands for files could be dropped at any time, and is not counted. */
function readMemory(pid: number): number {
  const status = tryTo(() => readFileSync(`/proc/${pid}/status`, 'latin1'), '')
  const kilobytes = [...status.matchAll(/^Rss(?:Anon|Shmem):\s+(\d+) kB$/gm)].map(([, number]) => Number(number))
  return kilobytes.reduce((sum, number) => sum + number, 0) * 1_024
}

/** What `read` finds, or `otherwise` where the process has just ended or is another user's. */
function tryTo<T>(read: () => T, otherwise: T): T {
  try {
    return read()
  } catch {
    return otherwise
  }
}
