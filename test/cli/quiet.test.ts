import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { quietRenderer } from '../../src/cli/render/renderer.ts'
import { applyEvent } from '../../src/cli/view.ts'
import { eventsFrom, planned } from './session.ts'

describe('a session of which only the end is wanted', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  function quiet() {
    const lines: string[] = []
    const renderer = quietRenderer(
      (line) => lines.push(line),
      (args) => `tutti ${args}`,
    )
    const event = eventsFrom(10)
    let view = planned('test')
    renderer.begin(view)
    const happens = (type: string, interruptId: string): void => {
      const fact = event(0, type, 'test', { interruptId, kind: 'QUESTION', question: 'Which one?', choice: 'ANSWER' })
      view = applyEvent(view, fact)
      renderer.event(fact, view)
    }
    return { lines, renderer, happens }
  }

  it('tells that somebody is waited for', () => {
    const { lines, happens } = quiet()
    happens('INTERRUPT_RAISED', '10000000-0000')
    vi.runAllTimers()
    expect(lines).toEqual(['test waits for you: Which one? Answer with: tutti approve 10000000'])
  })

  it('tells nobody to answer what was answered long ago', () => {
    const { lines, happens } = quiet()
    happens('INTERRUPT_RAISED', '10000000-0000')
    happens('INTERRUPT_RAISED', '20000000-0000')
    happens('INTERRUPT_ANSWERED', '10000000-0000')
    vi.runAllTimers()
    expect(lines).toEqual(['test waits for you: Which one? Answer with: tutti approve 20000000'])
  })

  it('has nothing more to tell at the end', () => {
    const { lines, renderer, happens } = quiet()
    happens('INTERRUPT_RAISED', '10000000-0000')
    renderer.end()
    vi.runAllTimers()
    expect(lines).toEqual([])
  })
})
