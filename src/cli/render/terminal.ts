import { createLogUpdate } from 'log-update'
import { stripVTControlCharacters } from 'node:util'
import type { SessionView } from '../view.ts'
import type { Typed } from './event-line.ts'
import { frame, SPIN_MS } from './frame.ts'
import type { Paint } from './paint.ts'
import type { Renderer } from './renderer.ts'

/**
 * A picture of the session that is drawn over again and again. The last one stays.
 *
 * @param now milliseconds since the epoch
 */
export function terminalRenderer(stream: NodeJS.WriteStream, paint: Paint, now: () => number, typed: Typed): Renderer {
  const update = createLogUpdate(stream)
  let view: SessionView | undefined
  let notice: string | undefined
  const draw = (): void => {
    if (!view) return
    const { columns, rows } = stream
    const lines = frame(view, { paint, now: now(), columns, rows: notice === undefined ? rows : rows - 1, typed })
    update([...lines, ...(notice === undefined ? [] : [paint('yellow', notice)])].join('\n'))
  }
  const timer = setInterval(draw, SPIN_MS)
  const show = (_fact: unknown, latest: SessionView): void => {
    view = latest
  }
  return {
    begin(latest) {
      view = latest
      draw()
    },
    event: show,
    activity: show,
    notice(text) {
      notice = stripVTControlCharacters(text)
      draw()
    },
    end() {
      clearInterval(timer)
      draw()
      update.done()
    },
  }
}

/** Whether a stream is a terminal on which lines can be drawn over. */
export function canDraw(stream: NodeJS.WriteStream, environment: Record<string, string | undefined>): boolean {
  return stream.isTTY && stream.columns > 0 && stream.rows > 0 && environment['TERM'] !== 'dumb'
}
