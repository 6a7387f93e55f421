import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Json } from '../../../src/core/json.ts'
import { expectNothingLeft, perform, readUntilReady, drain } from '../../contracts/runtime.suite.ts'
import { agentThat, edit, execute, folder, run } from './agentThat.ts'
import type { Step } from './agentThat.ts'

describe('permission', () => {
  const answered = async (steps: Step[], text: string, data: Json = null) => {
    const { runtime, work } = agentThat(steps)
    const first = await perform(runtime, work)
    if (first.outcome.kind !== 'ASK') throw new Error(JSON.stringify(first.outcome))
    expectNothingLeft(work, [])
    const { question, shown } = first.outcome.ask
    const again = { ...work, attempt: 2, replies: [{ question, text, data, shown }] }
    return { first, work, ...(await perform(runtime, again)) }
  }

  it('to do what is set to be asked is asked of a person, who sees the tool and its arguments', async () => {
    const { first, outcome, work } = await answered([execute], 'Yes.')
    expect(first.outcome).toMatchObject({
      kind: 'ASK',
      ask: {
        kind: 'QUESTION',
        question: expect.stringMatching(/^May fixture do this \(execute\): npm test\? \[[0-9a-f]{16}\]$/),
        shown: { tool: 'npm test', kind: 'execute', arguments: { command: 'npm test' } },
      },
    })
    expect(outcome).toMatchObject({ kind: 'OK', output: { changed: [{ path: 'ran' }] } })
    expect(readFileSync(join(work.workspace, 'ran'), 'utf8')).toBe('x')
  })

  it('that a person refuses is denied, whatever the words', async () => {
    const { outcome, work } = await answered([execute, { say: 'I could not.' }], 'not on a Friday')
    expect(outcome).toMatchObject({ kind: 'OK', output: { answer: 'I could not.', changed: [] } })
    const evidence = outcome.kind === 'OK' ? outcome.evidence : []
    expect(evidence).toContainEqual(
      expect.objectContaining({
        kind: 'PERMISSIONS',
        passed: false,
        detail: { denied: 1, rulings: [{ kind: 'execute', title: 'npm test', decision: 'DENIED', by: 'PERSON' }] },
      }),
    )
    expect(existsSync(join(work.workspace, 'ran'))).toBe(false)
  })

  it('of a person is for that very call', async () => {
    const other = { tool: { ...execute.tool, title: 'npm  test', rawInput: { command: 'npm publish' } } }
    const { outcome, first } = await answered([execute, other], '', { allow: true })
    expect(outcome).toMatchObject({ kind: 'ASK', ask: { shown: { arguments: { command: 'npm publish' } } } })
    expect(outcome.kind === 'ASK' && first.outcome.kind === 'ASK' && outcome.ask.question).not.toBe(
      first.outcome.kind === 'ASK' && first.outcome.ask.question,
    )
  })

  it('is denied by what the operator has set, and never given for longer than once', async () => {
    const { outcome, work } = await run([edit, { say: 'Done!' }], { definition: { permissions: { edit: 'deny' } } })
    expect(outcome).toMatchObject({
      kind: 'ERROR',
      error: { class: 'AUTH', message: expect.stringMatching(/denied 1 tool calls: edit Writing a.txt \(by policy\)/) },
    })
    expect(existsSync(join(work.workspace, 'a.txt'))).toBe(false)
  })

  it.each([
    ['outside of the workspace', { kind: 'edit', title: 'w', path: '/tmp/tutti-elsewhere' }],
    ['through ..', { kind: 'edit', title: 'w', path: '$W/../a.txt' }],
    ['in what git keeps', { kind: 'edit', title: 'w', path: '$W/.git/config' }],
    ['without saying where', { kind: 'edit', title: 'w', rawInput: { content: 'x' } }],
    ['that reads a secret', { kind: 'read', title: 'r', path: '/etc/shadow' }],
  ])('for a file %s is asked though it is allowed', async (_, tool) => {
    const { outcome } = await run([{ tool }])
    expect(outcome).toMatchObject({ kind: 'ASK', ask: { shown: { kind: tool.kind } } })
  })

  it('through a link that leads out is asked as well', async () => {
    const { runtime, work } = agentThat([{ tool: { kind: 'edit', title: 'w', path: '$W/out/a.txt' } }])
    symlinkSync(tmpdir(), join(work.workspace, 'out'))
    expect((await perform(runtime, work)).outcome).toMatchObject({ kind: 'ASK' })
  })
})

describe('files that the server reads and writes for an agent', () => {
  it('lie in the workspace', async () => {
    const { activities, outcome } = await run([
      { write: { path: '$W/deep/a.txt', content: 'one\ntwo\n' } },
      { read: '$W/deep/a.txt' },
    ])
    expect(activities.map(({ text }) => text)).toEqual(['{}', '"one\\ntwo\\n"'])
    expect(outcome).toMatchObject({ kind: 'OK', output: { changed: [{ path: 'deep/a.txt', change: 'ADDED' }] } })
  })

  it.each([
    ['write', { write: { path: '/tmp/tutti-acp-elsewhere', content: 'x' } }],
    ['read', { read: '/etc/passwd' }],
  ])('are asked for where one would %s elsewhere', async (_, step) => {
    const { outcome } = await run([step])
    expect(outcome).toMatchObject({ kind: 'ASK', ask: { question: expect.stringContaining(_) } })
    expect(existsSync('/tmp/tutti-acp-elsewhere')).toBe(false)
  })

  it('stay what they are outside, even when a person said yes', async () => {
    const step = { write: { path: '/tmp/tutti-acp-elsewhere', content: 'x' } }
    const { runtime, work } = agentThat([step])
    const { outcome } = await perform(runtime, work)
    const question = outcome.kind === 'ASK' ? outcome.ask.question : ''
    const { activities } = await perform(runtime, { ...work, replies: [{ question, text: 'yes', data: null }] })
    expect(activities[0]?.text).toMatch(/refused: .*leads out of the workspace/)
    expect(existsSync('/tmp/tutti-acp-elsewhere')).toBe(false)
  })

  it('that are not there are an error, and empty for those who take it for one of their own', async () => {
    expect((await run([{ read: '$W/none' }])).activities[0]?.text).toMatch(/refused: .*not found/i)
    expect((await run([{ read: '$W/none' }], { open: { name: 'gemini-cli' } })).activities[0]?.text).toBe('""')
  })

  it('are what earlier parts have left as well', async () => {
    const path = join(folder, 'report.md')
    writeFileSync(path, '# Report')
    const artifact = {
      id: 'x',
      name: 'report.md',
      kind: 'REPORT',
      mediaType: 'text/markdown',
      size: 8,
      sha256: '',
      path,
    }
    const part = { key: 'p', title: 'P', agent: null, status: 'ACCEPTED', summary: null, output: null, error: null }
    const { activities } = await run([{ read: path }], { work: { upstream: [{ ...part, artifacts: [artifact] }] } })
    expect(activities[0]?.text).toBe('"# Report"')
  })
})

describe('commands that the server runs for an agent', () => {
  it('run in the workspace where executing is allowed', async () => {
    const { outcome, work } = await run([{ run: { command: 'sh', args: ['-c', 'echo hi > b.txt; pwd; exit 3'] } }], {
      definition: { permissions: { execute: 'allow' } },
    })
    const { answer } = (outcome as unknown as { output: { answer: string } }).output
    expect(answer.split('\n').at(-1)).toBe(JSON.stringify({ exitCode: 3, signal: null, output: `${work.workspace}\n` }))
    expect(existsSync(join(work.workspace, 'b.txt'))).toBe(true)
  })

  it('are refused otherwise', async () => {
    const { activities } = await run([{ run: { command: 'true' } }])
    expect(activities[0]?.text).toMatch(/refused: .*not found.*terminal/i)
  })

  it('end with the attempt', async () => {
    const { runtime, work } = agentThat([{ run: { command: 'echo ready; sleep 600' } }], {
      definition: { permissions: { execute: 'allow' } },
    })
    const controller = new AbortController()
    const attempt = runtime.run(work, controller.signal)
    await readUntilReady(attempt)
    controller.abort()
    expect((await drain(attempt)).outcome.kind).toBe('CANCELED')
    expectNothingLeft(work, [])
  })
})
