import { Readable } from 'node:stream'
import { setImmediate as breathe } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Activity } from '../../src/runtime.ts'
import { readOutput } from '../../src/processes/output.ts'
import type { Output } from '../../src/processes/output.ts'

const limits = { lineBytes: 1_000, lines: 10_000, waitingBytes: 10_000, stdoutBytes: 100 }

/** A stream of numbered lines that counts what is taken from it. */
function numbers(lines: number) {
  const taken = { lines: 0 }
  const stream = new Readable({
    highWaterMark: 1_000,
    read() {
      this.push(taken.lines === lines ? null : Buffer.from(`${++taken.lines}\n`))
    },
  })
  return { stream, taken }
}

const nothing = () => Readable.from([])

async function readAll(output: Output): Promise<Activity[]> {
  const all: Activity[] = []
  for (let next = await output.next(); next; next = await output.next()) all.push(next)
  return all
}

/** Lets streams do what they can without a reader. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5_000; turn++) await breathe()
}

describe('output', () => {
  it('makes the program wait for a slow reader, and loses nothing', async () => {
    const { stream, taken } = numbers(5_000)
    const output = readOutput({ stdout: stream, stderr: nothing() }, limits)
    await settle()
    const held = taken.lines
    expect(held).toBeLessThan(1_000)
    await settle()
    expect(taken.lines).toBe(held)
    expect(output.quietMs()).toBe(0)
    const texts = (await readAll(output)).map(({ text }) => Number(text))
    expect(texts).toEqual(Array.from({ length: 5_000 }, (_, index) => index + 1))
  })

  it('does not make the program wait for lines that are only counted', async () => {
    const { stream, taken } = numbers(5_000)
    const output = readOutput({ stdout: stream, stderr: nothing() }, { ...limits, lines: 10 })
    await settle()
    expect(taken.lines).toBe(5_000)
    expect(await readAll(output)).toHaveLength(11)
    expect(output.counts()).toMatchObject({ lines: 5_000, shown: 10 })
  })

  it.each([
    ['drops what waits', true, 0, 0],
    ['keeps what waits', false, 100, 1_000],
  ])('once muted %s and lets the program go on', async (_, dropWaiting, least, most) => {
    const { stream, taken } = numbers(5_000)
    const output = readOutput({ stdout: stream, stderr: nothing() }, limits)
    await settle()
    output.mute(dropWaiting)
    await settle()
    expect(taken.lines).toBe(5_000)
    const shown = await readAll(output)
    expect(shown.length).toBeGreaterThanOrEqual(least)
    expect(shown.length).toBeLessThanOrEqual(most)
  })

  it('ends after finish although a stranger holds the stream open', async () => {
    const held = new Readable({ read() {} })
    held.push('first\nsecond')
    const output = readOutput({ stdout: held, stderr: nothing() }, limits)
    output.finish()
    expect((await readAll(output)).map(({ text }) => text)).toEqual(['first', 'second'])
  })

  it('ends after finish although a stranger goes on writing', async () => {
    const chunk = Buffer.alloc(10_000, 'x\n')
    const endless = new Readable({
      read() {
        this.push(chunk)
      },
    })
    const output = readOutput({ stdout: endless, stderr: nothing() }, { ...limits, lines: 10 })
    output.finish()
    await readAll(output)
    expect(output.counts().bytes).toBeLessThan(1_100_000)
  })

  it('ends with a stream that breaks', async () => {
    const broken = new Readable({ read() {} })
    const output = readOutput({ stdout: broken, stderr: nothing() }, limits)
    broken.destroy(new Error('broken'))
    expect(await readAll(output)).toEqual([])
  })
})
