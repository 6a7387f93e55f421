import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** Parent of each running process. Linux' /proc where there is one (slim images have no `ps`), else `ps`. */
function parents(): Map<number, number> {
  const found = new Map<number, number>()
  if (process.platform === 'linux') {
    for (const entry of readdirSync('/proc')) {
      if (!/^\d+$/.test(entry)) continue
      try {
        const stat = readFileSync(`/proc/${entry}/stat`, 'utf8')
        // The command name, in parentheses, may itself hold spaces and parentheses.
        const parent = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]
        found.set(Number(entry), Number(parent))
      } catch {
        // It ended while we looked.
      }
    }
    return found
  }
  for (const line of execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).split('\n')) {
    const [pid, parent] = line.trim().split(/\s+/).map(Number)
    if (pid && parent !== undefined) found.set(pid, parent)
  }
  return found
}

/**
 * Kills a process and everything it started, children first found, for good (SIGKILL).
 *
 * Tools stay in the agent's own process group, so that whoever started the agent can end all of it at once; hence the
 * walk over parents here instead of a group of its own per tool.
 */
export function killTree(root: number): void {
  const doomed = [root]
  try {
    const parentOf = parents()
    for (const pid of doomed) for (const [child, parent] of parentOf) if (parent === pid) doomed.push(child)
  } catch {
    // Without a process table the root alone is ended; the agent's own group is its runtime's to end.
  }
  for (const pid of doomed) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // Gone already.
    }
  }
}
