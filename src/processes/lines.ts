import { StringDecoder } from 'node:string_decoder'
import { stripVTControlCharacters } from 'node:util'

const NEWLINE = 0x0a
const RETURN = 0x0d

// Everything below space but tab and newline, DEL, and the C1 set: none of it is text, and PostgreSQL refuses NUL.
// oxlint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g

/** Text without colours and control characters; tab and newline stay. */
export function plainText(text: string): string {
  return stripVTControlCharacters(text).replace(CONTROLS, '')
}

/** The last line that is not blank, cut to `maxLength` characters; undefined if all are blank. */
export function lastLine(text: string, maxLength: number): string | undefined {
  const line = text
    .split('\n')
    .findLast((candidate) => candidate.trim() !== '')
    ?.trim()
  return line && shorten(line, maxLength)
}

/** `text` cut to `maxLength` characters, with an ellipsis if something is missing. */
export function shorten(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength - 1).toWellFormed()}…`
}

export interface LineSplitter {
  push(chunk: Buffer): void
  /** Emits a last line that no newline ended. */
  end(): void
}

/**
 * Cuts a stream of bytes into lines of plain text, holding at most one line of `maxBytes` in memory.
 *
 * `\n`, `\r\n` and a lone `\r` (progress bars) end a line. Invalid UTF-8 becomes U+FFFD. What a line has beyond
 * `maxBytes` is left out, and the line says so.
 */
export function createLineSplitter(maxBytes: number, onLine: (text: string) => void): LineSplitter {
  const line = Buffer.allocUnsafe(maxBytes)
  let length = 0
  let leftOut = 0
  let afterReturn = false

  const keep = (part: Buffer): void => {
    const copied = part.copy(line, length)
    length += copied
    leftOut += part.length - copied
  }
  const emit = (): void => {
    // A decoder that is not told of an end leaves out a character that the cut went through.
    const text =
      leftOut > 0 ? new StringDecoder('utf8').write(line.subarray(0, length)) : line.toString('utf8', 0, length)
    onLine(leftOut > 0 ? `${plainText(text)} … (${leftOut} bytes of this line left out)` : plainText(text))
    length = 0
    leftOut = 0
  }

  return {
    push(chunk) {
      let from = 0
      for (let at = 0; at < chunk.length; at++) {
        const byte = chunk[at]
        if (byte === NEWLINE && afterReturn) {
          from = at + 1
        } else if (byte === NEWLINE || byte === RETURN) {
          keep(chunk.subarray(from, at))
          emit()
          from = at + 1
        }
        afterReturn = byte === RETURN
      }
      keep(chunk.subarray(from))
    },
    end() {
      if (length + leftOut > 0) emit()
    },
  }
}

export interface Tail {
  push(chunk: Buffer): void
  /** Bytes that came before what is kept. */
  omittedBytes(): number
  /** What is kept, as plain text. */
  text(): string
}

/** Keeps the last `maxBytes` of a stream. */
export function createTail(maxBytes: number): Tail {
  let chunks: Buffer[] = []
  let kept = 0
  let omitted = 0

  const trim = (): Buffer => {
    const all = Buffer.concat(chunks)
    // Never start within a character: bytes 10xxxxxx continue one.
    let from = Math.max(0, all.length - maxBytes)
    while (from > 0 && ((all[from] ?? 0) & 0xc0) === 0x80) from++
    // Copied, so that a few bytes do not hold on to a large chunk.
    const rest = Buffer.from(all.subarray(from))
    omitted += from
    chunks = [rest]
    kept = rest.length
    return rest
  }

  return {
    push(chunk) {
      chunks.push(chunk)
      kept += chunk.length
      if (kept > 2 * maxBytes || chunks.length > 1_000) trim()
    },
    omittedBytes() {
      trim()
      return omitted
    },
    text: () => plainText(trim().toString('utf8').replaceAll(/\r\n?/g, '\n')),
  }
}
