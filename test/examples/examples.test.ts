import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { type Answer, answerIn, endOf, folderWith, tutti } from '../cli/tutti.ts'

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url))

/** The arguments of the commands that the page of an example tells, in a folder of which it says that it is the example's. */
function commandsOf(example: string): string[][] {
  const page = readFileSync(join(EXAMPLES, example, 'README.md'), 'utf8')
  const lines = [...page.matchAll(/^```sh\n([^]*?)^```$/gm)].flatMap(([, block = '']) => block.trim().split('\n'))
  const beginning = `cd examples/${example} && node ../../bin/tutti.js `
  return lines.map((line) => {
    expect(line).toContain(beginning)
    return line.slice(beginning.length).split(' ')
  })
}

/** Does what the page of an example says, in a copy of its folder. */
async function follow(example: string, command = 0): Promise<Answer & { stderr: string }> {
  const folder = folderWith({})
  const made = new Set(['.tutti', 'build'])
  cpSync(join(EXAMPLES, example), folder, {
    recursive: true,
    filter: (path) => !made.has(path.split('/').at(-1) ?? ''),
  })
  const { stdout, stderr } = await endOf(tutti(folder, ...(commandsOf(example)[command] ?? []), '--json'), 0)
  return { ...answerIn(stdout), stderr }
}

const ends = ({ executions }: Answer): Record<string, string> =>
  Object.fromEntries(executions.map(({ key, status, attempts }) => [key, `${status} ${attempts}`]))

describe.concurrent('the examples, as their pages say', () => {
  it('SEQUENTIAL: a rejected result is done again with the feedback, and each part passes its gates', async () => {
    const answer = await follow('sequential')
    expect(answer.session).toMatchObject({ status: 'SUCCEEDED', pattern: 'SEQUENTIAL' })
    expect(ends(answer)).toEqual({ code: 'ACCEPTED 2', docs: 'ACCEPTED 1', pack: 'ACCEPTED 1' })
    expect(answer.stderr).toMatch(/code rejected by its gate COMMAND: .*letters keep their sound without accents/)
    expect(answer.executions[0]?.summary).toBe('slug without accents, as the test asked')
    expect(answer.session.output).toEqual({ exports: ['slug'], pages: ['slug.md'], sha256: expect.any(String) })
    const [page] = answer.executions.flatMap(({ artifacts }) => artifacts)
    expect(readFileSync(page?.path ?? '', 'utf8')).toContain('| Crème brûlée | creme-brulee |')
  })

  it('PARALLEL: an agent that fails is replaced where there is another one, and else missed', async () => {
    const answer = await follow('parallel')
    expect(answer.session).toMatchObject({
      status: 'PARTIAL',
      pattern: 'PARALLEL',
      reason: expect.stringContaining('there is no dictionary here'),
      output: { bytes: 145, lines: 5, letter: 't', times: 15, words: 26 },
    })
    expect(ends(answer)).toMatchObject({ words: 'ACCEPTED 2', spelling: 'FAILED 1', reduce: 'ACCEPTED 0' })
    expect(answer.executions.find(({ key }) => key === 'words')?.agent).toBe('counter-js')
  })

  it('PARALLEL: what most agree on wins the vote', async () => {
    const answer = await follow('parallel', 1)
    expect(answer.session).toMatchObject({ status: 'SUCCEEDED', output: { words: 26 } })
    expect(answer.executions.at(-1)).toMatchObject({ key: 'vote', summary: '2 of 3 branches agree' })
  })

  it('PIPELINE: items come out in their order, and one is a dead letter with its stage and its error', async () => {
    const answer = await follow('pipeline')
    expect(answer.stderr).toContain(
      'PIPELINE was asked for. By its parts alone it would be SEQUENTIAL: The 3 parts form',
    )
    expect(answer.session).toMatchObject({
      status: 'PARTIAL',
      pattern: 'PIPELINE',
      output: {
        items: [{ customer: 'Ada', total: 9 }, { customer: 'Bob', total: 30 }, null, { customer: 'Dan', total: 36 }],
        deadLetters: [
          { item: 3, stage: 'price-3', error: { message: expect.stringContaining('no price for "unicorn"') } },
        ],
      },
    })
    expect(ends(answer)).toMatchObject({ 'price-3': 'FAILED 1', 'invoice-3': 'SKIPPED 0', items: 'ACCEPTED 0' })
  })

  it('HIERARCHICAL: a manager delegates in rounds until it is satisfied, also to a session of its own', async () => {
    const answer = await follow('hierarchical')
    expect(answer.session).toMatchObject({ status: 'SUCCEEDED', pattern: 'HIERARCHICAL' })
    expect(ends(answer)).toEqual({
      'manage-1': 'ACCEPTED 1',
      list: 'ACCEPTED 1',
      'manage-2': 'ACCEPTED 1',
      'links-plans': 'ACCEPTED 1',
      'links-start': 'ACCEPTED 1',
      contents: 'ACCEPTED 0',
      'manage-3': 'ACCEPTED 1',
      collect: 'ACCEPTED 0',
    })
    expect(answer.stderr).toMatch(
      /judged round 1: it goes on[^]*judged round 2: it goes on[^]*judged round 3: the task is done/,
    )
    expect(answer.stderr).toMatch(
      /contents is done by a session of its own[^]*contents is through with its session: succeeded/,
    )
    expect(answer.session.output).toContainEqual({
      branch: 'contents',
      status: 'ACCEPTED',
      summary: 'done by a session of PIPELINE',
      error: null,
      output: {
        contents: [
          '- [Plans](plans.md)',
          '  - [Parts](plans.md)',
          '- [Start here](start.md)',
          '  - [What you need](start.md)',
        ],
      },
    })
  })
})
