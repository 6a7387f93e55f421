import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { mcpSection } from '../../src/mcp/definition.ts'
import type { Runtime } from '../../src/runtime.ts'
import { createModelRuntime } from '../../src/runtimes/model.ts'
import { drain, expectNothingLeft, perform } from '../contracts/runtime.suite.ts'
import { lastText, type ModelRequest, type Turns } from '../fixtures/model/stub.ts'
import { call, environment, evidenceOf, openHouse } from '../runtimes/model/house.ts'

const FIXTURE = join(import.meta.dirname, '../fixtures/mcp/server.js')
const { asked, base, stub, workOf } = await openHouse()

function runtimeWith(turns: Turns, change: object = {}, behaviour = 'stdio'): Runtime {
  stub.say(turns)
  const mcp = mcpSection.parse({ sums: { argv: [process.execPath, FIXTURE, behaviour], ...change } })
  return createModelRuntime({ models: { it: { ...base, mcp: ['sums'] } }, mcp, environment })
}

describe('a model with an MCP server', () => {
  it('calls its tools, is told the results as material, and leaves receipts', async () => {
    const runtime = runtimeWith([call('sums__add', { a: 1, b: 2 }), { text: 'It is 3.' }])
    const work = workOf()
    expect(await runtime.check(work.runtimeConfig)).toBeUndefined()
    const { outcome, activities } = await perform(runtime, work)
    expect(outcome).toMatchObject({ kind: 'OK', output: 'It is 3.' })
    const offered = asked()[0]?.body.tools?.find(({ function: { name } }) => name === 'sums__add')
    expect(offered?.function).toMatchObject({
      description: expect.stringContaining('Adds two numbers.'),
      parameters: { required: ['a', 'b'], properties: { a: { type: 'number' } } },
    })
    expect(lastText(asked()[1] as ModelRequest)).toMatch(/^<(data-\w+) name="sums__add">\n3\n<\/\1>$/)
    expect(evidenceOf(outcome, 'TOOL_CALL')).toMatchObject([
      { name: 'sums__add', passed: true, detail: { server: 'sums', tool: 'add', resultSha256: expect.any(String) } },
    ])
    expect(activities).toContainEqual({ kind: 'ACTION', text: 'sums__add {"a":1,"b":2}' })
    expectNothingLeft(work, [])
  })

  it('asks a person for what has to be approved, call by call', async () => {
    const runtime = runtimeWith([call('sums__add', { a: 1, b: 2 }), { text: 'It is 3.' }], { approve: ['add'] })
    const work = workOf()
    const { outcome } = await perform(runtime, work)
    if (outcome.kind !== 'ASK') throw new Error(`it did not ask: ${outcome.kind}`)
    expect(outcome.ask.question).toContain('sums__add')
    expectNothingLeft(work, [])
    const reply = { question: outcome.ask.question, text: 'yes', data: null }
    const next = { ...workOf(), attempt: 2, workspace: work.workspace, executionId: work.executionId }
    expect((await perform(runtime, { ...next, agent: work.agent, replies: [reply] })).outcome.kind).toBe('OK')
    expect(lastText(asked().at(-1) as ModelRequest)).toContain('\n3\n')
  })

  it('does not begin without it', async () => {
    const { outcome } = await perform(runtimeWith([{ text: 'done' }], {}, 'exit'), workOf())
    expect(outcome).toMatchObject({
      kind: 'ERROR',
      error: { class: 'UNAVAILABLE', message: 'MCP server "sums": it has ended (the license is missing).' },
    })
    expect(asked()).toEqual([])
  })

  it('ends it when the attempt is canceled', async () => {
    const canceled = new AbortController()
    const work = workOf()
    const attempt = runtimeWith([call('sums__hang', {}), { text: 'done' }]).run(work, canceled.signal)
    for (let next = await attempt.next(); !next.done; next = await attempt.next()) {
      if (next.value.text.startsWith('sums__hang')) break
    }
    const rest = drain(attempt)
    canceled.abort()
    expect((await rest).outcome.kind).toBe('CANCELED')
    expectNothingLeft(work, [])
  })
})
