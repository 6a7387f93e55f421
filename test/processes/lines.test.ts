import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createLineSplitter, createTail, lastLine, plainText, shorten } from '../../src/processes/lines.ts'

/** The bytes cut at the given places, in order. */
function cut(bytes: Buffer, places: number[]): Buffer[] {
  const sorted = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b)
  return sorted.slice(1).map((end, index) => bytes.subarray(sorted[index], end))
}

function split(chunks: Buffer[], maxBytes = 8_192): string[] {
  const lines: string[] = []
  const splitter = createLineSplitter(maxBytes, (line) => lines.push(line))
  for (const chunk of chunks) splitter.push(chunk)
  splitter.end()
  return lines
}

const places = fc.array(fc.nat(), { maxLength: 20 })

describe('a stream of bytes', () => {
  it('gives the same lines however it arrives', () => {
    const byte = fc.oneof(fc.constantFrom(0x0a, 0x0d, 0x1b, 0xc3, 0xa4), fc.integer({ min: 0, max: 255 }))
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 300 }), places, fc.integer({ min: 1, max: 20 }), (bytes, cuts, max) => {
        const all = Buffer.from(bytes)
        expect(split(cut(all, cuts), max)).toEqual(split([all], max))
      }),
    )
  })

  it('gives back the lines it was made of, whichever line end is used', () => {
    const line = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((text) => plainText(text) === text)
    const lines = fc.array(
      line.filter((text) => !text.includes('\n')),
      { minLength: 1 },
    )
    fc.assert(
      fc.property(lines, fc.constantFrom('\n', '\r\n', '\r'), places, (texts, lineEnd, cuts) => {
        expect(split(cut(Buffer.from(texts.join(lineEnd)), cuts))).toEqual(texts)
        expect(split(cut(Buffer.from(texts.join(lineEnd) + lineEnd), cuts))).toEqual(texts)
      }),
    )
  })

  it('keeps empty lines', () => {
    expect(split([Buffer.from('a\n\nb\r\n\r\nc')])).toEqual(['a', '', 'b', '', 'c'])
  })

  it('never gives a line much longer than the limit, nor half a character', () => {
    expect(split([Buffer.from('ääää')], 5)).toEqual(['ää … (3 bytes of this line left out)'])
    expect(split([Buffer.from('äää')], 6)).toEqual(['äää'])
  })
})

describe('plain text', () => {
  it('holds no control character but tab and newline', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        // oxlint-disable-next-line no-control-regex
        expect(plainText(text)).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/)
      }),
    )
    expect(plainText('\u001b[1;32mgreen\u001b[0m\tand\u0000 \u001b]8;;http://a\u0007link\u001b]8;;\u0007')).toBe(
      'green\tand link',
    )
  })
})

describe('a tail', () => {
  it('is the end of what was pushed, and knows how much came before', () => {
    const chunks = fc.array(fc.string({ unit: 'grapheme-ascii', maxLength: 30 }), { maxLength: 60 })
    fc.assert(
      fc.property(chunks, fc.integer({ min: 1, max: 100 }), (texts, max) => {
        const tail = createTail(max)
        for (const text of texts) tail.push(Buffer.from(text))
        const all = texts.join('')
        expect(tail.text()).toBe(all.slice(-max))
        expect(tail.omittedBytes()).toBe(Math.max(0, all.length - max))
      }),
    )
  })

  it('does not start within a character', () => {
    const tail = createTail(3)
    tail.push(Buffer.from('ääz'))
    expect(tail.text()).toBe('äz')
    tail.push(Buffer.from('ä'))
    expect(tail.text()).toBe('zä')
    expect(tail.omittedBytes()).toBe(4)
  })
})

describe('the last line', () => {
  it('is the last one that is not blank, cut if it is long', () => {
    expect(lastLine('one\n two \n\n  \n', 10)).toBe('two')
    expect(lastLine('\n \n', 10)).toBeUndefined()
    expect(lastLine('0123456789ab', 10)).toBe('012345678…')
    expect(shorten('exactly', 7)).toBe('exactly')
  })
})
