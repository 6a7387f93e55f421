import { addResult, emptyReport, lineInStack, relativeTo } from './report.ts'
import type { TestReport } from './report.ts'

interface JestLike {
  testResults?: {
    name?: string
    status?: string
    message?: string
    assertionResults?: {
      fullName?: string
      title?: string
      status?: string
      failureMessages?: string[] | null
      location?: { line?: number } | null
    }[]
  }[]
}

/** Reads what `vitest --reporter=json` and `jest --json` write. A file that could not be loaded is one failure. */
export function readJestReport(text: string, workspace: string): TestReport {
  const report = emptyReport()
  for (const file of (JSON.parse(text) as JestLike).testResults ?? []) {
    const path = relativeTo(workspace, file.name ?? '')
    const results = file.assertionResults ?? []
    for (const result of results) {
      const status = result.status === 'passed' ? 'passed' : result.status === 'failed' ? 'failed' : 'skipped'
      const message = (result.failureMessages ?? []).join('\n')
      const line = lineInStack(message, path) ?? result.location?.line ?? null
      const name = (result.fullName ?? result.title ?? '').trim()
      addResult(report, status, status === 'failed' ? { name, file: path, line, message } : undefined)
    }
    const loaded = results.length > 0 || file.status !== 'failed'
    if (!loaded) {
      const message = file.message ?? 'the file could not be run'
      addResult(report, 'failed', { name: path, file: path, line: lineInStack(message, path), message })
    }
  }
  return report
}

interface MochaTest {
  fullTitle?: string
  file?: string | null
  err?: { message?: string; stack?: string }
}

/** Reads what `mocha --reporter json` writes. */
export function readMochaReport(text: string, workspace: string): TestReport {
  const report = emptyReport()
  const { passes = [], failures = [], pending = [] } = JSON.parse(text) as Record<string, MochaTest[]>
  for (const _ of passes) addResult(report, 'passed')
  for (const _ of pending) addResult(report, 'skipped')
  for (const test of failures) {
    const file = test.file ? relativeTo(workspace, test.file) : null
    const message = test.err?.message ?? 'failed'
    const line = file === null ? null : lineInStack(test.err?.stack ?? '', file)
    addResult(report, 'failed', { name: test.fullTitle ?? '', file, line, message })
  }
  return report
}

/** Reads the lines of `go test -json`. A package that does not build is one failure. */
export function readGoReport(text: string): TestReport {
  const report = emptyReport()
  const output = new Map<string, string>()
  const failedPackages = new Map<string, boolean>()
  for (const line of text.split('\n')) {
    let event: { Action?: string; Package?: string; Test?: string; Output?: string; ImportPath?: string }
    try {
      event = JSON.parse(line) as typeof event
    } catch {
      continue
    }
    const key = `${event.Package ?? event.ImportPath ?? ''} ${event.Test ?? ''}`.trim()
    if (event.Action?.endsWith('output')) output.set(key, (output.get(key) ?? '') + (event.Output ?? ''))
    if (event.Test === undefined) {
      if (event.Action === 'fail' && event.Package)
        failedPackages.set(event.Package, failedPackages.get(event.Package) ?? false)
      continue
    }
    if (event.Action === 'pass') addResult(report, 'passed')
    if (event.Action === 'skip') addResult(report, 'skipped')
    if (event.Action !== 'fail') continue
    failedPackages.set(event.Package ?? '', true)
    const message = output.get(key) ?? 'failed'
    const place = /(\S+\.go):(\d+)/.exec(message)
    addResult(report, 'failed', { name: key, file: place?.[1] ?? null, line: place ? Number(place[2]) : null, message })
  }
  for (const [name, hasTests] of failedPackages) {
    if (hasTests) continue
    const message = output.get(name) ?? 'the package does not build'
    const place = /(\S+\.go):(\d+)/.exec(message)
    addResult(report, 'failed', { name, file: place?.[1] ?? null, line: place ? Number(place[2]) : null, message })
  }
  return report
}
