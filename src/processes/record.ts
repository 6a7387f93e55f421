import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { z } from 'zod'

/** What a later server needs to know of an attempt whose server was killed. */
export interface Records<T> {
  /** Replaces the record of an attempt in one step, so that a reader never sees half of one. */
  write(outputDir: string, record: T): Promise<void>
  /** The record of an attempt, or undefined if there is none or it cannot be read. */
  read(outputDir: string): Promise<T | undefined>
  remove(outputDir: string): Promise<void>
}

/** Records of one kind. They lie beside the attempt's folder, not in it, so that they are never taken for artifacts. */
export function recordsOf<T>(kind: string, shape: z.ZodType<T>): Records<T> {
  const fileOf = (outputDir: string): string => `${resolve(outputDir)}.${kind}.json`
  return {
    async write(outputDir, record) {
      const file = fileOf(outputDir)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(`${file}.new`, JSON.stringify(record), { mode: 0o600 })
      await rename(`${file}.new`, file)
    },
    async read(outputDir) {
      try {
        return shape.parse(JSON.parse(await readFile(fileOf(outputDir), 'utf8')))
      } catch {
        return undefined
      }
    },
    async remove(outputDir) {
      await rm(fileOf(outputDir), { force: true })
      await rm(`${fileOf(outputDir)}.new`, { force: true })
    },
  }
}

const processRecord = z.object({
  attemptId: z.string().min(1),
  bootId: z.string().nullable(),
  /** Null until the program has been started: a server that dies right then has left a marked process, or none. */
  root: z.object({ pid: z.int().min(2), started: z.string().optional() }).nullable(),
})

/** What finds the processes of an attempt. */
export const { write: writeRecord, read: readRecord, remove: removeRecord } = recordsOf('process', processRecord)
