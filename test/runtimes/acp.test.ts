import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { createAcpRuntime } from '../../src/runtimes/acp.ts'
import type { Behaviour } from '../contracts/runtime.suite.ts'
import { runtimeSuite } from '../contracts/runtime.suite.ts'

const fixture = join(import.meta.dirname, '../fixtures/acp/agent.js')
const BEHAVIOURS: readonly Behaviour[] = [
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
const environment = { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8', SECRET: 'of the server', WANTED: 'by one' }
const limits = { cancelGraceMs: 500, killGraceMs: 300, lines: 3_000 }

runtimeSuite('acp runtime', () => ({
  runtime: createAcpRuntime({
    definitions: Object.fromEntries(
      BEHAVIOURS.map((behaviour) => [behaviour, { argv: [process.execPath, fixture, behaviour] }]),
    ),
    environment,
    limits,
  }),
  agent: (behaviour) => (BEHAVIOURS.includes(behaviour) ? { acp: behaviour } : undefined),
  graceMs: limits.cancelGraceMs + limits.killGraceMs,
  lines: limits.lines,
  startMs: 3_000,
  cancels: 40,
}))

const folder = mkdtempSync(join(tmpdir(), 'tutti-acp-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
