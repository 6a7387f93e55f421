import { setTimeout as delay } from 'node:timers/promises'
import type { ProcessRow, ProcessSource } from './table.ts'
import { findMarked, listProcesses } from './table.ts'

export interface TreeEnd {
  /** Processes that even SIGKILL did not end within `KILL_WAIT_MS`: another user's, or stuck in the kernel. */
  survivors: number[]
  /** CPU time of what was still alive when the end began; undefined if nothing was, or the system does not say. */
  cpuMs: number | undefined
}

/** After SIGKILL only the kernel itself can hold a process up. */
const KILL_WAIT_MS = 10_000
/** Two are usual. Only a program that forks faster than we can look needs more. */
const MAX_FREEZE_ROUNDS = 50

/** A program and everything that came from it. */
export interface ProcessTree {
  /** SIGTERM to all, after `graceMs` SIGKILL to those left. Resolves when nothing is left, and is idempotent. */
  end(graceMs: number): Promise<TreeEnd>
}

/**
 * Finds the descendants of `root`, also those that left its process group, its session or their parents.
 *
 * A process belongs to the tree if it is the root, is in the root's group or session, carries the marker in its
 * environment, was seen to belong before, or descends from one that does. What clears its environment, starts a
 * session of its own and loses its parent before anyone looked is not found: only a container or a sandbox holds that.
 * In a sandbox the first process gets whoever loses their parents, so everybody descends from the root.
 *
 * @param root the first process; null if only the marker is known. `started` undefined: it had ended before its start
 *   could be read. `sandboxed`: it is what keeps a sandbox, in which all others are
 * @param marker NAME=value in the environment of every process of the tree (Linux only)
 * @param rootIsKnown whether the caller itself started `root`, so that its group cannot have been another's since
 */
export function processTree(
  root: { pid: number; started: string | undefined; sandboxed?: boolean } | null,
  marker: string,
  rootIsKnown: boolean,
  source?: ProcessSource,
): ProcessTree {
  const known = new Map<number, string>()
  let groupIsOurs = rootIsKnown

  /** A pid is not given away while a group or session still has its number, so only a new leader tells of a stranger. */
  const checkGroup = (rows: ProcessRow[]): void => {
    const leader = rows.find((row) => row.pid === root?.pid)
    if (leader) groupIsOurs = leader.started === root?.started
  }
  const isSeed = (row: ProcessRow): boolean =>
    known.get(row.pid) === row.started ||
    (root !== null && row.pid === root.pid && row.started === root.started) ||
    (root !== null && groupIsOurs && (row.group === root.pid || row.session === root.pid))

  /** Nothing that is older than the root came from it; in /proc, start times are ascending numbers. */
  const couldCarryMarker = (row: ProcessRow): boolean => !(Number(row.started) < Number(root?.started))

  const living = async (): Promise<ProcessRow[]> => {
    const all = await listProcesses(source)
    checkGroup(all)
    const rows = all.filter((row) => !row.ended && row.pid !== process.pid)
    const members = new Set(rows.filter(isSeed))
    const others = rows.filter((row) => !members.has(row) && couldCarryMarker(row))
    for (const row of await findMarked(others, marker)) members.add(row)
    const children = Map.groupBy(rows, (row) => row.parent)
    // A set that grows while it is walked: children of children are reached as well.
    for (const member of members) {
      known.set(member.pid, member.started)
      for (const child of children.get(member.pid) ?? []) members.add(child)
    }
    return [...members]
  }

  /** The group at once, so that no member can fork away between two signals; then those that left it. */
  const send = (signal: Signal, members: ProcessRow[]): void => {
    const isInGroup = (row: ProcessRow): boolean => groupIsOurs && !root?.sandboxed && row.group === root?.pid
    if (root && members.some(isInGroup)) kill(-root.pid, signal)
    for (const row of members) if (!isInGroup(row)) kill(row.pid, signal)
  }

  /**
   * Stops all for a moment, so that nobody can start a process and end before we have seen that one. Without it, a
   * program caught in the act leaves behind a child that nothing connects to it any more. From a sandbox nobody gets
   * away, and whoever multiplies in it cannot be caught up with but by ending it.
   */
  const freeze = async (): Promise<ProcessRow[]> => {
    const frozen = new Set<number>()
    let members = await living()
    if (root?.sandboxed) return members
    for (let round = 0; round < MAX_FREEZE_ROUNDS; round++) {
      const moving = members.filter((row) => !frozen.has(row.pid))
      if (moving.length === 0) break
      send('SIGSTOP', moving)
      for (const row of moving) frozen.add(row.pid)
      members = await living()
    }
    return members
  }

  /** What keeps a sandbox is not asked: with it all inside would end at once, and it ends by itself after them. */
  const mayBeAsked = (row: ProcessRow): boolean => !root?.sandboxed || row.pid !== root.pid

  const askToEnd = async (): Promise<ProcessRow[]> => {
    const members = await freeze()
    send('SIGTERM', members.filter(mayBeAsked))
    send('SIGCONT', members)
    return members
  }

  /** Polls, ever more slowly, until all have ended or time is up. */
  const settle = async (deadline: number, onMembers: (members: ProcessRow[]) => void): Promise<ProcessRow[]> => {
    let members = await living()
    for (let pauseMs = 3; members.length > 0 && performance.now() < deadline; pauseMs *= 1.5) {
      onMembers(members)
      await delay(Math.min(pauseMs, 250, Math.max(1, deadline - performance.now())))
      members = await living()
    }
    return members
  }

  return {
    async end(graceMs) {
      const deadline = performance.now() + graceMs
      const asked = await askToEnd()
      const cpu = asked.map((row) => row.cpuMs).filter((ms) => ms !== null)
      const cpuMs = cpu.length > 0 ? cpu.reduce((sum, ms) => sum + ms, 0) : undefined
      if (asked.length === 0) return { survivors: [], cpuMs }

      // Each gets one SIGTERM: many programs take a second one as an order to drop everything.
      const told = new Set(asked.map((row) => row.pid))
      const left = await settle(deadline, (members) => {
        for (const row of members) if (!told.has(row.pid)) kill(row.pid, 'SIGTERM')
        for (const row of members) told.add(row.pid)
      })
      if (left.length === 0) return { survivors: [], cpuMs }

      send('SIGKILL', await freeze())
      const survivors = await settle(performance.now() + KILL_WAIT_MS, (members) => send('SIGKILL', members))
      return { survivors: survivors.map((row) => row.pid), cpuMs }
    },
  }
}

type Signal = 'SIGSTOP' | 'SIGCONT' | 'SIGTERM' | 'SIGKILL'

function kill(pid: number, signal: Signal): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It ended meanwhile, or is another user's: the next look at the table tells which.
  }
}
