import { XMLParser } from 'fast-xml-parser'
import { addResult, emptyReport, lineInStack, relativeTo } from './report.ts'
import type { TestReport } from './report.ts'

interface Problem {
  '#text'?: string
  '@message'?: string
}
interface Case {
  '@name'?: string
  '@classname'?: string
  '@file'?: string
  '@line'?: string
  failure?: (Problem | string)[]
  error?: (Problem | string)[]
  skipped?: unknown
}
interface Suite {
  testsuite?: Suite[]
  testcase?: Case[]
  '@file'?: string
}

/** Reads JUnit's XML as pytest and Node's test runner write it. */
export function readJUnitReport(xml: string, workspace: string): TestReport {
  const parser = new XMLParser({
    ignoreAttributes: false,
    // Node writes an attribute `failure` beside an element of that name.
    attributeNamePrefix: '@',
    parseAttributeValue: false,
    parseTagValue: false,
    processEntities: true,
    htmlEntities: true,
    isArray: (name) => ['testsuite', 'testcase', 'failure', 'error'].includes(name),
  })
  const report = emptyReport()
  const document = parser.parse(xml) as { testsuites?: Suite; testsuite?: Suite[] }
  const visit = (suite: Suite): void => {
    for (const inner of suite.testsuite ?? []) visit(inner)
    for (const test of suite.testcase ?? []) {
      const problem = test.failure?.[0] ?? test.error?.[0]
      if (problem === undefined) {
        addResult(report, test.skipped === undefined ? 'passed' : 'skipped')
        continue
      }
      const text = typeof problem === 'string' ? problem : (problem['#text'] ?? '')
      const given = typeof problem === 'string' ? undefined : problem['@message']
      // pytest says only where it went wrong; what went wrong stands in lines that begin with E.
      const said = /^E +(.+)$/gm
      const message = (given === 'collection failure' ? [...text.matchAll(said)].at(-1)?.[1] : given) ?? text
      const named =
        test['@file'] ??
        suite['@file'] ??
        /([\w./-]+\.(?:py|[cm]?[jt]sx?)):\d+/.exec(text)?.[1] ??
        pythonFile(test['@classname'])
      const file = named === undefined ? null : relativeTo(workspace, named)
      const line =
        (file === null ? null : lineInStack(text, file)) ?? (test['@line'] === undefined ? null : Number(test['@line']))
      const name = [test['@classname'], test['@name']].filter((part) => part && part !== 'test').join(' ')
      addResult(report, 'failed', { name, file, line, message })
    }
  }
  visit(document.testsuites ?? { testsuite: document.testsuite ?? [] })
  return report
}

/** pytest names classes by module: `tests.test_money.TestMoney`. */
function pythonFile(classname: string | undefined): string | undefined {
  const parts = classname?.split('.').filter((part) => !/^[A-Z]/.test(part))
  return parts && parts.length > 0 && parts.at(-1)!.includes('test') ? `${parts.join('/')}.py` : undefined
}
