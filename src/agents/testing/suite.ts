import type { ToolResult } from '../protocol/tool.ts'
import type { TestReport } from './report.ts'

/** One way to run tests of one project. */
export interface Suite {
  framework: string
  /** Relative to the workspace, `.` for its root. */
  folder: string
  /** What a person would type; how the report is asked for is left out. */
  command: string
  argv: readonly [string, ...string[]]
  env?: Record<string, string | undefined>
  /** Reads the report after the run; undefined if there is none. May throw on a broken one. */
  read: (run: ToolResult) => TestReport | undefined
}

/** Tests that are there, or may be, but cannot be run here. */
export interface Unrunnable {
  framework: string
  folder: string
  /** One sentence, and what to do about it. */
  reason: string
}

/** What there is to run, and what there is not. */
export interface Suites {
  suites: Suite[]
  unrunnable: Unrunnable[]
}
