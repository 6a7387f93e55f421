import { count, oneLine } from '../words.ts'
import type { SessionView } from '../view.ts'
import type { Paint } from './paint.ts'

/** What the session is about and how it was planned: title, pattern with complexity, id, reasons. */
export function heading(view: SessionView, paint: Paint): string[] {
  const { id, title, pattern, complexity, reasons, executions } = view
  const plan = [
    pattern,
    ...(complexity === null ? [] : [`complexity ${complexity.toFixed(1)} of 10`]),
    count(executions.length, 'execution'),
  ]
  return [
    paint('bold', oneLine(title)),
    plan.join(', '),
    paint('dim', `session ${id}`),
    ...reasons.map((reason) => paint('dim', `  ${oneLine(reason)}`)),
  ]
}
