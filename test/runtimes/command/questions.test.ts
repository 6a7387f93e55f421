import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { Outcome } from '../../../src/runtime.ts'
import { createCommandRuntime } from '../../../src/runtimes/command.ts'
import { makeWork, perform } from '../../contracts/runtime.suite.ts'

const folder = mkdtempSync(join(tmpdir(), 'tutti-questions-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Runs a program that leaves this as result.json and ends with this exit code. */
async function leaving(document: object, exitCode = 0): Promise<Outcome> {
  const script = `printf %s "$1" > "$TUTTI_OUTPUT_DIR/result.json"; exit ${exitCode}`
  const runtime = createCommandRuntime({
    commands: { it: { argv: ['sh', '-c', script, 'sh', JSON.stringify(document)] } },
    environment: process.env,
  })
  return (await perform(runtime, { ...makeWork(folder), runtimeConfig: { command: 'it' } })).outcome
}

describe('a question in result.json', () => {
  it('for access needs nothing to show', async () => {
    const outcome = await leaving({ ask: { kind: 'AUTH', question: 'May I push\nto main?' } })
    expect(outcome).toMatchObject({ kind: 'ASK', ask: { kind: 'AUTH', question: 'May I push to main?', shown: null } })
  })

  it('is none if the program failed', async () => {
    const outcome = await leaving({ ask: { kind: 'QUESTION', question: 'Why?' } }, 1)
    expect(outcome).toMatchObject({ kind: 'ERROR', error: { class: 'AGENT' } })
  })

  it.each([
    ['of another kind', { ask: { kind: 'BUDGET', question: 'More?' } }, 'ask.kind:'],
    ['without words', { ask: { kind: 'QUESTION', question: ' ' } }, 'ask.question:'],
    ['that is too long', { ask: { kind: 'QUESTION', question: 'x'.repeat(501) } }, 'ask.question:'],
    ['beside a result', { ask: { kind: 'QUESTION', question: 'Which?' }, summary: 'done', output: 1 }, '"summary"'],
    ['that used less than nothing', { ask: { kind: 'AUTH', question: 'May I?' }, usage: { cost: -1 } }, 'usage.cost:'],
  ])('%s is refused, with the shape that it must have', async (_, document, says) => {
    const outcome = await leaving(document)
    expect(outcome).toMatchObject({ kind: 'ERROR', error: { class: 'AGENT', message: expect.stringContaining(says) } })
    expect(outcome).toMatchObject({ error: { message: expect.stringContaining('{ask: {kind: "QUESTION" or "AUTH"') } })
  })
})
