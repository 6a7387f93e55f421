import { setTimeout as pause } from 'node:timers/promises'
import { afterAll } from 'vitest'
import type { Work } from '../../src/runtime.ts'
import { createA2aRuntime } from '../../src/runtimes/a2a.ts'
import { type Behaviour, runtimeSuite } from '../contracts/runtime.suite.ts'
import { openAgents, type Script, type Tell } from '../fixtures/a2a/agents.ts'
import { dataPart, rawPart, textPart } from '../fixtures/a2a/parts.ts'

const agents = await openAgents()
afterAll(() => agents.close())

/** Says that it is ready and waits until it is told to stop. */
const sleep: Script = async ({ status, canceled }) => {
  status('TASK_STATE_WORKING', textPart('ready'))
  await pause(60_000, undefined, { signal: canceled, ref: false }).catch(() => {})
}

/** Tells lines without keeping them, unlike the server of the library, whose tasks grow with each. */
const told: Partial<Record<Behaviour, Tell>> = {
  async 'echo lines'({ status }) {
    for (let line = 1; line <= 2_000; line++) await status('TASK_STATE_WORKING', textPart(`${line}`))
    await status('TASK_STATE_COMPLETED', dataPart('echoed'))
  },
}

const scripts: Partial<Record<Behaviour, Script>> = {
  'ok with result'({ status, artifact, data }) {
    const { title, input } = data as { title: string; input: unknown }
    artifact('result', [dataPart({ work: { title, input } })])
    status('TASK_STATE_COMPLETED', textPart(`did ${title}`))
  },
  sleep,
  nothing: ({ status }) => status('TASK_STATE_COMPLETED'),
  'never reads stdin': ({ status }) => status('TASK_STATE_COMPLETED', textPart('stdin is not for me')),
  'artifacts with symlink'({ artifact, status }) {
    artifact('source', [rawPart('export {}', 'code.ts')])
    artifact('data.json', [rawPart('{}', 'data.json')])
    artifact('patches', [rawPart('--- a', 'deep/er/fix.patch')])
    artifact('report.md', [textPart('# Report', '', 'text/markdown')])
    status('TASK_STATE_COMPLETED')
  },
}
for (const [name, script] of Object.entries(scripts)) agents.add(name.replaceAll(' ', '-'), script)
for (const [name, tell] of Object.entries(told)) agents.stream(name.replaceAll(' ', '-'), tell)
const known = [...Object.keys(scripts), ...Object.keys(told)]

// As long as a busy machine may take to say which task has begun.
const limits = { cancelMs: 10_000, lines: 3_000, pollMs: 20, retryMs: 20 }

runtimeSuite('a2a runtime', () => ({
  runtime: createA2aRuntime({
    definitions: Object.fromEntries(
      known.map((name) => [name, { card: agents.card(name.replaceAll(' ', '-')), allowPrivate: ['127.0.0.1'] }]),
    ),
    environment: {},
    limits,
  }),
  agent: (behaviour) => (known.includes(behaviour) ? { a2a: behaviour } : undefined),
  graceMs: limits.cancelMs,
  lines: limits.lines,
  running: ({ attemptId }: Work) => agents.running(attemptId),
  tellsEvidence: false,
}))
