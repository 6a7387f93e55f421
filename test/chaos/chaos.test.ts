import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, inject, it } from 'vitest'
import type { ChaosReport } from './chaos.ts'
import { FAULTS } from './faults.ts'

const SCRIPT = fileURLToPath(new URL('../../scripts/chaos.ts', import.meta.url))
const isInstalled = inject('postgresUrl') !== undefined && inject('redisProgram') !== undefined

describe.skipIf(!isInstalled)('three servers around which everything fails', () => {
  it('lose nothing, accept nothing twice, and leave no gap in any order of events: one fault of each kind', async () => {
    // How soon they catch up is for a machine that does nothing else.
    const args = ['--kills', '1', '--executions', '40', '--within', '30000', '--json']
    // What it tells of broken promises on stderr comes with the failure.
    const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT, ...args], { timeout: 150_000 })
    const report = JSON.parse(stdout) as ChaosReport
    expect(report.hits.map(({ kind }) => kind).toSorted()).toEqual(FAULTS.toSorted())
    for (const { running } of report.hits) expect(running.length).toBeGreaterThan(0)
    expect(report).toMatchObject({ broken: [], lost: { sessions: 0, executions: 0 }, acceptedTwice: 0 })
    expect(report.executions).toBeGreaterThanOrEqual(40)
  }, 160_000)
})
