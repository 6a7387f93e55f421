import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describeFile } from '../../files/describe.ts'
import { plainText, shorten } from '../../processes/lines.ts'
import type { Evidence, Outcome, ProducedFile } from '../../runtime.ts'
import type { WorkReport } from '../../store/offer.ts'

const LINE = 500

/**
 * What a worker's report means. Its files are written into the folder of the attempt.
 *
 * @param worker what it calls itself
 * @throws when a file cannot be written
 */
export async function outcomeOf(report: WorkReport, worker: string | null, outputDir: string): Promise<Outcome> {
  const { usage } = report
  const by: Evidence = { name: 'worker', kind: 'WORKER', passed: true, detail: { name: worker } }
  if (report.kind === 'ASK') {
    const { ask } = report
    return { kind: 'ASK', ask: { ...ask, question: oneLine(ask.question) }, usage }
  }
  if (report.kind === 'ERROR') {
    const { error } = report
    return { kind: 'ERROR', error: { ...error, message: oneLine(error.message) }, evidence: [by], usage }
  }
  const { output, evidence } = report
  if (isBlank(output) && report.files.length === 0 && evidence.length === 0) {
    const why = 'it left nothing: give completeWork an output, files or evidence'
    const ifChanged = { summary: oneLine(report.summary), output }
    return { kind: 'NOTHING', why, evidence: [by], usage, ifChanged }
  }
  const files: ProducedFile[] = []
  for (const { base64, ...file } of report.files) {
    const path = join(outputDir, file.name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, Buffer.from(base64, 'base64'), { flag: 'wx' })
    files.push({ ...describeFile(file.name), ...file })
  }
  const byName = files.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  return { kind: 'OK', summary: oneLine(report.summary), output, files: byName, evidence: [by, ...evidence], usage }
}

const isBlank = (output: unknown): boolean =>
  output === null || output === undefined || (typeof output === 'string' && output.trim() === '')

const oneLine = (text: string): string => shorten(plainText(text).replaceAll(/\s+/g, ' ').trim(), LINE)

/** An attempt that came to nothing although its worker has reported nothing. */
export const failed = (errorClass: 'CRASH' | 'UNAVAILABLE', message: string): Outcome => ({
  kind: 'ERROR',
  error: { class: errorClass, message },
  evidence: [],
  usage: {},
})
