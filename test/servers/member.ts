import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
/** Servers start faster with what an earlier one has compiled. */
const NODE_COMPILE_CACHE = join(tmpdir(), 'tutti-test-compile-cache')

/** A server process. */
export interface Member {
  process: ChildProcess
  url: string
  /** What it has logged. */
  log: { level: number; msg: string }[]
  /** Its exit code, once it has ended. */
  ended: Promise<number | null>
  /** What it answers; errors fail the test. */
  ask(query: string, variables?: object): Promise<Record<string, unknown>>
  get(path: string): Promise<Response>
}

/**
 * Starts a server on a spare port, and waits until it listens.
 *
 * @param folder where it runs, which has its configuration; its data directory is below it
 * @param begun is told of its process at once, so that it can be ended whatever comes of it
 */
export async function startMember(
  folder: string,
  environment: Record<string, string>,
  begun: (process: ChildProcess) => void,
): Promise<Member> {
  const { NODE_V8_COVERAGE: _, ...inherited } = process.env
  const own = { NODE_COMPILE_CACHE, TUTTI_PORT: '0', TUTTI_DATA_DIR: join(folder, 'data') }
  const child = spawn(process.execPath, [MAIN], {
    cwd: folder,
    env: { ...inherited, ...own, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  begun(child)
  const log: Member['log'] = []
  const ended = once(child, 'exit').then(([code]) => code as number | null)
  const url = await new Promise<string>((resolve, reject) => {
    void ended.then((code) => reject(new Error(`the server ended with ${code}: ${JSON.stringify(log.at(-1))}`)))
    createInterface({ input: child.stdout }).on('line', (line) => {
      const entry = JSON.parse(line) as Member['log'][number] & { url?: string }
      log.push(entry)
      if (entry.msg === 'listening') resolve(entry.url as string)
    })
  })
  return {
    process: child,
    url,
    log,
    ended,
    get: (path) => fetch(url + path),
    async ask(query, variables = {}) {
      const headers = { 'content-type': 'application/json' }
      const body = JSON.stringify({ query, variables })
      const answer = (await (await fetch(`${url}/graphql`, { method: 'POST', headers, body })).json()) as {
        data: Record<string, unknown>
        errors?: unknown
      }
      expect(answer.errors).toBeUndefined()
      return answer.data
    },
  }
}
