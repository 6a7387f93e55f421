import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/client'
import { createTail, lastLine } from '../processes/lines.ts'
import type { Output } from '../processes/output.ts'
import { type Program, type Start, startProgram } from '../processes/program.ts'

/** A server that is a program, as the protocol speaks with it. Memory is bounded whatever the program does. */
export interface ProgramTransport extends Transport {
  /** Why it cannot be listened to any more, or the last words of one that has ended; undefined: neither. */
  trouble(): string | undefined
  /** Resolves once nothing of it is left; with what could not be ended, normally nothing. */
  close(): Promise<void>
}

/** Lines that are no messages; programs print one or the other before they begin. */
const STRAY_LINES = 1_000
/** Enough to find the last line of stderr. */
const STDERR_BYTES = 16 * 1024
/** A pipe that stays open for so long after the end of the program, or of the other pipe, is held by a stranger, in milliseconds. */
const SILENCE_MS = 250
const NEWLINE = 0x0a
const REASON_LENGTH = 500

/**
 * Speaks with a program, one message a line, and ends it with everything that it has started.
 *
 * Notifications are dropped: nothing here waits for one, and a program can send them without end.
 *
 * @param start all but what is said to it
 * @param messageBytes what one of its messages may have
 */
export function createProgramTransport(start: Omit<Start, 'stdin'>, messageBytes: number): ProgramTransport {
  const tail = createTail(STDERR_BYTES)
  let program: Program | undefined
  let input: Writable | undefined
  let bytes = 0
  let stray = 0
  let failure: string | undefined
  let isOver = false
  let ending: Promise<void> | undefined

  const giveUp = (why: string): void => {
    failure ??= why
    program?.stop('CANCELED')
  }

  function onLine(line: string): void {
    if (line.trim() === '' || failure !== undefined) return
    const message = parse(line)
    if (!message) {
      if (++stray > STRAY_LINES) giveUp('it prints what is no message of the protocol')
    } else if (!('method' in message) || 'id' in message) {
      transport.onmessage?.(message)
    }
  }

  async function readMessages(stdout: Readable): Promise<void> {
    let kept: Buffer[] = []
    let length = 0
    for await (const chunk of stdout as AsyncIterable<Buffer>) {
      bytes += chunk.length
      let from = 0
      for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
        kept.push(chunk.subarray(from, at))
        if (length + at - from <= messageBytes) onLine(Buffer.concat(kept).toString('utf8'))
        from = at + 1
        kept = []
        length = 0
      }
      length += chunk.length - from
      if (length <= messageBytes) {
        kept.push(chunk.subarray(from))
      } else {
        giveUp(`it sent a message of more than ${messageBytes} bytes (limits.messageBytes)`)
        kept = []
      }
    }
  }

  function converse({ stdin, stdout, stderr }: { stdin: Writable; stdout: Readable; stderr: Readable }): Output {
    input = stdin
    // A closed pipe ends like any other: the end of the program is what counts.
    for (const stream of [stdin, stderr]) stream.on('error', () => {})
    stderr.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      tail.push(chunk)
    })
    // Its last words come by another pipe, perhaps a moment later.
    const closed = async (): Promise<void> => {
      await finished(stderr, { signal: AbortSignal.timeout(SILENCE_MS) }).catch(() => {})
      isOver = true
      transport.onclose?.()
    }
    readMessages(stdout).then(closed, closed)
    return {
      next: async () => undefined,
      mute() {},
      finish() {
        stdin.destroy()
        setTimeout(() => {
          stdout.destroy()
          stderr.destroy()
        }, SILENCE_MS).unref()
      },
      // It is there to be asked: it has nothing to show by itself.
      quietMs: () => 0,
      counts: () => ({ lines: 0, shown: 0, bytes }),
      stdout: () => ({ text: '', omittedBytes: 0 }),
      stderr: () => tail.text(),
    }
  }

  const transport: ProgramTransport = {
    async start() {
      const begun = await startProgram({ ...start, stdin: converse })
      if ('failure' in begun) throw new Error(`it cannot be started: ${begun.failure}`)
      program = begun
      void begun.ended.then(
        ({ excess }) => (failure ??= excess === undefined ? undefined : `it was ended: ${excess}`),
        () => {},
      )
    },
    async send(message) {
      if (!input || input.destroyed) throw new Error('it does not listen any more')
      if (input.write(`${JSON.stringify(message)}\n`)) return
      await Promise.race([once(input, 'drain'), once(input, 'close')])
    },
    close() {
      program?.stop('CANCELED')
      ending ??= (async () => {
        const survivors = (await program?.ended)?.survivors ?? []
        if (survivors.length > 0)
          throw new Error(`Processes ${survivors.join(', ')} cannot be ended; end them by hand.`)
      })()
      return ending
    },
    trouble: () => failure ?? (isOver ? lastLine(tail.text(), REASON_LENGTH) : undefined),
  }
  return transport
}

/** A message of JSON-RPC 2.0, or undefined for anything else, lists of messages included. */
function parse(line: string): JSONRPCMessage | undefined {
  try {
    const value: unknown = JSON.parse(line)
    const isMessage = typeof value === 'object' && value !== null && 'jsonrpc' in value && value.jsonrpc === '2.0'
    return isMessage ? (value as JSONRPCMessage) : undefined
  } catch {
    return undefined
  }
}
