import type { Gate } from '../../core/gate.ts'
import { isTooDeep, type Json, MAX_DEPTH } from '../../core/json.ts'
import { readEntry } from '../../core/ledger/entry.ts'
import { mismatches } from '../../core/schema.ts'
import { plainText, shorten } from '../../processes/lines.ts'
import type { Work } from '../../runtime.ts'

/** What a model's last words have to be. */
export interface Form {
  /** JSON Schema of it; undefined: any words will do. */
  schema: Json | undefined
  /** What is wrong with an output, in sentences for the model. */
  problems(output: Json): string[]
}

/** What a judge has to say, as the gate JUDGE reads it. */
const VERDICT: Json = {
  type: 'object',
  properties: { verdict: { enum: ['ACCEPT', 'REJECT'] }, feedback: { type: 'string' } },
  required: ['verdict'],
}

const texts: Json = { type: 'array', items: { type: 'string' } }
/** What a manager has to say; `core/ledger` reads more closely. */
const LEDGER: Json = {
  type: 'object',
  properties: {
    satisfied: { type: 'boolean' },
    looping: { type: 'boolean' },
    progressing: { type: 'boolean' },
    next: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          key: { type: 'string' },
          title: { type: 'string' },
          description: { type: 'string' },
          capabilities: texts,
          dependsOn: texts,
          agent: { type: 'string' },
          optional: { type: 'boolean' },
        },
        required: ['key', 'title', 'description'],
      },
    },
    instruction: { type: 'string' },
    reasons: texts,
  },
  required: ['satisfied', 'looping', 'progressing', 'next', 'instruction', 'reasons'],
}

/** What the last words have to be, by what is wanted and by the gates that they have to pass. */
export function formOf({ wanted = 'RESULT', gates = [] }: Pick<Work, 'wanted' | 'gates'>): Form {
  if (wanted === 'VERDICT') return { schema: VERDICT, problems: verdictProblems }
  if (wanted === 'LEDGER') return { schema: LEDGER, problems: ledgerProblems }
  const schemas = gates.filter((gate): gate is Extract<Gate, { kind: 'SCHEMA' }> => gate.kind === 'SCHEMA')
  const [first, ...others] = schemas.map(({ schema }) => schema)
  return {
    schema: others.length === 0 ? first : { allOf: [first as Json, ...others] },
    problems: (output) => schemas.flatMap(({ schema }) => mismatches(output, schema)),
  }
}

function verdictProblems(output: Json): string[] {
  const problems = mismatches(output, VERDICT)
  if (problems.length > 0) return problems
  const { verdict, feedback = '' } = output as { verdict: string; feedback?: string }
  return verdict === 'REJECT' && feedback.trim() === '' ? ['"feedback" has to say what is missing'] : []
}

function ledgerProblems(output: Json): string[] {
  const read = readEntry(output)
  return 'problems' in read ? read.problems : []
}

/** The output that a model's last words are, and what is wrong with it. Words that need not be JSON stay words. */
export function readAnswer(text: string, { schema, problems }: Form): { output: Json; problems: string[] } {
  const found = schema === undefined ? whole(text) : jsonIn(text)
  const deep = `it is nested deeper than ${MAX_DEPTH} levels`
  if (found !== undefined && isTooDeep(found))
    return { output: text.trim(), problems: schema === undefined ? [] : [deep] }
  if (schema === undefined) return { output: found ?? text.trim(), problems: [] }
  if (found === undefined) return { output: text.trim(), problems: ['there is no JSON in it that can be read'] }
  return { output: found, problems: problems(found) }
}

/** The value that a text is as a whole, if it is an object or a list. */
function whole(text: string): Json | undefined {
  const value = parse(text)
  return typeof value === 'object' && value !== null ? value : undefined
}

/** The value that a text is or holds: all of it, its last fenced block, or what stands between the outermost brackets. */
function jsonIn(text: string): Json | undefined {
  const fenced = [...text.matchAll(/```(?:json)?\s*\n(.*?)\n\s*```/gs)].at(-1)?.[1] ?? ''
  const begin = text.search(/[[{]/)
  const end = Math.max(text.lastIndexOf('}'), text.lastIndexOf(']'))
  return parse(text) ?? parse(fenced) ?? (begin >= 0 && end > begin ? parse(text.slice(begin, end + 1)) : undefined)
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}

const MAX_SUMMARY = 500

/** One line of an output for a person: its own summary, a verdict, or its first line. */
export function summaryOf(output: Json): string {
  if (typeof output === 'object' && output !== null && !Array.isArray(output)) {
    const { summary, verdict, feedback } = output
    if (typeof summary === 'string' && summary.trim() !== '') return oneLine(summary)
    if (typeof verdict === 'string') return oneLine(typeof feedback === 'string' ? `${verdict}: ${feedback}` : verdict)
  }
  if (typeof output !== 'string') return oneLine(JSON.stringify(output))
  const line = output.split('\n').find((candidate) => /\p{L}|\p{N}/u.test(candidate)) ?? output
  return oneLine(line.replace(/^[#>*\-\s]+/, ''))
}

function oneLine(text: string): string {
  return shorten(plainText(text).replaceAll(/\s+/g, ' ').trim(), MAX_SUMMARY)
}
