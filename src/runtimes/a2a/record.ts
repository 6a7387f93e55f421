import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { z } from 'zod'

const recordShape = z.object({ agent: z.string().min(1), taskId: z.string().min(1) })

/** What a later server needs to call off the task of an attempt whose server was killed. */
export type TaskRecord = z.infer<typeof recordShape>

/** Beside the attempt's folder, not in it, so that it is never taken for an artifact. */
const recordFile = (outputDir: string): string => `${resolve(outputDir)}.task.json`

/** Replaces the record in one step, so that a reader never sees half of one. */
export async function writeRecord(outputDir: string, record: TaskRecord): Promise<void> {
  const file = recordFile(outputDir)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(`${file}.new`, JSON.stringify(record), { mode: 0o600 })
  await rename(`${file}.new`, file)
}

/** The record of an attempt, or undefined if there is none or it cannot be read. */
export async function readRecord(outputDir: string): Promise<TaskRecord | undefined> {
  try {
    return recordShape.parse(JSON.parse(await readFile(recordFile(outputDir), 'utf8')))
  } catch {
    return undefined
  }
}

export async function removeRecord(outputDir: string): Promise<void> {
  await rm(recordFile(outputDir), { force: true })
  await rm(`${recordFile(outputDir)}.new`, { force: true })
}
