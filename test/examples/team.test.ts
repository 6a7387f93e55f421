import { cpSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { answerIn, endOf, ENTRY, folderWith, start } from '../cli/tutti.ts'
import {
  lastText,
  type ModelRequest,
  type ModelStub,
  startModelStub,
  textOf,
  type Turn,
} from '../fixtures/model/stub.ts'

const EXAMPLE = fileURLToPath(new URL('../../examples/team', import.meta.url))
const WRONG = 'export const median = (numbers) => numbers.sort()[Math.floor(numbers.length / 2)]\n'
const RIGHT = `export function median(numbers) {
  if (numbers.length === 0) throw new RangeError('no numbers have no median')
  const sorted = numbers.toSorted((a, b) => a - b)
  const half = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}
`
const TOLD = `/** The middle of the numbers in order, the mean of two if their count is even. Leaves them as they are. */\n${RIGHT}`

const stubs: ModelStub[] = []
afterAll(() => Promise.all(stubs.map((stub) => stub.stop())))

/** A model that writes what its feedback asks for, and judges by whether there is a comment. */
function play(request: ModelRequest): Turn {
  const asked = request.body.messages.map(textOf).join('\n')
  if (!request.body.tools?.some(({ function: { name } }) => name.includes('write'))) {
    // Whether what it is shown or reads has the comment.
    return {
      text: judged++ === 0 ? '{"verdict":"REJECT","feedback":"no comment says what it does"}' : '{"verdict":"ACCEPT"}',
    }
  }
  const isAfterTool = request.body.messages.at(-1)?.role === 'tool'
  if (isAfterTool) return { text: `Wrote it: ${lastText(request).slice(0, 50)}` }
  const code = asked.includes('no comment says what it does')
    ? TOLD
    : asked.includes('ended with exit code 1')
      ? RIGHT
      : WRONG
  const write = request.body.tools.find(({ function: { name } }) => name.includes('write'))?.function.name ?? ''
  return { calls: [{ name: write, arguments: { path: 'median.mjs', content: code } }] }
}
let judged = 0

describe('the example of a team, as its page says', () => {
  it('writes, tests and judges, and does again what is rejected until all gates accept', async () => {
    const stub = await startModelStub(play)
    stubs.push(stub)
    const folder = folderWith({})
    cpSync(EXAMPLE, folder, { recursive: true, filter: (path) => !path.endsWith('.tutti') })
    const env = { MODEL_URL: stub.baseURL, MODEL: 'stub' }
    const run = start(folder, process.execPath, ['--liftoff-only', ENTRY, 'run', '--task', 'task.json', '--json'], env)
    const { stdout, stderr } = await endOf(run, 0)
    const { session, executions } = answerIn(stdout)
    expect(session.status).toBe('SUCCEEDED')
    expect(executions.map(({ key, status, attempts }) => `${key} ${status} ${attempts}`)).toEqual([
      'code ACCEPTED 3',
      'test ACCEPTED 1',
    ])
    expect(stderr).toMatch(/code rejected by its gate COMMAND/)
    expect(stderr).toMatch(/code rejected by its gate JUDGE: no comment says what it does/)
    // Every attempt has left one: what was rejected can be looked at, too.
    const patches = executions[0]?.artifacts.filter(({ kind }) => kind === 'PATCH') ?? []
    const texts = patches.map(({ path }) => readFileSync(path ?? '', 'utf8'))
    expect(texts).toContainEqual(expect.stringContaining('+/** The middle of the numbers in order'))
    expect(executions[1]?.summary).toMatch(/3 tests? passed|3 passed/)
    // The person's own folder stays as it was.
    expect(existsSync(join(folder, 'median.mjs'))).toBe(false)
  })
})
