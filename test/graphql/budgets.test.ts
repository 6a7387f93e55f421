import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Door, openDoor } from './door.ts'
import { type Orchestra, orchestra, part } from './orchestrate.ts'

/** Uses ten tokens and half a dollar, and puts out what it may use. */
const SPENDS = `
const { allowance } = JSON.parse(require('fs').readFileSync(0, 'utf8'))
const usage = { inputTokens: 6, outputTokens: 4, cost: 0.5 }
require('fs').writeFileSync(process.env.TUTTI_OUTPUT_DIR + '/result.json', JSON.stringify({ summary: 'spent', output: allowance, usage }))`

let door: Door
let all: Orchestra
beforeAll(async () => {
  door = await openDoor({ inside: { commands: { spends: { argv: [process.execPath, '-e', SPENDS] } } } })
  all = orchestra(door)
  await all.hire('spends', 'spend')
})
afterAll(() => door.close())

const spends = (key: string, more: object = {}) => part(key, { capabilities: ['spend'], ...more })
const BUDGET = 'status reason budget { unit soft hard used reserved }'
const accounts = (session: object) => {
  const { budget } = session as { budget: { unit: string }[] }
  return Object.fromEntries(budget.map(({ unit, ...account }) => [unit, account]))
}

describe('a budget', () => {
  it('is put aside before work begins, and what was used is taken from it (E62, E64)', async () => {
    const session = await all.start([spends('a', { reserve: { tokens: 30, cost: 2 } }), spends('b')], {
      pattern: 'SEQUENTIAL',
      budget: {
        tokens: { hard: 100 },
        cost: { hard: 10 },
        executions: { hard: 5 },
        depth: 2,
        wallTimeMs: { hard: 60_000 },
      },
    })
    await door.house.end(session)
    const fields = `output policy { review close input } executions { nodes { attempts { reserved { tokens cost executions } } } } ${BUDGET}`
    const ended = await all.session(session, fields)
    expect(ended).toMatchObject({
      status: 'SUCCEEDED',
      policy: { review: false, close: 'CANCEL_CHILDREN', input: 'REJECT' },
      output: { tokens: 50, cost: 5 },
      executions: {
        nodes: [
          { attempts: [{ reserved: { tokens: 30, cost: 2, executions: 0 } }] },
          { attempts: [{ reserved: { tokens: 50, cost: 5 } }] },
        ],
      },
    })
    expect(accounts(ended)).toMatchObject({
      TOKENS: { soft: null, hard: 100, used: 20, reserved: 0 },
      COST: { hard: 10, used: 1, reserved: 0 },
      EXECUTIONS: { hard: 5, used: 2, reserved: 0 },
      WALL_TIME: { hard: 60_000 },
      DEPTH: { hard: 2 },
    })
  })

  it('asks at a soft limit, and is raised by the answer (E65, E66)', async () => {
    const session = await all.start([spends('a'), spends('b', { dependsOn: ['a'] })], {
      pattern: 'SEQUENTIAL',
      budget: { tokens: { soft: 5, hard: 100 } },
    })
    const id = await all.asked(session)
    const { nodes } = (await all.session(session, 'status interrupts { nodes { kind unit choices shown } }'))[
      'interrupts'
    ] as never
    expect(nodes).toMatchObject([{ kind: 'BUDGET', unit: 'TOKENS', choices: ['APPROVE', 'RAISE', 'STOP'] }])
    for (const data of [
      undefined,
      7,
      [],
      {},
      { TIME: { hard: 1 } },
      { TOKENS: { hard: 1 } },
      { TOKENS: { hard: 'x' } },
    ]) {
      expect(await all.act('answerInterrupt', { id, choice: 'RAISE', data })).toMatchObject({
        __typename: 'InvalidInputError',
        fields: [{ path: ['data'] }],
      })
    }
    const data = { TOKENS: { soft: 50, hard: 200 } }
    await all.act('answerInterrupt', { id, choice: 'RAISE', data })
    expect(await door.house.end(session)).toMatchObject({ status: 'SUCCEEDED' })
    expect(accounts(await all.session(session, BUDGET))).toMatchObject({ TOKENS: { soft: 50, hard: 200, used: 20 } })
    const { events } = (await all.session(session, 'events(first: 100) { nodes { type data } }')) as never
    const told = (events as { nodes: { type: string }[] }).nodes.filter(({ type }) => type.startsWith('BUDGET_'))
    expect(told).toMatchObject([{ type: 'BUDGET_REACHED' }, { type: 'BUDGET_RAISED', data: { by: 'local' } }])
  })

  it('stops what has used it up (E67)', async () => {
    const session = await all.start([part('a'), part('b'), part('c')], {
      pattern: 'SEQUENTIAL',
      budget: { executions: { hard: 2 } },
    })
    await door.house.end(session)
    expect(await all.session(session, BUDGET)).toMatchObject({
      status: 'FAILED',
      reason: expect.stringMatching(/^BUDGET EXECUTIONS/),
    })
  })

  it.each([
    [{ tokens: { hard: 0 } }, ['tokens', 'hard']],
    [{ cost: { soft: -1 } }, ['cost', 'soft']],
    [{ wallTimeMs: { soft: 10, hard: 5 } }, ['wallTimeMs', 'soft']],
    [{ depth: 0 }, ['depth']],
  ])('%j is refused where it is wrong', async (budget, path) => {
    const answered = await all.tryStart([part('a')], { budget })
    expect(answered).toMatchObject({ __typename: 'InvalidInputError', fields: [{ path: ['budget', ...path] }] })
  })

  it.each([
    [{ policy: { interruptMs: 1 } }, ['policy', 'interruptMs']],
    [{ votes: 2 }, ['votes']],
    [{ onFailure: 'QUORUM' }, ['quorum']],
    [{ aggregate: 'FIRST', pattern: 'SEQUENTIAL' }, ['aggregate']],
    [{ items: { list: [] } }, ['items', 'list']],
    [{ items: { list: [1] }, pattern: 'PARALLEL' }, ['items']],
    [{ manager: { maxRounds: 0, maxReplans: 0 }, pattern: 'HIERARCHICAL' }, ['manager', 'maxRounds']],
    [{ manager: { maxRounds: 1, maxReplans: 0 }, pattern: 'SEQUENTIAL' }, ['manager']],
  ])('%j does not fit and is refused where it is wrong', async (input, path) => {
    const answered = await all.tryStart([part('a')], input)
    expect(answered).toMatchObject({ __typename: 'InvalidInputError' })
    expect(answered.fields?.map((field) => field.path)).toContainEqual(path)
  })
})

describe('items', () => {
  it('go through the stages of a pipeline', async () => {
    const session = await all.start([part('s')], {
      pattern: 'PIPELINE',
      items: { list: [{ n: 1 }, { n: 2 }], buffer: 1 },
    })
    expect(await door.house.end(session)).toMatchObject({ status: 'SUCCEEDED' })
    const { plan } = (await all.session(session, 'plan { nodes { kind item behind onceBegun } }')) as never
    expect((plan as { nodes: object[] }).nodes).toMatchObject([{ item: 0 }, { item: 1 }, { kind: 'ITEMS' }])
  })
})
