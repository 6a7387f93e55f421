import { cut } from '../../core/cut.ts'
import type { Gate } from '../../core/gate.ts'
import { hash } from '../../core/hash.ts'
import type { Json } from '../../core/json.ts'
import { plainText } from '../../processes/lines.ts'
import type { Work } from '../../runtime.ts'
import type { Expectation } from './definition.ts'

/** Characters of one piece of material, and of all of them. */
const MAX_PIECE = 40_000
const MAX_PIECES = 400_000

/**
 * Tells a model its part: what to do, what the result has to pass, and then all that others have said, marked as material.
 *
 * @param schema JSON Schema of the answer; undefined: any words will do
 */
export function brief(work: Work, expects: Expectation, schema: Json | undefined): string {
  const { task, title, description, wanted = 'RESULT', gates = [] } = work
  const sections = [
    `# The whole task\n\n${headed(task.title, task.description)}`,
    `# Your part\n\n${headed(title, description)}`,
    ...(wanted === 'RESULT'
      ? listOf('# What your result has to pass', [...gateWords(gates), ...EXPECTED[expects]])
      : []),
    ...(schema === undefined ? [] : [answerWords(schema)]),
    ...material(work),
  ]
  return sections.join('\n\n')
}

const EXPECTED: Record<Expectation, string[]> = {
  CHANGES: ['Files of the workspace have changed: it is looked at, and an answer without changes is refused.'],
  ACTIONS: ['You have run something: it is looked at, and an answer without that is refused.'],
  ANSWER: [],
}

function answerWords(schema: Json): string {
  return `# What your answer has to be\n\nOne JSON value and nothing else, without a fence around it, that fits this JSON Schema:\n\n${JSON.stringify(schema)}`
}

function headed(title: string, text: string): string {
  return text.trim() === '' || text.trim() === title.trim() ? title : `${title}\n\n${text}`
}

function listOf(heading: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${heading}\n\n${lines.map((line) => `- ${line}`).join('\n')}`]
}

function gateWords(gates: readonly Gate[]): string[] {
  return gates.map((gate) => {
    if (gate.kind === 'SCHEMA') return 'Your answer fits a JSON Schema, see below.'
    if (gate.kind === 'COMMAND')
      return `The program "${gate.command}" of the operator's, run in the workspace, ends with 0.`
    if (gate.kind === 'TEST_REPORT') {
      return `A test report shows at least ${gate.minPassed} tests that passed and at most ${gate.maxFailed} that failed.`
    }
    if (gate.kind === 'FILES') {
      const { exist = [], changed = [] } = gate
      return [
        ...(exist.length > 0 ? [`These files exist: ${exist.join(', ')}.`] : []),
        ...(changed.length > 0 ? [`These have changed: ${changed.join(', ')}.`] : []),
      ].join(' ')
    }
    if (gate.kind === 'EVIDENCE') return `There is evidence: ${JSON.stringify(gate)}.`
    if (gate.kind === 'JUDGE') return `A judge finds these criteria met: ${gate.criteria}`
    return `A person approves: ${gate.question}`
  })
}

/** What others have said, each piece between marks that it cannot contain. */
function material(work: Work): string[] {
  const { input, upstream, feedback, replies, notes, crew } = work
  const pieces: { name: string; lead: string; value: Json }[] = [
    ...(input === null ? [] : [{ name: 'input', lead: 'The input of your part:', value: input }]),
    ...(crew ? [{ name: 'crew', lead: 'Whom and how much you may delegate:', value: crew as unknown as Json }] : []),
    ...upstream.map((result) => ({
      name: `result of ${result.key}`,
      lead: 'What an earlier part has brought:',
      value: resultOf(result),
    })),
    ...feedback.map((item) => ({
      name: `rejection ${item.attempt}`,
      lead: 'An earlier result of this part was rejected. See to it that this does not happen again:',
      value: item,
    })),
    ...replies.map(({ question, text, data }) => ({
      name: 'reply',
      lead: 'A person was asked about this part, and answered:',
      value: { question, text, data },
    })),
    ...notes.map((note) => ({
      name: 'note',
      lead: 'A person told this session while it ran; take it into account as far as it concerns your part:',
      value: note,
    })),
  ]
  const texts = pieces.map(({ value }) => plainText(typeof value === 'string' ? value : JSON.stringify(value, null, 1)))
  // Nobody can write the mark into a piece beforehand: it follows from all of them and from the attempt.
  const mark = `data-${hash([work.attemptId, ...texts]).slice(0, 12)}`
  let room = MAX_PIECES
  return pieces.map(({ name, lead }, index) => {
    const shown = cut(texts[index] as string, Math.max(100, Math.min(MAX_PIECE, room)))
    room -= shown.length
    return `${lead}\n<${mark} name=${JSON.stringify(name)}>\n${shown}\n</${mark}>`
  })
}

function resultOf({ key, title, agent, status, summary, output, error, artifacts }: Work['upstream'][number]): Json {
  const left = artifacts.map(({ id, name, mediaType, size }) => ({ id, name, mediaType, size }))
  return { key, title, agent, status, summary, output, error: error && { ...error }, artifacts: left }
}
