import { describe, expect, it } from 'vitest'
import { answer } from '../../src/cli/answer.ts'
import { noColours } from '../../src/cli/render/paint.ts'
import type { SavedResult } from '../../src/cli/save.ts'
import { summary } from '../../src/cli/summary.ts'

const artifact = (name: string, path: string | null) => ({
  name,
  kind: 'REPORT',
  size: 12,
  sha256: 'abc',
  url: '/artifacts/1',
  path,
  problem: path === null ? 'the server answers 404' : null,
})

const done: SavedResult = {
  session: {
    id: '01977e0c-6c1b-7c3e-9f3c-0b1a2c3d4e5f',
    title: 'Audit the shop',
    status: 'SUCCEEDED',
    pattern: 'HIERARCHICAL',
    complexity: 4.25,
    durationMs: 12_300,
    reason: null,
    branch: null,
    output: null,
    executions: [],
  },
  executions: [
    {
      key: 'test',
      title: 'Run the tests',
      agent: 'tester',
      status: 'ACCEPTED',
      attempts: 1,
      durationMs: 8_200,
      summary: '12 tests passed',
      error: null,
      artifacts: [artifact('tests.json', '/out/test/tests.json')],
    },
    {
      key: 'report',
      title: 'Write the report',
      agent: 'reporter',
      status: 'ACCEPTED',
      attempts: 2,
      durationMs: 400,
      summary: 'one report',
      error: null,
      artifacts: [artifact('report.md', '/out/report/report.md')],
    },
  ],
  report: '/out/report.md',
  folder: '/out',
}

const failed: SavedResult = {
  ...done,
  session: { ...done.session, status: 'FAILED', reason: 'test failed: it fell over' },
  executions: [
    {
      ...(done.executions[0] as SavedResult['executions'][number]),
      status: 'FAILED',
      attempts: 3,
      summary: null,
      error: 'it fell\nover',
      artifacts: [artifact('log.txt', null)],
    },
    {
      ...(done.executions[1] as SavedResult['executions'][number]),
      agent: null,
      status: 'SKIPPED',
      attempts: 0,
      durationMs: null,
      summary: null,
      artifacts: [],
    },
  ],
  report: null,
}

describe('the summary of a session', () => {
  it('tells how it went, who did what, and last where the report is', () => {
    expect(summary(done, noColours, 100)).toEqual([
      'SUCCEEDED in 12 s  HIERARCHICAL, complexity 4.3 of 10, session 01977e0c-6c1b-7c3e-9f3c-0b1a2c3d4e5f',
      '',
      'EXECUTION  AGENT     STATUS    ATTEMPTS  TIME   SUMMARY',
      'test       tester    accepted  1         8.2 s  12 tests passed',
      'report     reporter  accepted  2         0.4 s  one report',
      '',
      '2 artifacts in /out',
      '/out/report.md',
    ])
  })

  it('tells why a session failed and what could not be saved', () => {
    expect(summary(failed, noColours, 100).slice(2)).toEqual([
      'EXECUTION  AGENT   STATUS   ATTEMPTS  TIME   SUMMARY',
      'test       tester  failed   3         8.2 s  it fell over',
      'report     -       skipped  0         -',
      '',
      'Why:',
      '  test: it fell over (3 attempts)',
      '',
      '1 artifact',
      '1 artifact could not be saved:',
      '  test/log.txt: the server answers 404',
      'No report. Results are in /out',
    ])
  })

  it('says that a partial success is one', () => {
    const partial = { ...failed, session: { ...failed.session, status: 'PARTIAL' } }
    expect(summary(partial, noColours, 100)).toContain('All that was required is done, the rest is not:')
  })

  it('gives the reason of the session when no execution has one', () => {
    const canceled = { ...done, session: { ...done.session, status: 'CANCELED', reason: 'canceled with Ctrl-C' } }
    expect(summary(canceled, noColours, 100).slice(5, 8)).toEqual(['', 'Why:', '  canceled with Ctrl-C'])
  })

  it('keeps to the width that there is', () => {
    expect(summary(done, noColours, 40)[3]).toBe('test       tester    accepted  1       …')
  })
})

describe('the answer for programs', () => {
  it('has these members and no others', () => {
    expect(answer(done)).toEqual({
      session: {
        id: '01977e0c-6c1b-7c3e-9f3c-0b1a2c3d4e5f',
        status: 'SUCCEEDED',
        pattern: 'HIERARCHICAL',
        complexity: 4.25,
        durationMs: 12_300,
        reason: null,
        branch: null,
        output: null,
      },
      executions: [
        {
          key: 'test',
          title: 'Run the tests',
          agent: 'tester',
          status: 'ACCEPTED',
          attempts: 1,
          durationMs: 8_200,
          summary: '12 tests passed',
          error: null,
          artifacts: [{ name: 'tests.json', kind: 'REPORT', size: 12, sha256: 'abc', path: '/out/test/tests.json' }],
        },
        expect.objectContaining({ key: 'report', attempts: 2 }),
      ],
      report: '/out/report.md',
      folder: '/out',
    })
  })

  it('says on which branch what was changed can be seen', () => {
    const branch = 'tutti/01977e0c'
    const lines = summary({ ...done, session: { ...done.session, branch } }, noColours, undefined)
    expect(lines).toContain(`What was changed is on the branch ${branch}. Take it over with: git merge ${branch}`)
  })
})
