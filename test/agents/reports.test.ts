import { describe, expect, it } from 'vitest'
import { readCargoReport } from '../../src/agents/testing/cargo-report.ts'
import { readGoReport, readJestReport, readMochaReport } from '../../src/agents/testing/json-reports.ts'
import { readJUnitReport } from '../../src/agents/testing/junit-report.ts'
import { readTextReport } from '../../src/agents/testing/text-report.ts'

const counts = (
  report: { total: number; passed: number; failed: number; skipped: number } | undefined,
): number[] | undefined => report && [report.total, report.passed, report.failed, report.skipped]

describe('reports of test frameworks', () => {
  it("reads Jest's", () => {
    const report = readJestReport(
      JSON.stringify({
        testResults: [
          {
            name: '/repo/a.test.js',
            status: 'failed',
            assertionResults: [
              { fullName: 'adds', status: 'passed', failureMessages: [] },
              {
                fullName: 'fails',
                status: 'failed',
                failureMessages: [
                  'Error: \u001b[31mno\u001b[39m\n    at Object.<anonymous> (/repo/a.test.js:7:3)\n    at Promise (node_modules/jest/x.js:1:1)',
                ],
              },
              { fullName: 'waits', status: 'pending' },
            ],
          },
          { name: '/repo/b.test.js', status: 'failed', message: 'SyntaxError: b.test.js:2', assertionResults: [] },
        ],
      }),
      '/repo',
    )
    expect(counts(report)).toEqual([4, 1, 2, 1])
    expect(report.failures).toEqual([
      {
        name: 'fails',
        file: 'a.test.js',
        line: 7,
        message: 'Error: no\n    at Object.<anonymous> (/repo/a.test.js:7:3)',
      },
      { name: 'b.test.js', file: 'b.test.js', line: 2, message: 'SyntaxError: b.test.js:2' },
    ])
  })

  it("reads Mocha's", () => {
    const report = readMochaReport(
      JSON.stringify({
        passes: [{ fullTitle: 'a' }],
        pending: [{ fullTitle: 'b' }],
        failures: [
          {
            fullTitle: 'c',
            file: '/repo/test/c.js',
            err: { message: 'no', stack: 'Error: no\n at Context (test/c.js:12:5)' },
          },
        ],
      }),
      '/repo',
    )
    expect(counts(report)).toEqual([3, 1, 1, 1])
    expect(report.failures).toEqual([{ name: 'c', file: 'test/c.js', line: 12, message: 'no' }])
  })

  it("reads Go's, and a package that does not build", () => {
    const lines = [
      { Action: 'run', Package: 'shop', Test: 'TestA' },
      { Action: 'output', Package: 'shop', Test: 'TestA', Output: '    a_test.go:9: got 1\n' },
      { Action: 'fail', Package: 'shop', Test: 'TestA' },
      { Action: 'pass', Package: 'shop', Test: 'TestB' },
      { Action: 'skip', Package: 'shop', Test: 'TestC' },
      { Action: 'fail', Package: 'shop' },
      { Action: 'output', Package: 'shop/broken', Output: 'broken/x.go:3:1: expected declaration\n' },
      { Action: 'fail', Package: 'shop/broken' },
    ]
    const report = readGoReport(`${lines.map((line) => JSON.stringify(line)).join('\n')}\nnot JSON\n`)
    expect(counts(report)).toEqual([4, 1, 2, 1])
    expect(report.failures.map(({ name, file, line }) => [name, file, line])).toEqual([
      ['shop TestA', 'a_test.go', 9],
      ['shop/broken', 'broken/x.go', 3],
    ])
  })

  it("reads pytest's, errors at collection included", () => {
    const report = readJUnitReport(
      `<?xml version="1.0"?><testsuites><testsuite name="pytest" tests="2">
       <testcase classname="" name="tests.test_b"><error message="collection failure">tests/test_b.py:1: in &lt;module&gt;&#10;E   ModuleNotFoundError: No module named 'x'</error></testcase>
       <testcase classname="tests.test_a" name="test_ok"/></testsuite></testsuites>`,
      '/repo',
    )
    expect(counts(report)).toEqual([2, 1, 1, 0])
    expect(report.failures[0]).toMatchObject({
      name: 'tests.test_b',
      file: 'tests/test_b.py',
      line: 1,
      message: "ModuleNotFoundError: No module named 'x'",
    })
  })

  it("reads cargo's, with the place of a panic", () => {
    const report = readCargoReport(`running 3 tests
test tests::later ... ignored
test tests::works ... ok
test tests::fails ... FAILED

---- tests::fails stdout ----

thread 'tests::fails' (12983) panicked at src/lib.rs:6:26:
assertion \`left == right\` failed
  left: 2
 right: 3
stack backtrace:
   0: nobody
test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured
`)
    expect(counts(report)).toEqual([3, 1, 1, 1])
    expect(report?.failures).toEqual([
      {
        name: 'tests::fails',
        file: 'src/lib.rs',
        line: 6,
        message: 'assertion `left == right` failed\n  left: 2\n right: 3',
      },
    ])
  })

  it.each([
    ['Jest', 'Tests:       1 failed, 2 skipped, 3 passed, 6 total', [6, 3, 1, 2]],
    ['Vitest', ' Test Files  1 failed (1)\n      Tests  1 failed | 5 passed | 1 skipped (7)', [7, 5, 1, 1]],
    ['Mocha', '  3 passing (5ms)\n  1 pending\n  2 failing\n', [6, 3, 2, 1]],
    ['TAP', '# tests 4\n# pass 3\n# fail 1\n', [4, 3, 1, 0]],
    ['pytest', '==== 1 failed, 2 passed, 1 skipped, 1 error in 0.03s ====', [5, 2, 2, 1]],
  ])("counts by the last words of %s's output", (_, output, expected) => {
    expect(counts(readTextReport(output))).toEqual(expected)
  })

  it('does not guess at other output', () => {
    expect(readTextReport('built in 3 s, 4 files passed on')).toBeUndefined()
  })
})
