import pino from 'pino'
import { v7 as uuid } from 'uuid'
import { describe, expect, it } from 'vitest'
import { memoryBus } from '../../src/buses/memory.ts'
import { analyze } from '../../src/core/analysis.ts'
import { decompose } from '../../src/core/decompose.ts'
import { compile, DEFAULT_COMPILE } from '../../src/core/pattern.ts'
import { DEFAULT_LIMITS } from '../../src/core/state.ts'
import { open, step } from '../../src/core/step.ts'
import { createStore } from '../../src/store/store.ts'
import type { Transition } from '../../src/store/write.ts'
import { DATABASES, freshDatabase } from '../database.ts'

describe.each(DATABASES)('the store, on %s', (kind) => {
  it('makes a session once, with its task: whoever comes second is told that it is there', async () => {
    const database = await freshDatabase(kind)
    const bus = memoryBus()
    const store = createStore({ database, bus, log: pino({ level: 'silent' }), newId: uuid })
    const [projectId, taskId, id] = [uuid(), uuid(), uuid()]
    await database.prisma.project.create({ data: { id: projectId, name: 'p', workspace: '/' } })
    const words = { title: 't', description: '' }
    const beginning = (): Transition => {
      const plan = compile([{ ...words, key: 'a', capabilities: [], dependsOn: [] }], 'SEQUENTIAL', DEFAULT_COMPILE)
      const common = { projectId, taskId, pattern: 'SEQUENTIAL', priority: 0, plan, limits: DEFAULT_LIMITS } as const
      const opened = open({ id, ...common }, Date.now())
      const planned = step(opened.state, { type: 'PLAN', executionIds: { a: uuid() } }, Date.now())
      const before = { ...opened.state, version: 0, seq: 0, executions: {} }
      return { before, after: planned.state, steps: [opened, planned], analysis: analyze(words, decompose(words)) }
    }
    const first = beginning()
    const task = { id: taskId, projectId, ...words, priority: 0, capabilities: [], subTasks: [] }
    expect(await store.create(first, { task })).toEqual({ kind: 'NEW' })
    expect(await store.create(beginning(), {})).toEqual({ kind: 'SAME', subjectId: id })
    expect(await store.session(id)).toEqual(first.after)
    await bus.close()
  })
})
