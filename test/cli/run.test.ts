import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { TOGETHER_MS } from '../../src/cli/interrupt.ts'
import { answerIn, endOf, folderWith, processesWith, tutti, unique, WORKER } from './tutti.ts'

describe.concurrent('tutti run without a server', () => {
  it('has a task done by the agents that come with it and keeps what they made', async () => {
    const repository = folderWith({
      'package.json': JSON.stringify({ name: 'tiny', type: 'module', scripts: { test: 'node --test' } }),
      'sum.js': 'export const sum = (a, b) => a + b\n',
      'sum.test.js': `import assert from 'node:assert'
import { test } from 'node:test'
import { sum } from './sum.js'
test('adds', () => assert.equal(sum(1, 2), 3))
`,
    })
    const run = tutti(repository, 'run', 'Analyse the structure and run the tests', '--json', '--out', 'results')
    const { stdout, stderr } = await endOf(run, 0)
    const { session, executions, report, folder } = answerIn(stdout)
    expect(session).toMatchObject({ status: 'SUCCEEDED', reason: null })
    expect(folder).toBe(join(repository, 'results'))
    expect(executions.map(({ key, status, attempts, error }) => ({ key, status, attempts, error }))).toEqual(
      executions.map(({ key }) => ({ key, status: 'ACCEPTED', attempts: 1, error: null })),
    )
    const artifacts = executions.flatMap((execution) => execution.artifacts)
    expect(artifacts.length).toBeGreaterThan(1)
    for (const { path, size, sha256 } of artifacts) {
      const bytes = readFileSync(path ?? '')
      expect([bytes.length, createHash('sha256').update(bytes).digest('hex')]).toEqual([size, sha256])
    }
    expect(report).toBe(join(repository, 'results', 'report.md'))
    expect(readFileSync(report ?? '', 'utf8')).toMatch(/^# /)
    expect(stderr).toMatch(/\+\d+\.\ds +report accepted/)
    expect(stderr).not.toContain('\u001B')
    // The data directory is nothing to commit.
    expect(readFileSync(join(repository, '.tutti/.gitignore'), 'utf8')).toBe('*\n')
  })

  it('cancels with Ctrl-C, waits for the end, ends with 130 and leaves no process behind', async () => {
    const argument = unique()
    const repository = folderWith({ ...WORKER, 'work.sh': `echo busy; sleep ${argument} & wait` })
    const run = tutti(repository, 'run', 'Do the work', '--no-report', '--json')
    await run.says(/\| busy/)
    expect(processesWith(argument)).not.toEqual([])
    // npm and the terminal both pass it on.
    run.child.kill('SIGINT')
    run.child.kill('SIGINT')
    const { stdout, stderr } = await endOf(run, 130)
    expect(answerIn(stdout)).toMatchObject({
      session: { status: 'CANCELED', reason: 'canceled with Ctrl-C' },
      executions: [{ status: 'CANCELED' }],
    })
    expect(stderr).toContain('Ctrl-C again leaves at once')
    expect(processesWith(argument)).toEqual([])
  })

  it('is refused when no agent says that it can do it, for success would be a lie', async () => {
    const run = tutti(folderWith({}), 'run', 'Bake a cake and drive it to Hamburg', '--json')
    const { stdout, stderr } = await endOf(run, 1)
    expect(stdout).toBe('')
    expect(stderr).toContain('"bake-cake": No agent says that it can do this.')
  })

  it('leaves at once with a second Ctrl-C; the next start cleans up after it', async () => {
    const argument = unique()
    const repository = folderWith({
      // In a sandbox nothing would be left.
      'tutti.config.json': JSON.stringify({
        ...JSON.parse(WORKER['tutti.config.json'] ?? ''),
        sandbox: { mode: 'off' },
      }),
      // Whatever it starts does not hear SIGTERM either.
      'work.sh': `test -f left && { echo fine; exit; }; trap '' TERM; echo busy; sleep ${argument}`,
    })
    const run = tutti(repository, 'run', 'Do the work', '--no-report')
    await run.says(/\| busy/)
    run.child.kill('SIGINT')
    await run.says(/stopping: canceled with Ctrl-C/)
    // Signals closer together are one.
    await setTimeout(TOGETHER_MS + 50)
    const at = performance.now()
    run.child.kill('SIGINT')
    await endOf(run, 130)
    expect(performance.now() - at).toBeLessThan(3_000)
    expect(processesWith(argument)).not.toEqual([])
    writeFileSync(join(repository, 'left'), '')
    const { stdout } = await endOf(tutti(repository, 'run', 'Do the work', '--no-report'), 0)
    expect(stdout).toContain('going on with 1 unfinished session too, as long as this server runs\n')
    expect(processesWith(argument)).toEqual([])
  })
})
