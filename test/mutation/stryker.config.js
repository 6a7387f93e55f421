import { fileURLToPath } from 'node:url'

/** Mutation tests of the core: `npm run mutate`, or of some files: `npm run mutate -- --mutate src/core/settle.ts`. */
export default {
  testRunner: 'vitest',
  vitest: { configFile: 'test/mutation/vitest.config.ts' },
  plugins: [fileURLToPath(import.meta.resolve('@stryker-mutator/vitest-runner'))],
  mutate: ['src/core/**/*.ts'],
  // There is nothing in it that the tests need, and the rewriting wants an older compiler.
  tsconfigFile: 'none.json',
  // Words for people, and keys that a test could only repeat.
  mutator: { excludedMutations: ['StringLiteral'] },
  coverageAnalysis: 'perTest',
  concurrency: 2,
  ignorePatterns: ['/.tutti', '/coverage', '/docs', '/bench', '/examples', '/test/mutation/node_modules'],
  reporters: ['progress-append-only', 'clear-text', 'json', 'html'],
  jsonReporter: { fileName: 'coverage/mutation/report.json' },
  htmlReporter: { fileName: 'coverage/mutation/report.html' },
  tempDirName: '.mutation',
  thresholds: { high: 90, low: 85, break: 85 },
}
