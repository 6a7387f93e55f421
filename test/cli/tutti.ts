import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { afterAll, expect } from 'vitest'
import type { SavedResult } from '../../src/cli/save.ts'
import type { ConfigFile } from '../../src/configFile.ts'
import { scratch } from '../servers/process.ts'

export const ENTRY = fileURLToPath(new URL('../../src/cli/tutti.ts', import.meta.url))

const cleanups: (() => Promise<void> | void)[] = []
afterAll(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

/** A program that runs in a folder. */
export interface Running {
  child: ChildProcess
  stdout: () => string
  stderr: () => string
  /** Waits until the output so far matches. Fails when the process ends before. */
  says: (what: RegExp) => Promise<void>
  /** Resolves once the process has ended and all of its output is here. */
  ended: Promise<{ code: number | null; stdout: string; stderr: string }>
}

/**
 * The embedded database is WebAssembly. A server that lives for seconds does not win back what it costs to compile that a
 * second time, for speed: a quarter of all that it computes.
 */
export const SHORT_LIFE = '--liftoff-only'

/** Starts `tutti` with these arguments. Whatever is left of it after the file's last test is killed. */
export function tutti(folder: string, ...args: string[]): Running {
  return start(folder, process.execPath, [SHORT_LIFE, ENTRY, ...args])
}

/**
 * Starts any program with an environment of its own.
 *
 * @param stdin `pipe`: it reads what is written to `child.stdin`; nothing unless told
 */
export function start(
  folder: string,
  file: string,
  args: string[],
  env: Record<string, string> = {},
  stdin: 'ignore' | 'pipe' = 'ignore',
): Running {
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(file, args, {
    cwd: folder,
    env: { PATH, HOME, ...env },
    stdio: [stdin, 'pipe', 'pipe'],
  }) as ChildProcessByStdio<Writable | null, Readable, Readable>
  const output = { stdout: '', stderr: '' }
  const hearers = new Set<() => void>()
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text
      for (const hear of hearers) hear()
    })
  }
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...output }))
  cleanups.push(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return {
    child,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    ended,
    says: (what) =>
      new Promise((resolve, reject) => {
        const hear = (): void => {
          if (what.test(output.stdout + output.stderr)) {
            hearers.delete(hear)
            resolve()
          }
        }
        hearers.add(hear)
        hear()
        void ended.then(() => reject(new Error(`it ended without saying ${what}:\n${output.stdout}${output.stderr}`)))
      }),
  }
}

/** A folder with some files, deleted after the file's last test. */
export function folderWith(files: Record<string, string>): string {
  const folder = scratch('cli')
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A configuration with one agent: it does what work.sh in the workspace says. */
export const WORKER: Record<string, string> = {
  'tutti.config.json': JSON.stringify({
    builtinAgents: false,
    commands: { script: { argv: ['/bin/sh', 'work.sh'], cwd: 'workspace' } },
    agents: [{ name: 'worker', command: 'script', capabilities: ['work'], slots: 8 }],
  } satisfies ConfigFile),
}

/** Ids of the processes that have this text among their arguments. */
export function processesWith(argument: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(argument)
      } catch {
        return false
      }
    })
    .map(Number)
}

/** The end of a program, or a failure that shows all it said. */
export async function endOf(running: Running, code: number): Promise<{ stdout: string; stderr: string }> {
  const end = await running.ended
  expect(end, `${end.stdout}${end.stderr}`).toMatchObject({ code })
  return end
}

/** What `--json` prints of a session. */
export type Answer = Pick<SavedResult, 'session' | 'executions' | 'report' | 'folder'>
export const answerIn = (stdout: string): Answer => JSON.parse(stdout) as Answer

/** Seconds to sleep that no other process sleeps, to find it by. */
export const unique = (): string => `60.${process.pid}${Math.floor(performance.now())}`
