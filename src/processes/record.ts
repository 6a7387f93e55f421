import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { z } from 'zod'

const processRecord = z.object({
  attemptId: z.string().min(1),
  bootId: z.string().nullable(),
  /** Null until the program has been started: a server that dies right then has left a marked process, or none. */
  root: z.object({ pid: z.int().min(2), started: z.string().optional() }).nullable(),
})

/** What a later server needs to find the processes of an attempt whose server was killed. */
export type ProcessRecord = z.infer<typeof processRecord>

/** Beside the attempt's folder, not in it, so that it is never taken for an artifact. */
const recordFile = (outputDir: string): string => `${resolve(outputDir)}.process.json`

/** Replaces the record in one step, so that a reader never sees half of one. */
export async function writeRecord(outputDir: string, record: ProcessRecord): Promise<void> {
  const file = recordFile(outputDir)
  await writeFile(`${file}.new`, JSON.stringify(record), { mode: 0o600 })
  await rename(`${file}.new`, file)
}

/** The record of an attempt, or undefined if there is none or it cannot be read. */
export async function readRecord(outputDir: string): Promise<ProcessRecord | undefined> {
  try {
    return processRecord.parse(JSON.parse(await readFile(recordFile(outputDir), 'utf8')))
  } catch {
    return undefined
  }
}

export async function removeRecord(outputDir: string): Promise<void> {
  await rm(recordFile(outputDir), { force: true })
  await rm(`${recordFile(outputDir)}.new`, { force: true })
}
