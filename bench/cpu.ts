import { readdirSync, readFileSync } from 'node:fs'

/** What the kernel counts in: hundredths of a second, on every platform that Node runs on. */
const TICKS = 100

/**
 * CPU time that a server process and its children have used, in seconds, those that have ended included. From Linux's
 * /proc; undefined where there is none.
 */
export function cpuOf(pid: number): number | undefined {
  const server = readStat(pid)
  if (!server) return undefined
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const stat = readStat(Number(name))
      return stat?.parent === pid ? [stat.own] : []
    })
  return (server.own + server.ended + children.reduce((sum, own) => sum + own, 0)) / TICKS
}

/** proc(5): times of the process itself, and of the children that it has waited for. */
function readStat(pid: number): { parent: number; own: number; ended: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name may hold anything, so what follows its last parenthesis counts: state, parent, …
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number)
    const [utime = 0, stime = 0, cutime = 0, cstime = 0] = fields.slice(11, 15)
    return { parent: fields[1] ?? 0, own: utime + stime, ended: cutime + cstime }
  } catch {
    return undefined
  }
}
