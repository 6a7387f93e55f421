import { z } from 'zod'
import { recordsOf } from '../../processes/record.ts'

/** What calls off the task of an attempt. */
export const {
  write: writeRecord,
  read: readRecord,
  remove: removeRecord,
} = recordsOf('task', z.object({ agent: z.string().min(1), taskId: z.string().min(1) }))
