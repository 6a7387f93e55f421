import { resolve, sep } from 'node:path'
import { isTooDeep, type Json, MAX_DEPTH, wellFormed, wellFormedText } from '../core/json.ts'
import type { Report } from '../core/attempt.ts'
import type { Outcome, ProducedFile } from '../runtime.ts'
import type { ArtifactRow } from '../store/write.ts'
import type { Parts } from './parts.ts'

/** Characters of JSON that an output may have. Runtimes have limits of their own, which tell sooner. */
const MAX_OUTPUT = 2_097_152

/**
 * Keeps what an attempt left behind.
 *
 * @throws when a file cannot be kept, with its name
 */
export async function keepFiles(
  parts: Parts,
  where: { sessionId: string; executionId: string; attemptId: string },
  outputDir: string,
  files: readonly ProducedFile[],
): Promise<ArtifactRow[]> {
  const rows: ArtifactRow[] = []
  for (const { name, kind, mediaType } of files) {
    const path = resolve(outputDir, name)
    if (!path.startsWith(outputDir + sep)) throw new Error(`a runtime named a file outside of its folder: ${name}`)
    const { sha256, size } = await parts.artifacts.keep(path).catch((cause: Error) => {
      throw new Error(`the file ${name} cannot be kept: ${cause.message}`, { cause })
    })
    const createdAt = new Date(parts.now()).toISOString()
    rows.push({ id: parts.newId(), ...where, name: wellFormedText(name), kind, mediaType, size, sha256, createdAt })
  }
  return rows
}

/** What the state machine is told of an outcome. */
export function reportOf(outcome: Outcome, kept: readonly ArtifactRow[]): Report {
  const usage = { ...outcome.usage }
  if (outcome.kind === 'ASK') return askOf(outcome.ask, usage)
  if (outcome.kind === 'CANCELED') return { kind: 'CANCELED', usage }
  if (outcome.kind === 'TIMEOUT') return { kind: 'TIMEOUT', timeout: outcome.timeout, usage }
  const told = outcome.evidence.map((item) => ({ ...item }))
  if (isTooDeep(told) || (outcome.kind === 'OK' && isTooDeep(outcome.output))) {
    const message = `the result is nested deeper than ${MAX_DEPTH} levels: write it flatter`
    return { kind: 'ERROR', error: { class: 'VALIDATION', message }, evidence: [], usage }
  }
  const evidence = wellFormed(told)
  if (outcome.kind === 'ERROR') {
    const { class: errorClass, message } = outcome.error
    return { kind: 'ERROR', error: { class: errorClass, message: wellFormedText(message) }, evidence, usage }
  }
  if (outcome.kind === 'NOTHING') return { kind: 'NOTHING', why: wellFormedText(outcome.why), evidence, usage }
  const { summary, output } = outcome
  const characters = JSON.stringify(output).length
  if (characters > MAX_OUTPUT) {
    const message = `the output has ${characters} characters, the limit is ${MAX_OUTPUT}: leave it as a file`
    return { kind: 'ERROR', error: { class: 'TOO_LARGE', message }, evidence, usage }
  }
  return {
    kind: 'OK',
    output: wellFormed(output),
    summary: wellFormedText(summary),
    evidence,
    artifacts: kept.length,
    files: kept.map(({ name, sha256 }) => ({ name, sha256 })),
    usage,
  }
}

/** Characters that a question may have. */
const MAX_QUESTION = 10_000

function askOf({ kind, question, shown }: Extract<Outcome, { kind: 'ASK' }>['ask'], usage: Json): Report {
  const characters = JSON.stringify(shown).length + question.length
  if (question.trim() === '' || characters > MAX_QUESTION || isTooDeep(shown)) {
    const message = `a question needs words, at most ${MAX_QUESTION} characters with what is shown`
    return { kind: 'ERROR', error: { class: 'AGENT', message }, evidence: [], usage }
  }
  // Whoever is asked is shown something, be it nothing.
  return { kind: 'ASK', ask: { kind, question: wellFormedText(question), shown: wellFormed(shown ?? {}) }, usage }
}
