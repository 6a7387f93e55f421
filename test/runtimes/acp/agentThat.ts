import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import type { z } from 'zod'
import type { Json } from '../../../src/core/json.ts'
import type { Work } from '../../../src/runtime.ts'
import { createAcpRuntime } from '../../../src/runtimes/acp.ts'
import type { acpDefinition, AcpLimits } from '../../../src/runtimes/acp.ts'
import type { Behaviour } from '../../contracts/runtime.suite.ts'
import { makeWork, perform } from '../../contracts/runtime.suite.ts'

export const fixture = join(import.meta.dirname, '../../fixtures/acp/agent.js')
export const environment = { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8', SECRET: 'of the server', WANTED: 'by one' }
export const limits = { cancelGraceMs: 500, killGraceMs: 300, lines: 3_000 }

/** What the fixture does when it is started with that word. */
export const BEHAVIOURS: readonly Behaviour[] = [
  'echo lines',
  'sleep',
  'ignore SIGTERM',
  'spawn grandchildren',
  'double fork daemon',
  'leave a daemon behind',
  'flood',
  'crash',
  'exit 3',
  'nothing',
]

export const folder = mkdtempSync(join(tmpdir(), 'tutti-acp-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

export type Definition = Partial<z.input<typeof acpDefinition>>
export type Step = Record<string, unknown>
export interface Given {
  open?: Json
  definition?: Definition
  limits?: Partial<AcpLimits>
  work?: Partial<Work>
  options?: Partial<Parameters<typeof createAcpRuntime>[0]>
}

/** A runtime with one agent, which does these steps; "$W" in them is the workspace. */
export function agentThat(steps: Step[], given: Given = {}) {
  const work: Work = { ...makeWork(folder), runtimeConfig: { acp: 'it' }, ...given.work }
  const script = JSON.stringify({ open: given.open ?? {}, steps }).replaceAll('$W', work.workspace)
  const runtime = createAcpRuntime({
    definitions: { it: { argv: [process.execPath, fixture, script], ...given.definition } },
    environment,
    limits: { ...limits, ...given.limits },
    ...given.options,
  })
  return { work, runtime }
}

export async function run(steps: Step[], given: Given = {}) {
  const { work, runtime } = agentThat(steps, given)
  return { work, ...(await perform(runtime, work)) }
}

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
export const edit = { tool: { kind: 'edit', title: 'Writing a.txt', path: '$W/a.txt', content: 'hello\n' } }
export const execute = {
  tool: { kind: 'execute', title: 'npm test', rawInput: { command: 'npm test' }, path: '$W/ran', content: 'x' },
}
