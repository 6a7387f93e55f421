import { readFileSync } from 'node:fs'

/** Memory that a process has, in MiB. From Linux's /proc; undefined where there is none. */
export function memoryOf(pid: number): number | undefined {
  try {
    const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return kib === undefined ? undefined : Number(kib) / 1_024
  } catch {
    return undefined
  }
}
