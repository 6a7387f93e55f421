import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import type { AnyMessage, Stream } from '@agentclientprotocol/sdk'
import type { Failure } from '../../processes/failure.ts'
import { createLineSplitter, createTail, plainText, shorten } from '../../processes/lines.ts'
import type { Output } from '../../processes/output.ts'
import type { Shown } from './shown.ts'

export interface WireLimits {
  /** Bytes of one line that is shown; the rest of it is left out. */
  lineBytes: number
  /** Bytes of one message of the agent's. */
  messageBytes: number
  /** Lines that are no messages; programs print one or the other before they begin. */
  strayLines: number
  /** Requests of the agent's that are answered at the same time; further ones wait. */
  requests: number
}

/** The streams of an agent as messages, and as what a program prints. Memory is bounded whatever the agent does. */
export interface Wire {
  /** For the protocol: all messages but updates. */
  stream: Stream
  /** For whoever runs the program. */
  output: Output
  /** Why the agent cannot be listened to any more, if so. */
  failure(): Failure | undefined
}

/** Enough to find the last line of stderr. */
const STDERR_BYTES = 16 * 1024
/** See readOutput: a pipe that stays silent for so long after the end of the program is held open by a stranger. */
const SILENCE_MS = 250
const NEWLINE = 0x0a
const SHOWN_STRAY = 500

/**
 * Lays messages over a program's streams. What stands beside the protocol's own stream of lines: it reads no faster
 * than its reader, drops what is no message instead of answering each piece of it, and gives up at a limit.
 *
 * @param onUpdate what the agent tells of its work, in order; it is given as it came
 */
export function layWire(
  { stdin, stdout, stderr }: { stdin: Writable; stdout: Readable; stderr: Readable },
  shown: Shown,
  limits: WireLimits,
  onUpdate: (params: unknown) => void,
): Wire {
  const tail = createTail(STDERR_BYTES)
  const asked = new Set<unknown>()
  const answering = new Set<unknown>()
  let lastHeard = performance.now()
  let bytes = 0
  let stray = 0
  let silence: NodeJS.Timeout | undefined
  let isOver = false
  let failure: Failure | undefined
  let answered: PromiseWithResolvers<void> | undefined
  let incoming: ReadableStreamDefaultController<AnyMessage> | undefined

  const wakeRequests = (): void => {
    answered?.resolve()
    answered = undefined
  }
  const isOverwhelmed = (): boolean => incoming !== undefined && answering.size >= limits.requests

  // A closed pipe ends like any other: the end of the program is what counts.
  stdin.on('error', () => {})

  const readable = new ReadableStream<AnyMessage>({
    start(controller) {
      incoming = controller
    },
    cancel() {
      incoming = undefined
      wakeRequests()
    },
  })
  const writable = new WritableStream<AnyMessage>({
    async write(message) {
      if ('method' in message && 'id' in message) asked.add(message.id)
      if (stdin.destroyed) throw new Error('the agent does not listen any more')
      if (!stdin.write(`${JSON.stringify(message)}\n`)) await Promise.race([once(stdin, 'drain'), once(stdin, 'close')])
      if ('method' in message || !('id' in message)) return
      answering.delete(message.id)
      wakeRequests()
    },
  })

  const giveUp = (why: Failure): void => {
    failure ??= why
    incoming?.error(new Error(why.message))
    incoming = undefined
    wakeRequests()
  }
  const strayLine = (line: string): void => {
    if (line.trim() === '' || failure) return
    shown.add({ kind: 'OUTPUT', stream: 'stdout', text: shorten(plainText(line), SHOWN_STRAY) })
    if (++stray <= limits.strayLines) return
    const first = shorten(plainText(line), 100)
    giveUp({ class: 'AGENT', message: `it prints what is no message of the protocol, at last: ${first}` })
  }

  async function onLine(line: Buffer): Promise<void> {
    const text = line.toString('utf8')
    const message = parseMessage(text)
    if (!message) return strayLine(text)
    if ('method' in message) {
      if (!('id' in message)) {
        if (message.method === 'session/update') onUpdate(message.params)
        else incoming?.enqueue(message)
        return
      }
      while (isOverwhelmed()) {
        answered ??= Promise.withResolvers()
        await answered.promise
      }
      answering.add(message.id)
    } else if (!asked.delete(message.id)) {
      return strayLine(text)
    }
    incoming?.enqueue(message)
  }

  async function readMessages(): Promise<void> {
    let kept: Buffer[] = []
    let length = 0
    for await (const chunk of stdout as AsyncIterable<Buffer>) {
      lastHeard = performance.now()
      bytes += chunk.length
      let from = 0
      for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
        kept.push(chunk.subarray(from, at))
        length += at - from
        from = at + 1
        if (length <= limits.messageBytes && !failure) await onLine(Buffer.concat(kept))
        kept = []
        length = 0
      }
      length += chunk.length - from
      if (length > limits.messageBytes) {
        const message = `it sent a message of more than ${limits.messageBytes} bytes`
        giveUp({ class: 'TOO_LARGE', message })
        kept = []
      } else {
        kept.push(chunk.subarray(from))
      }
      await shown.room()
    }
  }

  async function readErrors(): Promise<void> {
    const splitter = createLineSplitter(limits.lineBytes, (text) => {
      if (text.trim() !== '') shown.add({ kind: 'OUTPUT', stream: 'stderr', text })
    })
    for await (const chunk of stderr as AsyncIterable<Buffer>) {
      lastHeard = performance.now()
      bytes += chunk.length
      tail.push(chunk)
      splitter.push(chunk)
      await shown.room()
    }
    splitter.end()
  }

  const ended = [readMessages(), readErrors()].map((reading) =>
    // A stream that was destroyed has ended as well.
    reading.catch(() => {}),
  )
  void ended[0]?.then(() => {
    incoming?.close()
    incoming = undefined
  })
  void Promise.all(ended).then(() => {
    isOver = true
    clearInterval(silence)
    shown.end()
  })

  return {
    stream: { readable, writable },
    failure: () => failure,
    output: {
      next: () => shown.next(),
      mute: (dropWaiting) => shown.mute(dropWaiting),
      finish() {
        lastHeard = performance.now()
        stdin.destroy()
        if (isOver) return
        silence ??= setInterval(() => {
          if (shown.isFull() || performance.now() - lastHeard <= SILENCE_MS) return
          stdout.destroy()
          stderr.destroy()
        }, SILENCE_MS / 5)
      },
      quietMs: () => (shown.isFull() ? 0 : performance.now() - lastHeard),
      counts: () => ({ ...shown.counts(), bytes }),
      stdout: () => ({ text: '', omittedBytes: 0 }),
      stderr: () => tail.text(),
    },
  }
}

/** A message of JSON-RPC 2.0, or undefined for anything else, lists of messages included. */
function parseMessage(line: string): AnyMessage | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const message = value as { jsonrpc?: unknown; method?: unknown; id?: unknown; result?: unknown; error?: unknown }
  const isCall = typeof message.method === 'string'
  const isAnswer = !('method' in message) && 'result' in message !== 'error' in message
  const isId = typeof message.id === 'number' || typeof message.id === 'string'
  if (message.jsonrpc !== '2.0' || !(isCall || isAnswer) || ('id' in message ? !isId : isAnswer)) return undefined
  return value as AnyMessage
}
