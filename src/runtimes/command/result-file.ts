import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { ErrorClass } from '../../core/retry.ts'
import type { Json } from '../../core/json.ts'
import { plainText, shorten } from '../../processes/lines.ts'

/** The name in the output folder that is a program's answer instead of an artifact. */
export const RESULT_FILE = 'result.json'

const SUMMARY_LENGTH = 500
const MAX_DEPTH = 100

/** A result that cannot be taken. The message says what is wrong, where, and what to do. */
export class BadResult extends Error {
  readonly errorClass: ErrorClass

  constructor(errorClass: ErrorClass, message: string) {
    super(message)
    this.name = 'BadResult'
    this.errorClass = errorClass
  }
}

/** Already JSON, because it was parsed from it. */
const json = z.custom<Json>((value) => value !== undefined, 'is missing')

/** What the program says that it used; nothing else knows. */
const usage = z
  .strictObject({
    inputTokens: z.int().min(0).exactOptional(),
    outputTokens: z.int().min(0).exactOptional(),
    /** US dollars. */
    cost: z.number().min(0).exactOptional(),
  })
  .default({})

const result = z.strictObject({
  /** One line for a person. */
  summary: z.string().trim().min(1),
  output: json,
  evidence: z
    .array(
      z.strictObject({
        name: z.string().trim().min(1).max(200),
        // A gate may ask for an exit code that has passed: nobody's word stands in for it.
        kind: z
          .string()
          .trim()
          .min(1)
          .max(50)
          .refine((kind) => kind !== 'EXIT_CODE', 'is told by the server alone'),
        passed: z.boolean(),
        detail: json.default(null),
      }),
    )
    .default([]),
  /** What is known of files in the output folder beyond what their names say. */
  artifacts: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        kind: z.enum(['FILE', 'PATCH', 'REPORT', 'JSON']).optional(),
        mediaType: z
          .string()
          .regex(/^[\w.+-]+\/[\w.+-]+(;.*)?$/, 'is not a media type such as text/plain')
          .optional(),
      }),
    )
    .default([]),
  usage,
})

/** It cannot go on without a person. */
const question = z.strictObject({
  ask: z.strictObject({
    /** QUESTION: it wants to know something. AUTH: it needs access. */
    kind: z.enum(['QUESTION', 'AUTH']),
    question: z.string().trim().min(1).max(SUMMARY_LENGTH),
    /** What the person has to see to be able to answer. */
    shown: json.default(null),
  }),
  usage,
})

type Result = z.infer<typeof result>
export type ResultFile = Result | z.infer<typeof question>
export type DescribedFile = Result['artifacts'][number]

/**
 * What a program left as result.json, or undefined if it left none.
 *
 * @param maxBytes the largest file that is read
 * @throws BadResult AGENT for what is not a valid result, TOO_LARGE beyond `maxBytes`
 */
export async function readResultFile(outputDir: string, maxBytes: number): Promise<ResultFile | undefined> {
  const text = await readText(join(outputDir, RESULT_FILE), maxBytes)
  if (text === undefined) return undefined
  const document = parse(text)
  // Told apart before they are checked, so that what is wrong is told of the one that was meant.
  const asks = typeof document === 'object' && document !== null && 'ask' in document
  const checked = (asks ? question : result).safeParse(document)
  if (checked.success) return inOneLine(checked.data)
  const problems = checked.error.issues.slice(0, 5).map((issue) => `${pathText(issue.path)} ${issue.message}`)
  throw new BadResult(
    'AGENT',
    `${RESULT_FILE} is not a ${asks ? 'question' : 'result'}: ${shorten(problems.join('; '), 1_000)}. It must be ${asks ? SHAPES.question : SHAPES.result}.`,
  )
}

const SHAPES = {
  result: '{summary, output, evidence?, artifacts?, usage?}',
  question: '{ask: {kind: "QUESTION" or "AUTH", question, shown?}, usage?}',
}

function inOneLine(file: ResultFile): ResultFile {
  if (!('ask' in file)) return { ...file, summary: oneLine(file.summary) }
  return { ...file, ask: { ...file.ask, question: oneLine(file.ask.question) } }
}

/** Text for a person in one line. */
export function oneLine(text: string): string {
  return shorten(plainText(text).replaceAll(/\s+/g, ' ').trim(), SUMMARY_LENGTH)
}

async function readText(file: string, maxBytes: number): Promise<string | undefined> {
  // A symbolic link is not followed, and a pipe does not make us wait.
  const opened = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
      const why = error.code === 'ELOOP' ? 'is a symbolic link' : `cannot be read (${error.code ?? error.message})`
      throw new BadResult('AGENT', `${RESULT_FILE} ${why}; write a regular file.`)
    },
  )
  if (!opened) return undefined
  try {
    const { size, ...stats } = await opened.stat().then((found) => ({ size: found.size, regular: found.isFile() }))
    if (!stats.regular) throw new BadResult('AGENT', `${RESULT_FILE} is not a regular file; write one.`)
    if (size > maxBytes) {
      const advice = 'Leave large results as other files in TUTTI_OUTPUT_DIR: they become artifacts.'
      throw new BadResult('TOO_LARGE', `${RESULT_FILE} has ${size} bytes, the limit is ${maxBytes}. ${advice}`)
    }
    return await opened.readFile('utf8')
  } finally {
    await opened.close()
  }
}

function parse(text: string): Json {
  let value: Json
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, '')) as Json
  } catch (error) {
    throw new BadResult('AGENT', `${RESULT_FILE} is not JSON: ${shorten((error as Error).message, 300)}`)
  }
  return storable(value, 0)
}

/** The same value as far as PostgreSQL's jsonb can hold it: no NUL, no half characters, no numbers beyond a double. */
function storable(value: Json, depth: number): Json {
  if (depth > MAX_DEPTH) {
    throw new BadResult('AGENT', `${RESULT_FILE} is nested deeper than ${MAX_DEPTH} levels; write it flatter.`)
  }
  if (typeof value === 'string') return storableText(value)
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new BadResult('AGENT', `${RESULT_FILE} holds a number that is too large; write it as a string.`)
  }
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((item) => storable(item, depth + 1))
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [storableText(key), storable(item, depth + 1)]))
}

function storableText(text: string): string {
  return text.replaceAll('\0', '').toWellFormed()
}

function pathText(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'the document:'
  return `${path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '')}:`
}
