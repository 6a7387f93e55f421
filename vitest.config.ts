import { defineConfig } from 'vitest/config'

// Otherwise graphql would be loaded twice, as CommonJS and as a module.
const ssr = { resolve: { conditions: ['module', 'node'] } }

/**
 * How long something is waited for in vain, in milliseconds: long enough for a machine that is busy with much else. No test
 * takes as long, so that it costs nothing until one hangs. Where something else would come to the same later, such as a lock
 * that runs out or a look once a minute, a test says itself how soon it has to be.
 */
const WAITS_MS = 240_000
const poll = { timeout: 40_000, interval: 20 }

export default defineConfig({
  ssr,
  test: {
    // Many tests wait for processes: one worker more than cores of a small machine keeps it busy.
    maxWorkers: 3,
    reporters: ['default', './test/reporter.ts'],
    coverage: {
      provider: 'v8',
      include: ['src/core/**/*.ts'],
      reporter: ['text-summary', 'html', 'json-summary'],
      thresholds: { statements: 100, branches: 100, functions: 100, lines: 100 },
    },
    projects: [
      // Pure: its files cannot disturb each other, so they share a worker.
      { ssr, test: { name: 'core', include: ['test/core/**/*.test.ts'], testTimeout: WAITS_MS, isolate: false } },
      { ssr, test: { name: 'agents', include: ['test/agents/**/*.test.ts'], testTimeout: WAITS_MS, expect: { poll } } },
      {
        ssr,
        test: {
          name: 'integration',
          include: ['test/**/*.test.ts'],
          exclude: ['**/node_modules/**', 'test/core/**', 'test/agents/**', 'test/timing/**', 'test/fixtures/**'],
          globalSetup: './test/services.ts',
          testTimeout: WAITS_MS,
          hookTimeout: WAITS_MS,
          expect: { poll },
        },
      },
      {
        ssr,
        // What must be so within a time is tried last and alone: other tests would slow it down.
        test: {
          name: 'timing',
          include: ['test/timing/**/*.test.ts'],
          globalSetup: './test/services.ts',
          testTimeout: WAITS_MS,
          expect: { poll },
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
