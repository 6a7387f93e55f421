import type { Json } from '../../core/json.ts'
import { lastLine, plainText, shorten } from '../../processes/lines.ts'
import type { Evidence, Outcome } from '../../runtime.ts'
import type { Remote } from './connect.ts'
import type { A2aLimits } from './definition.ts'
import { type Harvest, harvest } from './harvest.ts'
import { shownFor } from './message.ts'
import type { State, Told } from './told.ts'

const SUMMARY_LENGTH = 500
const QUESTION_LENGTH = 2_000
/** Characters of data that are shown with a question. */
const SHOWN_LENGTH = 6_000

/**
 * What a settled answer of a remote agent comes to. The state of its task decides, then what it has left; its words are
 * nobody's proof.
 *
 * @throws RemoteFailure if what it hands over cannot be had
 */
export async function outcomeOf(
  name: string,
  remote: Remote,
  told: Told,
  outputDir: string,
  options: { limits: A2aLimits; signal: AbortSignal },
): Promise<Outcome> {
  const words = oneLine(
    (told.words?.parts ?? []).map(({ content }) => (content?.$case === 'text' ? content.value : '')).join(' '),
  )
  const { state, task } = told
  const failed = failureFor(told)
  if (failed) {
    const [errorClass, what] = failed
    const message = `Remote agent "${name}" ${what}${words === '' ? '' : `: ${shorten(words, SUMMARY_LENGTH)}`}`
    const evidence = [evidenceOf(remote, told, [])]
    return { kind: 'ERROR', error: { class: errorClass, message }, evidence, usage: {} }
  }
  if (task && (state === 'INPUT_REQUIRED' || state === 'AUTH_REQUIRED')) {
    const kind = state === 'AUTH_REQUIRED' ? 'AUTH' : 'QUESTION'
    const question = shorten(
      words || `Remote agent "${name}" needs ${kind === 'AUTH' ? 'access' : 'an answer'}.`,
      QUESTION_LENGTH,
    )
    const waiting = { agent: name, taskId: task.id, contextId: task.contextId }
    const shown = shownFor(waiting, told.words?.parts ?? [])
    const isShort = JSON.stringify(shown).length <= SHOWN_LENGTH
    return { kind: 'ASK', ask: { kind, question, shown: isShort ? shown : shownFor(waiting, []) }, usage: {} }
  }
  const { fetch } = remote
  const left = await harvest(told, outputDir, { fetch, ...options })
  const evidence = [evidenceOf(remote, told, left.proofs)]
  if (isNothing(left)) {
    if (task) return { kind: 'NOTHING', why: 'it sent nothing: no words, no data, no artifact', evidence, usage: {} }
    // Only the state of a task says that it is done.
    const message = `Remote agent "${name}" answered with an empty message.`
    return { kind: 'ERROR', error: { class: 'EMPTY', message }, evidence, usage: {} }
  }
  const { files, data, text } = left
  const count = `${files.length} ${files.length === 1 ? 'file' : 'files'}`
  const summary = oneLine(words || lastLine(text, SUMMARY_LENGTH) || (files.length > 0 ? count : 'data'))
  const output = data ?? (text === '' ? null : plainText(text))
  return { kind: 'OK', summary: shorten(summary, SUMMARY_LENGTH), output, files, evidence, usage: {} }
}

/** Why a task cannot come to a result; undefined: it can. A task that was refused would be refused again. */
function failureFor({ state, task }: Told): ['AGENT' | 'VALIDATION', string] | undefined {
  if (!task) return undefined
  const failures: Partial<Record<State, ['AGENT' | 'VALIDATION', string]>> = {
    FAILED: ['AGENT', 'has failed'],
    CANCELED: ['AGENT', 'has called the task off by itself'],
    REJECTED: ['VALIDATION', 'does not take this on'],
  }
  return failures[state]
}

/** What was seen of the agent, as far as this server knows it by itself. */
function evidenceOf(
  { card, transport }: Remote,
  { task, state, states }: Told,
  artifacts: Harvest['proofs'],
): Evidence {
  const detail: Json = {
    agent: shorten(card.name, SUMMARY_LENGTH),
    version: card.version,
    transport,
    taskId: task?.id ?? null,
    contextId: task?.contextId ?? null,
    states: [...states],
    artifacts: artifacts.map((artifact) => ({ ...artifact })),
  }
  return { name: 'remote task', kind: 'A2A_TASK', passed: !task || state === 'COMPLETED', detail }
}

function isNothing({ files, data, text }: Harvest): boolean {
  if (files.length > 0 || text.trim() !== '') return false
  if (data === undefined || data === null || data === '') return true
  return typeof data === 'object' && Object.keys(data).length === 0
}

const oneLine = (text: string): string => plainText(text).replaceAll(/\s+/g, ' ').trim()
