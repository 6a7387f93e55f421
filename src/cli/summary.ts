import cliTruncate from 'cli-truncate'
import type { Paint } from './render/paint.ts'
import type { SavedResult } from './save.ts'
import { table } from './table.ts'
import { count, duration, inWords, oneLine } from './words.ts'

/**
 * What a person wants to know of a session that has ended: how it went, what each agent did, why something failed, and
 * where the results are. The last line is the path of the report, if there is one.
 *
 * @param width characters that a line of the table may have; undefined: as many as it takes
 */
export function summary(result: SavedResult, paint: Paint, width: number | undefined): string[] {
  const { session, executions, report, folder } = result
  const { status, durationMs, pattern, complexity } = session
  const style = status === 'SUCCEEDED' ? 'green' : status === 'PARTIAL' ? 'yellow' : 'red'
  const took = durationMs === null ? '' : ` in ${duration(durationMs)}`
  const [headings, ...rows] = table(
    ['EXECUTION', 'AGENT', 'STATUS', 'ATTEMPTS', 'TIME', 'SUMMARY'],
    executions.map((e) => [
      e.key,
      e.agent ?? '-',
      inWords(e.status),
      String(e.attempts),
      e.durationMs === null ? '-' : duration(e.durationMs),
      oneLine(e.summary ?? e.error ?? ''),
    ]),
    width,
  )
  return [
    `${paint(style, `${status}${took}`)}  ${pattern}, complexity ${complexity.toFixed(1)} of 10, session ${session.id}`,
    '',
    paint('dim', headings as string),
    ...rows,
    ...reasons(result, paint),
    ...outputOf(result, width),
    ...changesOf(result),
    '',
    ...place(result),
    report ??
      (executions.some(({ artifacts }) => artifacts.length > 0) ? `No report. Results are in ${folder}` : 'No report.'),
  ]
}

/** What the session put out, where no report tells it. */
function outputOf({ session: { output }, report }: SavedResult, width: number = 1_000): string[] {
  if (output === null || report !== null) return []
  return ['', cliTruncate(`Output: ${oneLine(JSON.stringify(output))}`, width)]
}

/** Where what was changed can be seen, and how it is taken over. */
function changesOf({ session: { branch } }: SavedResult): string[] {
  if (branch === null) return []
  return ['', `What was changed is on the branch ${branch}. Take it over with: git merge ${branch}`]
}

function reasons({ session, executions }: SavedResult, paint: Paint): string[] {
  const failed = executions.filter(({ error }) => error !== null)
  const why = [
    ...failed.map(({ key, attempts, error }) => `${key}: ${oneLine(error ?? '')} (${count(attempts, 'attempt')})`),
    ...(failed.length === 0 && session.reason !== null ? [oneLine(session.reason)] : []),
  ]
  if (why.length === 0) return []
  const notice = session.status === 'PARTIAL' ? ['All that was required is done, the rest is not:'] : ['Why:']
  return ['', ...notice.map((line) => paint('bold', line)), ...why.map((line) => `  ${line}`)]
}

function place({ executions, folder, report }: SavedResult): string[] {
  const artifacts = executions.flatMap((execution) => execution.artifacts)
  const unsaved = executions.flatMap(({ key, artifacts: own }) =>
    own.filter(({ path }) => path === null).map(({ name, problem }) => `  ${key}/${oneLine(name)}: ${problem}`),
  )
  return [
    `${count(artifacts.length, 'artifact')}${report === null || artifacts.length === 0 ? '' : ` in ${folder}`}`,
    ...(unsaved.length > 0 ? [`${count(unsaved.length, 'artifact')} could not be saved:`, ...unsaved] : []),
  ]
}
