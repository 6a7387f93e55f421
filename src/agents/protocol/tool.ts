import { spawn } from 'node:child_process'
import { StringDecoder } from 'node:string_decoder'
import { killTree } from './process-tree.ts'

/** What is kept of each of a tool's streams: the first half and the last half of it, in characters. */
const MAX_KEPT = 4_000_000

/** How long the output may be silent, once the tool has ended, before it is given up (milliseconds). */
const SILENCE_MS = 500
/** How long what a tool left running may go on writing to its output, in milliseconds. */
const LEFT_RUNNING_MS = 5_000

export interface ToolOptions {
  cwd: string
  /** Milliseconds; the tool and all it started are killed then. */
  timeoutMs: number
  /** Milliseconds without a word on either stream after which it is ended like that, too; not at all if left out. */
  silenceMs?: number
  /** Added to the agent's own environment; undefined takes a variable away. */
  env?: Record<string, string | undefined>
  /** Written to its stdin, which is then closed. */
  input?: string
  /** Called with each whole line of either stream as it comes. */
  onLine?: (line: string, stream: 'stdout' | 'stderr') => void
  /** Characters of each stream to keep (default 4,000,000); what is between head and tail is dropped. */
  maxKept?: number
}

export interface ToolResult {
  /** Null if it could not be started or was ended by a signal. */
  exitCode: number | null
  stdout: string
  stderr: string
  /** True if some of the output was dropped. */
  truncated: boolean
  timedOut: boolean
  /** True if it was ended because it had nothing to say; `timedOut` is true then as well. */
  silent: boolean
  /** True if there is no such program. */
  missing: boolean
  durationMs: number
}

/** Process ids of the tools that run now. */
const running = new Set<number>()

/**
 * Ends all running tools, and then the agent as if the signal had not been caught.
 * It listens only while a tool runs: without a listener a signal ends even a process that is busy computing, at once.
 */
function stop(signal: NodeJS.Signals): void {
  for (const pid of running) killTree(pid)
  process.off(signal, stop)
  process.kill(process.pid, signal)
}

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

function began(pid: number): void {
  if (running.size === 0) for (const signal of SIGNALS) process.on(signal, stop)
  running.add(pid)
}

function ended(pid: number): void {
  running.delete(pid)
  if (running.size === 0) for (const signal of SIGNALS) process.off(signal, stop)
}

/** Keeps the head and the tail of a stream within `limit` characters. */
function keeper(limit: number) {
  const half = Math.ceil(limit / 2)
  let head = ''
  let tail = ''
  let dropped = false
  return {
    add(text: string): void {
      const room = half - head.length
      head += text.slice(0, Math.max(0, room))
      tail += text.slice(Math.max(0, room))
      if (tail.length > 2 * half) {
        tail = tail.slice(-half)
        dropped = true
      }
    },
    get dropped(): boolean {
      return dropped || tail.length > half
    },
    get text(): string {
      return this.dropped ? `${head}\n…\n${tail.slice(-half)}` : head + tail
    },
  }
}

/**
 * Runs a program to its end, or until its time is up. Never throws: a missing program, a signal and a timeout are
 * results. No shell is involved.
 *
 * @param argv program and arguments
 */
export function runTool(argv: readonly [string, ...string[]], options: ToolOptions): Promise<ToolResult> {
  const started = performance.now()
  const kept = { stdout: keeper(options.maxKept ?? MAX_KEPT), stderr: keeper(options.maxKept ?? MAX_KEPT) }
  const env: Record<string, string | undefined> = { ...process.env, ...options.env }
  return new Promise((resolve) => {
    let timedOut = false
    let silent = false
    const finish = (exitCode: number | null, missing = false): void =>
      resolve({
        exitCode,
        stdout: kept.stdout.text,
        stderr: kept.stderr.text,
        truncated: kept.stdout.dropped || kept.stderr.dropped,
        timedOut,
        silent,
        missing,
        durationMs: Math.round(performance.now() - started),
      })
    const child = spawn(argv[0], argv.slice(1), { cwd: options.cwd, env, stdio: ['pipe', 'pipe', 'pipe'] })
    const pid = child.pid
    if (pid === undefined) {
      child.on('error', () => finish(null, true))
      return
    }
    began(pid)
    const kill = (): void => {
      timedOut = true
      killTree(pid)
      // A descendant that got away may hold the pipes open.
      child.stdout.destroy()
      child.stderr.destroy()
    }
    // Longer ones would fire at once.
    const timer = setTimeout(kill, Math.min(options.timeoutMs, 2 ** 31 - 1))
    const sleeping = setTimeout(
      () => {
        silent = true
        kill()
      },
      Math.min(options.silenceMs ?? Infinity, 2 ** 31 - 1),
    )
    for (const name of ['stdout', 'stderr'] as const) {
      const decoder = new StringDecoder('utf8')
      let rest = ''
      child[name].on('data', (chunk: Buffer) => {
        const text = decoder.write(chunk)
        sleeping.refresh()
        kept[name].add(text)
        if (!options.onLine) return
        const lines = (rest + text).split('\n')
        rest = lines.pop()!.slice(-100_000)
        for (const line of lines) options.onLine(line, name)
      })
      child[name].on('end', () => {
        if (rest !== '') options.onLine?.(rest, name)
      })
    }
    child.on('error', () => {})
    // What the tool left running may hold its output open for ever; the tool's own words are here by then.
    let silence: NodeJS.Timeout | undefined
    let patience: NodeJS.Timeout | undefined
    const giveUp = (): void => {
      child.stdout.destroy()
      child.stderr.destroy()
    }
    child.on('exit', () => {
      silence = setTimeout(giveUp, SILENCE_MS)
      patience = setTimeout(giveUp, LEFT_RUNNING_MS)
      for (const stream of [child.stdout, child.stderr]) stream.on('data', () => silence?.refresh())
    })
    child.on('close', (code) => {
      for (const one of [timer, sleeping, silence, patience]) clearTimeout(one)
      ended(pid)
      finish(code)
    })
    child.stdin.on('error', () => {})
    child.stdin.end(options.input ?? '')
  })
}

/** The end of a tool's error output (or else of its output), short enough for a message. */
export function lastWords(result: ToolResult, maxLines = 5): string {
  const text = result.stderr.trim() === '' ? result.stdout : result.stderr
  return text
    .trim()
    .split('\n')
    .slice(-maxLines)
    .map((line) => line.slice(0, 300))
    .join('\n')
}
