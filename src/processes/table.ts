import { closeSync, existsSync, openSync, readFileSync, readSync, readdirSync } from 'node:fs'
import { setImmediate as breathe } from 'node:timers/promises'
import { execa } from 'execa'

/** One process of this machine, as far as it matters for who belongs to whom. */
export interface ProcessRow {
  pid: number
  parent: number
  group: number
  /** The session (setsid) it is in; null where the system does not say. */
  session: number | null
  /** When it started, only good for comparing: pid and start together name one process and never another. */
  started: string
  /** It has ended and only waits for its parent to notice. */
  ended: boolean
  /** CPU time of it and of the children it has waited for; null where the system does not say. */
  cpuMs: number | null
}

/** Where the table comes from: Linux' /proc, or the program `ps` elsewhere. */
export type ProcessSource = 'proc' | 'ps'

const SOURCE: ProcessSource = existsSync('/proc/self/stat') ? 'proc' : 'ps'

/** /proc counts time in units of 1/100 s on every architecture (proc(5), USER_HZ). */
const TICK_MS = 10

const PS_COLUMNS = 'pid=,ppid=,pgid=,stat=,lstart='

/** Every process of this machine. One that starts or ends meanwhile may or may not be among them. */
export async function listProcesses(source: ProcessSource = SOURCE): Promise<ProcessRow[]> {
  if (source === 'ps') return parsePs((await execa('ps', ['-A', '-o', PS_COLUMNS], { env: { LC_ALL: 'C' } })).stdout)
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const rows = await mapGently(pids, (pid) => readStat(Number(pid)))
  return rows.filter((row) => row !== undefined)
}

/** One process, or undefined if there is none with this pid. */
export async function readProcess(pid: number, source: ProcessSource = SOURCE): Promise<ProcessRow | undefined> {
  if (source === 'ps') {
    const { stdout } = await execa('ps', ['-o', PS_COLUMNS, '-p', `${pid}`], { env: { LC_ALL: 'C' }, reject: false })
    return parsePs(stdout)[0]
  }
  return readStat(pid)
}

/** CPU time of a process and the children it has waited for, read at once, or undefined where /proc does not say. */
export function readCpuMs(pid: number): number | undefined {
  return SOURCE === 'proc' ? (readStat(pid)?.cpuMs ?? undefined) : undefined
}

/**
 * Those of `rows` that were started with `marker` (NAME=value) in their environment. None where there is no /proc, and
 * none of another user.
 */
export async function findMarked(rows: ProcessRow[], marker: string): Promise<ProcessRow[]> {
  const marked = await mapGently(rows, ({ pid }) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(marker)
    } catch (error) {
      if (isGone(error) || isForeign(error)) return false
      throw error
    }
  })
  return rows.filter((_, index) => marked[index])
}

/** Differs after each start of the machine; null where start times are absolute and need no such help. */
export function bootId(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
  } catch {
    return null
  }
}

/** Reads of /proc never wait for a disk: done at once they cost a tenth, and `BATCH` of them about 2 ms. */
async function mapGently<Item, Result>(items: Item[], read: (item: Item) => Result): Promise<Result[]> {
  const results: Result[] = []
  for (const [index, item] of items.entries()) {
    if (index > 0 && index % BATCH === 0) await breathe()
    results.push(read(item))
  }
  return results
}

const BATCH = 200

/** A line of /proc/<pid>/stat is far shorter. */
const statBuffer = Buffer.alloc(4096)

function readStat(pid: number): ProcessRow | undefined {
  try {
    const file = openSync(`/proc/${pid}/stat`, 'r')
    try {
      return parseStat(statBuffer.toString('latin1', 0, readSync(file, statBuffer)))
    } finally {
      closeSync(file)
    }
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
  }
}

/** It is not there, or ended while we looked. Any other error, such as too many open files, must not look like this. */
function isGone(error: unknown): boolean {
  return ['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')
}

/** It belongs to another user. */
function isForeign(error: unknown): boolean {
  return ['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')
}

/** proc_pid_stat(5). The command name, in parentheses, may itself hold spaces and parentheses. */
function parseStat(stat: string): ProcessRow {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  // `fields` starts with the third field of the manual page.
  const field = (number: number): string => fields[number - 3] ?? ''
  const ticks = [14, 15, 16, 17].reduce((sum, number) => sum + Number(field(number)), 0)
  return {
    pid: Number.parseInt(stat, 10),
    parent: Number(field(4)),
    group: Number(field(5)),
    session: Number(field(6)),
    started: field(22),
    ended: field(3) === 'Z' || field(3) === 'X',
    cpuMs: ticks * TICK_MS,
  }
}

function parsePs(stdout: string): ProcessRow[] {
  return stdout
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.+?)\s*$/.exec(line))
    .filter((match) => match !== null)
    .map(([, pid, parent, group, state, started]) => ({
      pid: Number(pid),
      parent: Number(parent),
      group: Number(group),
      session: null,
      started: started ?? '',
      ended: state?.startsWith('Z') ?? false,
      cpuMs: null,
    }))
}
