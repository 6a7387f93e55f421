import { answeredBefore, begin } from './begin.ts'
import type { StartInput, StartResult } from './coordinator.ts'
import { checkInputs, prepare } from './prepare.ts'
import type { Tools } from './tools.ts'

/** Analyses, decomposes, plans and begins a task: see `Coordinator.start`. */
export async function start(parts: Tools, input: StartInput): Promise<StartResult> {
  const { idempotencyKey, ...rest } = input
  const problems = 'id' in input.task ? [] : checkInputs(input.task)
  if (problems.length > 0) return { kind: 'INVALID', problems }
  const idempotency = idempotencyKey && { operation: 'startOrchestration', key: idempotencyKey, input: rest }
  const answered = idempotency ? await answeredBefore(parts, idempotency) : undefined
  if (answered) return answered
  const prepared = await prepare(parts, input)
  if (prepared.kind !== 'PREPARED') return prepared
  const { newId } = parts
  const { projectId, task, pattern, plan, limits, policy, budget, analysis } = prepared
  const taskId = prepared.taskId ?? newId()
  const { title, description, priority = 0, capabilities = [], subTasks = [] } = task
  const row = { id: taskId, projectId, title, description, priority, capabilities, subTasks }
  return begin(parts, {
    opening: { id: newId(), projectId, taskId, pattern, priority, plan, limits, policy, budget },
    analysis,
    ...(!prepared.taskId && { task: { ...row, ...(task.input !== undefined && { input: task.input }) } }),
    ...(idempotency && { idempotency }),
  })
}
