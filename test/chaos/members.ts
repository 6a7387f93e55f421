import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { findProgram } from '../servers/process.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
/** Servers start faster with what an earlier one has compiled. */
const NODE_COMPILE_CACHE = join(tmpdir(), 'tutti-test-compile-cache')
/** Between the end of a server and the start of the next one, in milliseconds. */
const REST_MS = 200
/** Servers that have not started after so many milliseconds do not start. */
const START_MS = 60_000

/** A server process that listens. */
export interface Member {
  process: ChildProcess
  url: string
  /** As it calls itself in the database. */
  name: string
  /** How long its place stays empty after it, in milliseconds. */
  restMs: number
  /** Resolves once the process has ended. */
  ended: Promise<unknown>
}

/** Server processes, each started again whenever it ends. */
export interface Members {
  /** Those that listen, stopped ones included. */
  readonly all: ReadonlySet<Member>
  /** How often servers ended of their own accord, by exit code. */
  readonly ends: ReadonlyMap<string, number>
  /**
   * Once so many listen.
   *
   * @throws if it takes too long
   */
  until(count: number): Promise<void>
  close(): Promise<void>
}

/** @param tell is called with each line of their logs */
export function startMembers(
  count: number,
  options: { folder: string; environment: Record<string, string>; tell(line: string): void },
): Members {
  const all = new Set<Member>()
  const ends = new Map<string, number>()
  const children = new Set<ChildProcess>()
  const setpriv = findProgram('setpriv')
  // They must not outlive this process, however it ends.
  const prefix = setpriv === undefined ? [] : [setpriv, '--pdeathsig=KILL']
  const { NODE_V8_COVERAGE: _, ...inherited } = process.env
  const over = new AbortController()
  const killAll = (): void => {
    for (const child of children) child.kill('SIGKILL')
  }
  process.prependOnceListener('exit', killAll)

  /** Runs one server to its end; returns how long its place stays empty. */
  async function live(): Promise<number> {
    const [file, ...args] = [...prefix, process.execPath, MAIN]
    const child = spawn(file as string, args, {
      cwd: options.folder,
      env: { ...inherited, NODE_COMPILE_CACHE, TUTTI_PORT: '0', ...options.environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.add(child)
    const ended = once(child, 'exit')
    let member: Member | undefined
    createInterface({ input: child.stdout }).on('line', (line) => {
      options.tell(line)
      const { msg, url } = JSON.parse(line) as { msg: string; url: string }
      if (msg !== 'listening') return
      const name = `${hostname()}:${child.pid}`
      member = { process: child, url, name, restMs: REST_MS, ended }
      all.add(member)
    })
    const [code, signal] = (await ended) as [number | null, string | null]
    children.delete(child)
    if (member) all.delete(member)
    if (signal === null && !over.signal.aborted) {
      const how = `${code}${member ? '' : ' at its start'}`
      ends.set(how, (ends.get(how) ?? 0) + 1)
    }
    return member?.restMs ?? REST_MS
  }
  const places = Array.from({ length: count }, async () => {
    while (!over.signal.aborted) await pause(await live())
  })

  return {
    all,
    ends,
    async until(count) {
      for (const late = Date.now() + START_MS; all.size < count; await pause(20)) {
        if (Date.now() > late)
          throw new Error(`only ${all.size} servers of ${count} run; ended: ${[...ends].join('; ')}`)
      }
    },
    async close() {
      over.abort()
      killAll()
      await Promise.all(places)
      process.off('exit', killAll)
    },
  }
}
