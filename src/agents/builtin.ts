import { fileURLToPath } from 'node:url'
import type { AgentType } from '../core/agent.ts'
import type { Timeouts } from '../core/plan.ts'

/** An agent that comes with the server: how it is registered, and the program that the command runtime starts. */
export interface BuiltinAgent {
  name: string
  type: AgentType
  /** What it does, on what, and what it leaves behind. */
  description: string
  capabilities: readonly string[]
  /** Executions at once. */
  slots: number
  command: {
    argv: [string, ...string[]]
    /** It runs what the workspace holds, which may write there. */
    runsWorkspace?: true
  }
  /** Where its work usually takes longer than the default allows, in milliseconds. */
  timeouts?: Partial<Timeouts>
}

function program(name: string): BuiltinAgent['command'] {
  return { argv: [process.execPath, fileURLToPath(new URL(`${name}.ts`, import.meta.url))] }
}

/** The agents that work without a model, a key or the network. They read the workspace and never write to it. */
export const BUILTIN_AGENTS: readonly BuiltinAgent[] = [
  {
    name: 'analysis',
    type: 'ANALYSIS',
    description:
      'Analyses the structure of a repository: sizes by language, the graph of imports and its cycles, orphan modules, duplicated code, and where changes gather in the git history.',
    capabilities: ['analyse-structure', 'dependencies', 'dependency-cycles', 'duplication', 'churn'],
    slots: 2,
    command: program('analysis'),
  },
  {
    name: 'testing',
    type: 'TESTING',
    description:
      "Runs the repository's own tests (Vitest, Jest, Mocha, Node, pytest, unittest, Go, Cargo, or its test script) and reports counts and failures with file and line.",
    capabilities: ['run-tests', 'test-report'],
    slots: 1,
    command: { ...program('testing'), runsWorkspace: true },
    timeouts: { attemptMs: 1_800_000, idleMs: 600_000 },
  },
  {
    name: 'review',
    type: 'REVIEW',
    description:
      'Reviews source code: lints JavaScript and TypeScript, and looks in any language for secrets, merge conflicts, focused tests, debugging left behind, TODOs and very long functions.',
    capabilities: ['review-code', 'lint', 'find-secrets'],
    slots: 2,
    command: program('review'),
  },
  {
    name: 'documentation',
    type: 'DOCUMENTATION',
    description:
      'Writes API documentation as Markdown pages from TypeScript, JavaScript and Python source: exported functions, classes and types with signatures and docstrings, and which of them have none.',
    capabilities: ['write-documentation', 'api-docs'],
    slots: 2,
    command: program('documentation'),
  },
  {
    name: 'deployment',
    type: 'DEPLOYMENT',
    description:
      'Checks whether a repository can be released: what the package would ship, its manifest and lock file, Dockerfiles, licence, README, changelog, and the state of git.',
    capabilities: ['check-release', 'package-check', 'dockerfile-check'],
    slots: 2,
    command: program('deployment'),
  },
  {
    name: 'codegen',
    type: 'CODEGEN',
    description: 'Generates TypeScript types from the JSON Schema and GraphQL schema files of a repository.',
    capabilities: ['generate-types', 'json-schema', 'graphql'],
    slots: 2,
    command: program('codegen'),
  },
  {
    name: 'report',
    type: 'DOCUMENTATION',
    description:
      'Writes one readable report from the results of other agents, and says which parts are missing and why.',
    capabilities: ['write-report'],
    slots: 2,
    command: program('report'),
  },
]
