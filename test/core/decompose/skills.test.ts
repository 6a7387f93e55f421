import { describe, expect, it } from 'vitest'
import { decompose } from '../../../src/core/decompose.ts'

const kinds = (description: string): [type: string | undefined, capabilities: readonly string[]][] =>
  decompose({ title: '', description }).subTasks.map(({ type, capabilities }) => [type, capabilities])

describe('types and capabilities', () => {
  it.each([
    ['Analyze the architecture of the project', 'ANALYSIS', ['analyse-structure']],
    ['Find circular dependencies', 'ANALYSIS', ['dependency-cycles']],
    ['Look for duplicated code', 'ANALYSIS', ['duplication']],
    ['Measure the churn of each file', 'ANALYSIS', ['churn']],
    ['Investigate the crash', 'ANALYSIS', []],
    ['Execute the test suite', 'TESTING', ['run-tests']],
    ['Verify that all tests pass', 'TESTING', ['run-tests']],
    ['Write tests for the parser', 'TESTING', []],
    ['Review the pull request', 'REVIEW', ['review-code']],
    ['Review the contract', 'REVIEW', []],
    ['Lint the files', 'REVIEW', ['lint']],
    ['Start the linter', 'REVIEW', ['lint']],
    ['Generate the API documentation', 'DOCUMENTATION', ['api-docs']],
    ['Update the readme', 'DOCUMENTATION', ['write-documentation']],
    ['Document the module', 'DOCUMENTATION', ['write-documentation']],
    ['Check the Dockerfile', 'DEPLOYMENT', ['dockerfile-check']],
    ['Verify the npm package', 'DEPLOYMENT', ['package-check']],
    ['Check whether a release is possible', 'DEPLOYMENT', ['check-release']],
    ['Deploy the service', 'DEPLOYMENT', []],
    ['Generate types from the schema', 'CODEGEN', ['generate-types']],
    ['Implement the endpoint', 'CODEGEN', []],
    ['Fix the bug', 'CODEGEN', []],
    ['Plan the migration', 'PLANNER', []],
    ['Write a report', 'GENERAL', ['write-report']],
    ['Summarise the findings', 'GENERAL', ['write-report']],
    ['Sing a song', undefined, []],
  ])('of "%s"', (text, type, capabilities) => {
    expect(kinds(text)).toEqual([[type, capabilities]])
  })
})
