import { createSandbox } from '../../src/processes/sandbox.ts'
import { createCommandRuntime } from '../../src/runtimes/command.ts'
import { runtimeSuite } from '../contracts/runtime.suite.ts'
import { noSandbox } from '../processes/bubblewrap.ts'
import { behaviours } from './command/behaviours.ts'
import { describe } from 'vitest'

const environment = { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8' }
const limits = { killGraceMs: 300, lines: 3_000 }

describe.skipIf(noSandbox !== undefined)('in the sandbox', () => {
  runtimeSuite('command runtime', () => ({
    runtime: createCommandRuntime({
      commands: behaviours,
      environment,
      limits,
      sandbox: createSandbox({ environment, hidden: [], defaults: { mode: 'required' } }),
    }),
    agent: (behaviour) => ({ command: behaviour }),
    graceMs: limits.killGraceMs,
    lines: limits.lines,
    ownPids: true,
  }))
})
