import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/**
 * The tests of the core that say what is right. Random worlds are left out: each of them runs through almost all of the
 * core, so that every mutant would be tried for seconds. The checklist reads documents, not rules; long texts are for the
 * clock.
 */
export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    include: ['test/core/**/*.test.ts'],
    exclude: ['test/core/step.model.test.ts', 'test/core/checklist.test.ts', 'test/core/decompose/length.test.ts'],
    setupFiles: [fileURLToPath(new URL('fewerRuns.ts', import.meta.url))],
    // Its files cannot disturb each other: they are loaded once.
    isolate: false,
    testTimeout: 10_000,
  },
})
