import { writeFileSync, writeSync } from 'node:fs'
import type { Reporter, SerializedError, TestModule, TestRunEndReason, Vitest } from 'vitest/node'

/** Says how it went in one line, the last one: `N passed, N failed`, and `, N skipped` when there are. */
export default class SummaryReporter implements Reporter {
  #watching = false

  onInit(vitest: Vitest): void {
    this.#watching = vitest.config.watch
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[], reason: TestRunEndReason): void {
    const count = { passed: 0, failed: unhandled.length, skipped: 0, pending: 0 }
    for (const module of modules) {
      // A file that cannot be loaded, or a hook that fails, counts as a failed test: its tests never ran.
      count.failed += module.errors().length
      for (const suite of module.children.allSuites()) count.failed += suite.errors().length
      for (const test of module.children.allTests()) count[test.result().state] += 1
    }
    // Nothing could be run at all.
    if (reason === 'failed' && count.failed === 0) count.failed = 1
    const skipped = count.skipped + count.pending
    // scripts/test.ts adds up several runs.
    const tally = process.env['TEST_TALLY']
    if (tally !== undefined) {
      writeFileSync(tally, JSON.stringify({ passed: count.passed, failed: count.failed, skipped }))
      return
    }
    const line = `${count.passed} passed, ${count.failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`
    if (this.#watching) process.stdout.write(line)
    // The table of coverage comes after this call.
    else process.once('exit', () => writeSync(1, line))
  }
}
