import { stripVTControlCharacters } from 'node:util'

/** A length of time for people: 40 ms, 3.2 s, 42 s, 3 m 05 s, 2 h 07 m. */
export function duration(ms: number): string {
  if (ms < 100) return `${Math.max(0, Math.round(ms))} ms`
  if (ms < 9_950) return `${(ms / 1_000).toFixed(1)} s`
  const seconds = Math.round(ms / 1_000)
  if (seconds < 60) return `${seconds} s`
  const two = (value: number): string => String(value).padStart(2, '0')
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} m ${two(seconds % 60)} s`
  const minutes = Math.floor(seconds / 60)
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} m`
}

/** A number with its noun: 1 artifact, 3 artifacts. */
export const count = (number: number, one: string): string => `${number} ${one}${number === 1 ? '' : 's'}`

/** A status as people read it: "timed out". */
export const inWords = (status: string): string => status.toLowerCase().replaceAll('_', ' ')

/** The status of a session, after "is", for somebody who may have to do something about it. */
export const sessionInWords = (status: string): string => WAITING[status] ?? inWords(status)

const WAITING: Record<string, string> = {
  AWAITING_APPROVAL: 'waiting for approval of its plan',
  INTERRUPTED: 'waiting for an answer',
  CANCELING: 'being stopped',
  ROLLING_BACK: 'being rolled back',
}

/** Text of any origin as one line that cannot move the cursor or set colours. */
export function oneLine(text: string): string {
  // Tabs and line breaks become spaces; whatever else controls a terminal goes.
  return stripVTControlCharacters(text)
    .replace(/[\p{Zl}\p{Zp}\s]+/gu, ' ')
    .replace(/[\p{Cc}\p{Cf}]/gu, '')
    .trim()
}

/** The last line of a text that says something; undefined if none does. */
export function lastLine(text: string): string | undefined {
  return text
    .split(/[\r\n]+/)
    .map(oneLine)
    .findLast((line) => line !== '')
}
