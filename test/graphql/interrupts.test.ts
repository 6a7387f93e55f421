import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Door, openDoor } from './door.ts'
import { type Orchestra, orchestra, part } from './orchestrate.ts'

/** Asks for a name until somebody has told it. */
const ASKS = `
const work = JSON.parse(require('fs').readFileSync(0, 'utf8'))
const [reply] = work.replies
const result = reply
  ? { summary: 'knows it', output: { reply } }
  : { ask: { kind: 'QUESTION', question: 'What is the name?', shown: { hint: 'short' } } }
require('fs').writeFileSync(process.env.TUTTI_OUTPUT_DIR + '/result.json', JSON.stringify(result))`

let door: Door
let all: Orchestra
beforeAll(async () => {
  door = await openDoor({ inside: { commands: { asks: { argv: [process.execPath, '-e', ASKS] } } } })
  all = orchestra(door)
  await all.hire('asks', 'ask')
})
afterAll(() => door.close())

const approved = (question = 'Is it good?', more = {}) => part('a', { gates: [{ person: { question, ...more } }] })
const inbox = async (filter: object = {}, fields = 'id') => {
  const data = await door.data(
    `query ($filter: InterruptFilter) { interrupts(filter: $filter, first: 100) { totalCount nodes { ${fields} } } }`,
    { filter },
  )
  return data['interrupts'] as { totalCount: number; nodes: Record<string, unknown>[] }
}

describe('an interrupt', () => {
  it('says what is asked, of whom, by when, and what counts otherwise', async () => {
    const session = await all.start([
      approved('Is it good?', { expiresMs: 60_000, onExpiry: 'APPROVE', role: 'OPERATOR' }),
    ])
    const id = await all.asked(session)
    const fields = `id kind status question shown shownHash choices role gate unit escalated onExpiry { choice text }
      answer { choice } answeredBy createdAt escalatesAt expiresAt seq session { id } execution { key interrupt { id } candidate { summary } }`
    const { node } = (await door.data(`{ node(id: "Interrupt:${id}") { ... on Interrupt { ${fields} } } }`)) as never
    expect(node).toMatchObject({
      id: `Interrupt:${id}`,
      kind: 'APPROVAL',
      status: 'OPEN',
      question: 'Is it good?',
      shown: { key: 'a', summary: 'a is done' },
      shownHash: expect.stringMatching(/^[\da-f]{64}$/),
      choices: ['APPROVE', 'REJECT'],
      role: 'OPERATOR',
      gate: 0,
      unit: null,
      escalated: false,
      onExpiry: { choice: 'APPROVE' },
      answer: null,
      answeredBy: null,
      session: { id: `Session:${session}` },
      execution: { key: 'a', interrupt: { id: `Interrupt:${id}` }, candidate: { summary: 'a is done' } },
    })
    const { createdAt, escalatesAt, expiresAt } = node as Record<string, string>
    expect(Date.parse(expiresAt ?? '') - Date.parse(createdAt ?? '')).toBe(60_000)
    expect(Date.parse(escalatesAt ?? '') - Date.parse(createdAt ?? '')).toBe(30_000)
    await all.act('answerInterrupt', { id, choice: 'APPROVE' })
    await door.house.end(session)
  })

  it('is answered exactly once, however many answer at once (E53)', async () => {
    const session = await all.start([approved()])
    const id = await all.asked(session)
    const { node } = (await door.data(`{ node(id: "Interrupt:${id}") { ... on Interrupt { shownHash } } }`)) as never
    const { shownHash } = node as { shownHash: string }
    const answers = await Promise.all(
      Array.from({ length: 16 }, () =>
        all.act(
          'answerInterrupt',
          { id, choice: 'APPROVE', text: 'fine', shownHash },
          'status answeredBy answer { choice text }',
        ),
      ),
    )
    const won = answers.filter(({ __typename }) => __typename === 'AnswerInterruptSuccess')
    expect(won).toMatchObject([
      { interrupt: { status: 'ANSWERED', answeredBy: 'local', answer: { choice: 'APPROVE', text: 'fine' } } },
    ])
    const lost = answers.filter(({ __typename }) => __typename === 'ConflictError')
    expect(lost).toHaveLength(15)
    expect(await door.house.end(session)).toMatchObject({ status: 'SUCCEEDED' })
  })

  it('takes no answer to something else than what is shown, nor one that is none of its choices (E55)', async () => {
    const session = await all.start([approved()])
    const id = await all.asked(session)
    expect(await all.act('answerInterrupt', { id, choice: 'APPROVE', shownHash: 'f'.repeat(64) })).toMatchObject({
      __typename: 'ConflictError',
      message: expect.stringContaining('what you were shown'),
    })
    expect(await all.act('answerInterrupt', { id, choice: 'SKIP' })).toMatchObject({
      __typename: 'InvalidInputError',
      fields: [{ path: ['choice'] }],
    })
    expect(await all.act('answerInterrupt', { id, choice: 'APPROVE', text: 'x'.repeat(10_001) })).toMatchObject({
      fields: [{ path: ['text'] }],
    })
    expect((await inbox({ session })).totalCount).toBe(1)
    await all.act('cancelSession', { id: session })
    await door.house.end(session)
    expect(await inbox({ session, status: ['VOID'] }, 'status')).toMatchObject({ nodes: [{ status: 'VOID' }] })
    expect(await all.act('answerInterrupt', { id, choice: 'APPROVE' })).toMatchObject({ __typename: 'ConflictError' })
  })

  it.each(['Interrupt:x', 'Session:x', 'nonsense', '00000000-0000-4000-8000-000000000000'])(
    'called %s does not exist',
    async (id) => {
      expect(await all.act('answerInterrupt', { id, choice: 'APPROVE' })).toMatchObject({ __typename: 'NotFoundError' })
    },
  )

  it('is answered by its role or ADMIN alone (E54)', async () => {
    const opened = await openDoor()
    const guests = opened.as(await opened.token(['VIEWER', 'OPERATOR'], { name: 'guest' }))
    try {
      const others = orchestra(guests)
      const session = await others.start([approved()])
      const id = await others.asked(session)
      expect(await others.act('answerInterrupt', { id, choice: 'APPROVE' })).toMatchObject({
        __typename: 'ForbiddenError',
        code: 'FORBIDDEN',
        message: 'only APPROVER or ADMIN may answer',
      })
      expect(await guests.data('{ viewer { name roles } }')).toEqual({
        viewer: { name: 'guest', roles: ['VIEWER', 'OPERATOR'] },
      })
      await others.act('cancelSession', { id: session })
      await guests.house.end(session)
    } finally {
      await guests.close()
    }
  })

  it('carries an answer to the agent that asked (E60)', async () => {
    const session = await all.start([part('a', { capabilities: ['ask'] })])
    const id = await all.asked(session)
    expect(await inbox({ session }, 'kind shown')).toMatchObject({
      nodes: [{ kind: 'QUESTION', shown: { hint: 'short' } }],
    })
    await all.act('answerInterrupt', { id, choice: 'ANSWER', text: 'Tutti', data: { size: 5 } })
    await door.house.end(session)
    const reply = { question: 'What is the name?', text: 'Tutti', data: { size: 5 } }
    expect(await all.session(session, 'status output executions { nodes { replies { question text data } } }')).toEqual(
      {
        status: 'SUCCEEDED',
        output: { reply: { ...reply, shown: { hint: 'short' } } },
        executions: { nodes: [{ replies: [reply] }] },
      },
    )
  })
})

describe('the inbox', () => {
  it('holds what is open, the oldest first, by kind, project, session and role', async () => {
    const first = await all.start([approved('one?')])
    const one = await all.asked(first)
    const second = await all.start([part('a')], { policy: { review: true } })
    const two = await all.asked(second)
    const ids = [`Interrupt:${one}`, `Interrupt:${two}`]
    const own = async (filter: object): Promise<unknown[]> =>
      (await inbox(filter)).nodes.map(({ id }) => id).filter((id) => ids.includes(id as string))
    expect(await own({})).toEqual(ids)
    expect(await own({ kind: ['PLAN'] })).toEqual([ids[1]])
    expect(await own({ session: first })).toEqual([ids[0]])
    expect(await own({ project: door.house.projectId, role: 'APPROVER' })).toEqual(ids)
    expect(await own({ role: 'ADMIN' })).toEqual([])
    expect(await own({ project: 'Project:x' })).toEqual([])
    expect(await own({ status: ['ANSWERED'] })).toEqual([])
    const ordered = await door.data(
      '{ interrupts(first: 1, orderBy: { field: EXPIRES_AT, direction: DESC }) { nodes { id } pageInfo { hasNextPage } } }',
    )
    expect(ordered).toMatchObject({ interrupts: { nodes: [{ id: ids[1] }], pageInfo: { hasNextPage: true } } })
    for (const id of [first, second]) await all.act('cancelSession', { id })
  })

  it('has what a child session asks under its root', async () => {
    const child = { pattern: 'SEQUENTIAL', parts: [approved('below?')] }
    const session = await all.start([{ key: 'c', title: 'a child', session: child }])
    await door.house.until(session, ({ executions }) => executions['c']?.childId !== undefined)
    const seen = door.socket().iterate({ query: RAISED, variables: { session } })
    const { value } = await seen.next()
    expect(value?.data).toMatchObject({ interruptRaised: { question: 'below?', session: { depth: 2 } } })
    const { nodes } = await inbox({ session }, 'id session { parent { id } }')
    expect(nodes).toMatchObject([{ session: { parent: { id: `Session:${session}` } } }])
    await all.act('answerInterrupt', { id: nodes[0]?.['id'], choice: 'APPROVE' })
    expect(await door.house.end(session)).toMatchObject({ status: 'SUCCEEDED' })
    expect((await seen.next()).done).toBe(true)
  })
})

const RAISED = `subscription ($project: ID, $session: ID) {
  interruptRaised(project: $project, session: $session) { id kind status question session { id depth } }
}`

describe('interruptRaised', () => {
  it('sends what is open first, then each one once, also those that are answered at once', async () => {
    const waiting = await all.start([approved('before?')])
    await all.asked(waiting)
    const seen = door.socket().iterate<{ interruptRaised: { id: string; question: string } }>({
      query: RAISED,
      variables: { project: door.house.projectId },
    })
    const next = async () => (await seen.next()).value?.data?.interruptRaised as { id: string; question: string }
    let [id, question] = ['', '']
    while (question !== 'before?') ({ id, question } = await next())
    await all.act('answerInterrupt', { id, choice: 'REJECT', text: 'not yet' })
    const again = await next()
    expect(again.question).toBe('before?')
    expect(again.id).not.toBe(id)
    // Whoever answers below the door is faster than any reader.
    const later = await all.start([approved('quick?')])
    const quick = await all.asked(later)
    const { coordinator } = door.house
    await coordinator.answer({ interruptId: quick, answer: { choice: 'APPROVE' }, by: 'x', roles: ['ADMIN'] })
    expect(await next()).toMatchObject({ id: `Interrupt:${quick}`, question: 'quick?' })
    await seen.return?.()
    await all.act('cancelSession', { id: waiting })
  })

  it('misses none of many that come at once', async () => {
    const seen = door.socket().iterate<{ interruptRaised: { question: string } }>({
      query: RAISED,
      variables: { project: door.house.projectId },
    })
    const sessions = await Promise.all(
      Array.from({ length: 12 }, (_, n) =>
        all.start([part('a')], { policy: { review: true }, task: { title: `t${n}` } }),
      ),
    )
    const wanted = new Set(sessions.map((id) => `Session:${id}`))
    const got: string[] = []
    while (got.length < 12) {
      const shown: unknown = (await seen.next()).value?.data?.interruptRaised
      const { session, kind } = shown as { session: { id: string }; kind: string }
      if (wanted.has(session.id) && kind === 'PLAN') got.push(session.id)
    }
    expect(new Set(got).size).toBe(12)
    await seen.return?.()
    for (const id of sessions) await all.act('cancelSession', { id })
  })

  it('of a session that does not exist is an error', async () => {
    const seen = door.socket().iterate({ query: RAISED, variables: { session: 'Session:x' } })
    expect((await seen.next()).value?.errors).toMatchObject([{ extensions: { code: 'NOT_FOUND' } }])
  })
})
