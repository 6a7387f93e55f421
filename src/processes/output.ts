import type { Readable } from 'node:stream'
import type { Activity } from '../runtime.ts'
import { createLineSplitter, createTail } from './lines.ts'

export interface OutputLimits {
  /** Bytes of one line; the rest of it is left out. */
  lineBytes: number
  /** Lines that are shown; further ones are counted. */
  lines: number
  /** Lines in bytes that may wait for the reader before the program is made to wait. */
  waitingBytes: number
  /** Bytes at the end of stdout that are kept as the output of a program without result.json. */
  stdoutBytes: number
}

/** What a program prints, as activities at the pace of their reader. Memory is bounded whatever the program does. */
export interface Output {
  /** The next line, or undefined once both streams have ended. One reader only. */
  next(): Promise<Activity | undefined>
  /** From now on only counts. With `dropWaiting`, lines that wait for the reader are dropped as well. */
  mute(dropWaiting: boolean): void
  /** Says that no writer is left: what the pipes still hold is read, but nobody is waited for. */
  finish(): void
  /** Milliseconds in which the program could have printed but did not; 0 while it waits for the reader. */
  quietMs(): number
  counts(): { lines: number; shown: number; bytes: number }
  stdout(): { text: string; omittedBytes: number }
  stderr(): string
}

/** A line costs about this much beside its text. */
const LINE_OVERHEAD = 64
/** Enough to find the last line of stderr. */
const STDERR_BYTES = 16 * 1024
/** More than a pipe can hold. Whoever still writes after `finish` got out of the process tree. */
const PIPE_BYTES = 1024 * 1024
/** A pipe whose writers are gone ends at once; one that stays silent for so long is held open by a stranger. */
const SILENCE_MS = 250

export function readOutput(streams: { stdout: Readable; stderr: Readable }, limits: OutputLimits): Output {
  const waiting: Activity[] = []
  let waitingBytes = 0
  let wake: (() => void) | undefined
  let open = 2
  let muted = false
  let paused = false
  let lastHeard = performance.now()
  let bytesAfterFinish: number | undefined
  let silence: NodeJS.Timeout | undefined
  const counts = { lines: 0, shown: 0, bytes: 0 }
  const tails = { stdout: createTail(limits.stdoutBytes), stderr: createTail(STDERR_BYTES) }

  const ring = (): void => {
    wake?.()
    wake = undefined
  }
  const pause = (): void => {
    paused = true
    streams.stdout.pause()
    streams.stderr.pause()
  }
  const resume = (): void => {
    paused = false
    lastHeard = performance.now()
    streams.stdout.resume()
    streams.stderr.resume()
  }
  const destroy = (): void => {
    streams.stdout.destroy()
    streams.stderr.destroy()
  }
  const show = (activity: Activity): void => {
    waiting.push(activity)
    waitingBytes += activity.text.length + LINE_OVERHEAD
    ring()
  }
  const onLine = (stream: 'stdout' | 'stderr', text: string): void => {
    counts.lines++
    if (muted || counts.shown > limits.lines) return
    if (counts.shown === limits.lines) {
      counts.shown++
      const advice = 'Leave large output as a file in TUTTI_OUTPUT_DIR.'
      show({ kind: 'MESSAGE', text: `${limits.lines} lines shown; further ones are counted only. ${advice}` })
      return
    }
    counts.shown++
    show({ kind: 'OUTPUT', stream, text })
  }

  for (const name of ['stdout', 'stderr'] as const) {
    const stream = streams[name]
    const splitter = createLineSplitter(limits.lineBytes, (text) => onLine(name, text))
    stream.on('data', (chunk: Buffer) => {
      lastHeard = performance.now()
      counts.bytes += chunk.length
      tails[name].push(chunk)
      if (muted || counts.shown > limits.lines) counts.lines += countNewlines(chunk)
      else splitter.push(chunk)
      if (waitingBytes >= limits.waitingBytes && !paused && !muted) pause()
      if (bytesAfterFinish !== undefined && (bytesAfterFinish += chunk.length) > PIPE_BYTES) destroy()
    })
    // A broken pipe ends like any other: its end is what counts.
    stream.on('error', () => {})
    stream.once('close', () => {
      splitter.end()
      open--
      if (open > 0) return
      clearInterval(silence)
      ring()
    })
  }

  return {
    async next() {
      while (waiting.length === 0) {
        if (open === 0) return undefined
        const { promise, resolve } = Promise.withResolvers<void>()
        wake = resolve
        await promise
      }
      const activity = waiting.shift()
      if (activity) waitingBytes -= activity.text.length + LINE_OVERHEAD
      if (paused && waitingBytes <= limits.waitingBytes / 2) resume()
      return activity
    },
    mute(dropWaiting) {
      muted = true
      if (dropWaiting) {
        waiting.length = 0
        waitingBytes = 0
      }
      if (paused) resume()
    },
    finish() {
      if (open === 0 || bytesAfterFinish !== undefined) return
      bytesAfterFinish = 0
      lastHeard = performance.now()
      silence = setInterval(() => {
        if (!paused && performance.now() - lastHeard > SILENCE_MS) destroy()
      }, SILENCE_MS / 5)
    },
    quietMs: () => (paused ? 0 : performance.now() - lastHeard),
    counts: () => ({ ...counts, shown: Math.min(counts.shown, limits.lines) }),
    stdout: () => ({ text: tails.stdout.text(), omittedBytes: tails.stdout.omittedBytes() }),
    stderr: () => tails.stderr.text(),
  }
}

function countNewlines(chunk: Buffer): number {
  let lines = 0
  for (let at = 0; at < chunk.length; at++) if (chunk[at] === 0x0a) lines++
  return lines
}
