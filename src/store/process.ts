import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/** Enough to tell a process from every other, also from a later one with the same number. */
export interface ProcessIdentity {
  pid: number
  /** Clock ticks from the machine's start to that of the process; '' where there is no /proc. */
  processStart: string
  /** Changes with each start of the machine; '' where there is no /proc. */
  bootId: string
  /** Processes count on their own in each container; '' where there is no /proc. */
  namespace: string
  host: string
}

/** 'unknown': it runs, or ran, where its number means nothing to us. */
export type Life = 'alive' | 'dead' | 'unknown'

/** This process. */
export function ownIdentity(): ProcessIdentity {
  return {
    pid: process.pid,
    processStart: startOf(process.pid),
    bootId: read('/proc/sys/kernel/random/boot_id').trim(),
    namespace: namespaceOf('self'),
    host: hostname(),
  }
}

/** Whether a process still runs. When in doubt it does. */
export function lifeOf(other: ProcessIdentity): Life {
  const own = ownIdentity()
  // Before the machine was started anew, unless one of the two has no such number: a container's host may be of another kind.
  if (other.bootId !== own.bootId) return other.bootId === '' || own.bootId === '' ? 'unknown' : 'dead'
  if (other.namespace !== own.namespace || (own.namespace === '' && other.host !== own.host)) return 'unknown'
  try {
    process.kill(other.pid, 0)
  } catch (error) {
    // EPERM: it runs, as another user.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return 'dead'
  }
  const start = startOf(other.pid)
  if (start !== '' && other.processStart !== '' && start !== other.processStart) return 'dead'
  return stateOf(other.pid) === 'Z' ? 'dead' : 'alive'
}

/** Field 22 of /proc/<pid>/stat. The second field is the program's name and may contain anything, so count from its end. */
const startOf = (pid: number): string => fieldsOf(pid)[19] ?? ''
/** Field 3; a Z has ended, and its parent has not looked yet. */
const stateOf = (pid: number): string => fieldsOf(pid)[0] ?? ''

function fieldsOf(pid: number): string[] {
  const stat = read(`/proc/${pid}/stat`)
  return stat === '' ? [] : stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

function namespaceOf(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`)
  } catch {
    return ''
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
