import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { perform } from '../../contracts/runtime.suite.ts'
import { lastText, type ModelRequest, textOf } from '../../fixtures/model/stub.ts'
import { agent, call, evidenceOf, openHouse } from './house.ts'

const { asked, runtimeOf, workOf } = await openHouse()

describe('an answer', () => {
  const schema = { type: 'object', properties: { count: { type: 'integer' } }, required: ['count'] }
  const gates = [{ kind: 'SCHEMA' as const, schema }]

  it('fits the schema that is wanted; if it does not, the model is told what is wrong', async () => {
    const runtime = runtimeOf({}, [
      { text: 'Seven, I think.' },
      { text: '{"count": "7"}' },
      { text: 'Here:\n```json\n{"count": 7}\n```' },
    ])
    const { outcome } = await perform(runtime, workOf({ gates }))
    expect(outcome).toMatchObject({ kind: 'OK', output: { count: 7 } })
    expect(asked().map(lastText)).toEqual([
      expect.stringContaining(JSON.stringify(schema)),
      expect.stringContaining('there is no JSON in it'),
      expect.stringContaining('count'),
    ])
    expect(asked()[0]?.body.response_format).toBeUndefined()
  })

  it('is left to its gate where it still does not fit', async () => {
    const { outcome } = await perform(runtimeOf({}, [{ text: 'Seven.' }]), workOf({ gates }))
    expect(outcome).toMatchObject({ kind: 'OK', output: 'Seven.' })
    expect(asked()).toHaveLength(3)
  })

  it('is held to the schema by a provider that can do that', async () => {
    await perform(runtimeOf({ structuredOutput: true }, [{ text: '{"count": 1}' }]), workOf({ gates }))
    expect(asked()[0]?.body.response_format).toMatchObject({ type: 'json_schema', json_schema: { schema } })
  })

  it('of a judge is a verdict, and of a manager a ledger', async () => {
    const verdict = { verdict: 'REJECT', feedback: 'There is no test.' }
    const judge = runtimeOf({ role: 'CODEGEN', tools: ['write'] }, [
      { text: '{"verdict": "MAYBE"}' },
      { text: JSON.stringify(verdict) },
    ])
    const judged = await perform(judge, workOf({ wanted: 'VERDICT', ...agent('REVIEW') }))
    expect(judged.outcome).toMatchObject({ kind: 'OK', output: verdict, summary: 'REJECT: There is no test.' })
    expect(evidenceOf(judged.outcome, 'MODEL')[0]?.detail).toMatchObject({ prompt: { version: 'JUDGE 1, RULES 1' } })
    const next = [{ key: 'links', title: 'Check the links', description: 'All.', agent: 'proofreader' }]
    const ledger = { satisfied: false, looping: false, progressing: true, next, instruction: '', reasons: ['not done'] }
    const manager = runtimeOf({}, [{ text: JSON.stringify({ ...ledger, plan: 1 }) }, { text: JSON.stringify(ledger) }])
    const crew = {
      agents: [{ name: 'proofreader', type: 'REVIEW' as const, description: '', capabilities: ['links'] }],
      taken: ['manage-1'],
      left: 5,
      roundsLeft: 2,
    }
    const managed = await perform(manager, workOf({ wanted: 'LEDGER', crew, ...agent('PLANNER') }))
    expect(managed.outcome).toMatchObject({ kind: 'OK', output: ledger })
    expect(textOf(asked().at(-1)?.body.messages[1])).toContain('"proofreader"')
    expect(lastText(asked().at(-1) as ModelRequest)).toContain('a field \\"plan\\"'.replaceAll('\\', ''))
  })

  it.each([
    ['CODEGEN', { tools: ['read', 'write'] }, 'changed no file'],
    ['DOCUMENTATION', { tools: ['write'] }, 'changed no file'],
    ['TESTING', { tools: ['run'], commands: { test: { argv: ['true'] } } }, 'run nothing'],
    ['ANALYSIS', { tools: ['write'], expects: 'CHANGES' }, 'changed no file'],
  ] as const)('"done" of a %s agent that did nothing is told to be nothing, and why', async (type, change, reason) => {
    const runtime = runtimeOf(change as never, [{ text: 'All done, everything works!' }])
    const { outcome } = await perform(runtime, workOf(agent(type)))
    const why = outcome.kind === 'NOTHING' ? outcome.why : JSON.stringify(outcome)
    expect(why).toContain(reason)
    expect(why).toContain('it said: All done, everything works!')
    expect(evidenceOf(outcome, 'MODEL')).toHaveLength(1)
    expect(lastText(asked()[1] as ModelRequest)).toContain(reason)
  })

  it('is no proof of a change either when files were only written as they were', async () => {
    const runtime = runtimeOf({ tools: ['write'] }, [call('write', { path: 'a.txt', content: 'A' }), { text: 'Done.' }])
    const work = workOf(agent('CODEGEN'))
    writeFileSync(join(work.workspace, 'a.txt'), 'A')
    expect((await perform(runtime, work)).outcome).toMatchObject({ kind: 'NOTHING' })
  })

  it('may not be empty: without a word and without a call nobody has said that it is done', async () => {
    const { outcome } = await perform(runtimeOf({}, [{ text: ' \n' }]), workOf())
    expect(outcome).toMatchObject({ kind: 'ERROR', error: { class: 'EMPTY' } })
  })

  it('is nothing where the model has called tools and then ends without a word', async () => {
    const work = workOf()
    writeFileSync(join(work.workspace, 'a.txt'), 'A')
    const runtime = runtimeOf({ tools: ['read'] }, [call('read', { path: 'a.txt' }), { text: '' }])
    expect((await perform(runtime, work)).outcome).toMatchObject({ kind: 'NOTHING', why: 'it said nothing' })
  })
})
