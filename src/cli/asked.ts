import type { Asked } from './interrupts.ts'
import type { Paint } from './render/paint.ts'
import { answering, type Typed } from './render/event-line.ts'
import { table } from './table.ts'
import { inWords, oneLine } from './words.ts'

/** Lines of what is shown; `--json` shows all. */
const SHOWN_LINES = 60

/** What can be answered, in a few words for whoever chooses. */
export const CHOICES: Record<string, string> = {
  APPROVE: 'yes, it may stand, or go on',
  REJECT: 'no; words are handed on as feedback',
  ANSWER: 'what was asked for',
  RAISE: 'new limits, by unit',
  RETRY: 'try it again',
  SKIP: 'leave it undone and go on',
  STOP: 'stop it',
}

/** Options that an answer needs beside its choice, as they are typed. */
const NEEDS: Record<string, string> = {
  REJECT: ' --text "<why>"',
  ANSWER: ' --text "<answer>"',
  RAISE: ` --data '{"TOKENS": {"hard": 20000}}'`,
}

/** One line for each that waits. */
export function askedTable(all: readonly Asked[], width: number | undefined): string[] {
  const rows = all.map((asked) => [
    asked.id.slice(0, 8),
    inWords(asked.kind),
    asked.createdAt.slice(0, 19).replace('T', ' '),
    asked.choices.map(inWords).join(', '),
    oneLine(`${asked.execution === null ? '' : `${asked.execution}: `}${asked.question}`),
    oneLine(asked.title),
  ])
  return table(['INTERRUPT', 'KIND', 'SINCE (UTC)', 'CHOICES', 'QUESTION', 'TASK'], rows, width)
}

/** All that a person has to know to be able to answer. */
export function askedInFull(asked: Asked, paint: Paint): string[] {
  const { kind, question, shown, execution, session, title, role, expiresAt, onExpiry } = asked
  const what = execution === null ? 'the session as a whole' : execution
  const lines = JSON.stringify(shown, null, 2).split('\n')
  const more = lines.length - SHOWN_LINES
  const safe = (line: string): string => `${/^ */.exec(line)?.[0] ?? ''}${oneLine(line)}`
  return [
    paint('bold', oneLine(question)),
    `${inWords(kind)} about ${what}, in session ${session} (${oneLine(title)})`,
    paint(
      'dim',
      `for ${inWords(role)} or admin; without an answer by ${expiresAt.slice(0, 16).replace('T', ' ')} UTC: ${inWords(onExpiry)}`,
    ),
    '',
    ...lines.slice(0, SHOWN_LINES).map((line) => `  ${safe(line)}`),
    ...(more > 0 ? [paint('dim', `  … ${more} more lines; --list --json shows all`)] : []),
    '',
  ]
}

/** The commands that answer it, one for each choice. */
export const answers = (asked: Asked, typed: Typed): string[] =>
  asked.choices.map((choice) => `  ${answering(asked, typed)} --choice ${choice}${NEEDS[choice] ?? ''}`)
