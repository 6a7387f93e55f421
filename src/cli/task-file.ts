import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { AGGREGATES, FAILURE_POLICIES, PATTERNS } from '../core/plan.ts'
import { Failure } from './failure.ts'
import { oneLine } from './words.ts'

const part = z.looseObject({ key: z.string(), title: z.string(), dependsOn: z.array(z.string()).optional() })

/** The members that a file may have, and the shape of what most mistakes are made in; the server checks all of it. */
const taskFile = z.strictObject({
  task: z.looseObject({
    title: z.string().trim().min(1),
    description: z.string().optional(),
    subTasks: z.array(part).optional(),
  }),
  pattern: z.enum(['AUTO', ...PATTERNS]).optional(),
  aggregate: z.enum(AGGREGATES).optional(),
  votes: z.int().optional(),
  onFailure: z.enum(FAILURE_POLICIES).optional(),
  quorum: z.int().optional(),
  items: z.looseObject({ list: z.array(z.json()) }).optional(),
  manager: z.looseObject({}).optional(),
  policy: z.looseObject({}).optional(),
  budget: z.looseObject({}).optional(),
  limits: z.looseObject({}).optional(),
})

/** What startOrchestration takes, but for the project and the idempotency key. */
export type TaskFile = z.infer<typeof taskFile>

/**
 * Reads a task from a JSON file.
 *
 * @throws Failure that says what is wrong where
 */
export const readTask = (path: string): Promise<TaskFile> => read(path, taskFile)

/**
 * Reads changes of a plan from a JSON file: a list of what forkSession takes as edits.
 *
 * @throws Failure that says what is wrong where
 */
export const readEdits = (path: string): Promise<object[]> => read(path, z.array(z.looseObject({})).min(1))

async function read<Value>(path: string, shape: z.ZodType<Value>): Promise<Value> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Failure(`${path} cannot be read: ${error.code === 'ENOENT' ? 'there is no such file' : error.message}.`)
  })
  let document: unknown
  try {
    document = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    throw new Failure(`${path} is no JSON: ${oneLine((error as Error).message)}`)
  }
  const checked = shape.safeParse(document)
  if (checked.success) return checked.data
  const problems = checked.error.issues.map(({ path: at, message }) => `  ${at.join('.') || 'the file'}: ${message}`)
  throw new Failure(`${path} cannot be used:\n${problems.join('\n')}`)
}
