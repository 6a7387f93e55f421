import { readFileSync } from 'node:fs'
import { v4, v7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Door, openDoor } from './door.ts'
import { type Orchestra, orchestra, part } from './orchestrate.ts'
import { held, hire as hireFor, start as startFor, type Working, working } from './working.ts'

let door: Door
let admin: Door
let all: Orchestra
let worker: Working
beforeAll(async () => {
  door = await openDoor()
  admin = door.as(await door.token(['ADMIN'], { name: 'root' }))
  all = orchestra(admin)
  worker = working(door.as(await door.token(['AGENT'], { name: 'robot', projectId: door.house.projectId })))
})
afterAll(() => door.close())

const hire = (name: string, more: object = {}, by: Door = admin) => hireFor(by, name, more)
const start = (name: string, more: object = {}, input: object = {}, by: Orchestra = all) =>
  startFor(by, name, more, input)

/** The one execution of a session. */
async function execution(session: string, fields: string): Promise<Record<string, never>> {
  const { executions } = await all.session(session, `executions { nodes { ${fields} } }`)
  return (executions as unknown as { nodes: Record<string, never>[] }).nodes[0] as Record<string, never>
}
const status = async (id: string) =>
  ((await admin.data('query ($id: ID!) { node(id: $id) { ... on Agent { status reason } } }', { id }))['node'] ??
    {}) as { status: string; reason: string | null }

describe('work', () => {
  it('waits until a worker comes, is claimed, shown and completed', async () => {
    const agent = await hire('write')
    expect(agent).toMatchObject({ status: 'OFFLINE', reason: expect.stringContaining('docs/runtimes/pull.md') })
    const session = await start('write', { input: { n: 1 } })
    expect(await execution(session, 'status')).toMatchObject({ status: 'READY' })

    const claimed = await worker.claim(agent.id, { leaseMs: 60_000 })
    expect(claimed).toMatchObject({ fence: 1, work: { key: 'a', input: { n: 1 }, attempt: 1, sessionId: session } })
    expect(claimed.work).not.toHaveProperty('outputDir')
    expect(await status(agent.id)).toMatchObject({ status: 'ONLINE', reason: null })
    expect(await execution(session, 'status')).toMatchObject({ status: 'RUNNING' })

    const own = held(claimed)
    expect(await worker.tell('heartbeat', own)).toMatchObject({ canceled: false, leaseUntil: expect.any(String) })
    const activities = ['one', 'two'].map((text) => ({ kind: 'ACTION', text }))
    expect(await worker.tell('reportActivity', { ...own, activities, first: 1 })).toMatchObject({ canceled: false })
    // The answer got lost, and more has happened since.
    const more = [...activities, { text: '\u001B[31mthree\u001B[0m' }]
    await worker.tell('reportActivity', { ...own, activities: more, first: 1 })
    const result = {
      ...own,
      summary: 'wrote\n it',
      output: { words: 3 },
      evidence: [{ name: 'words', kind: 'COUNT', passed: true, detail: { words: 3 } }],
      files: [
        { name: 'deep/er/notes.md', text: 'ünï' },
        { name: 'raw.bin', base64: Buffer.from([0, 255]).toString('base64'), mediaType: 'application/x-raw' },
      ],
      usage: { inputTokens: 12, outputTokens: 3, cost: 0.5 },
    }
    expect(await worker.tell('completeWork', result)).toMatchObject({ replayed: false })
    expect(await door.house.end(session)).toMatchObject({ status: 'SUCCEEDED' })

    const done = await execution(
      session,
      'summary output evidence { name detail } activities { nodes { kind text } } artifacts { nodes { id name kind mediaType sha256 } } attempts { usage { inputTokens cost } }',
    )
    expect(done).toMatchObject({
      summary: 'wrote it',
      output: { words: 3 },
      evidence: [{ name: 'worker', detail: { name: 'one' } }, { name: 'words' }],
      activities: { nodes: [{ text: 'one' }, { text: 'two' }, { kind: 'MESSAGE', text: 'three' }] },
      artifacts: {
        nodes: [
          { name: 'deep/er/notes.md', kind: 'FILE', mediaType: 'text/markdown' },
          { name: 'raw.bin', mediaType: 'application/x-raw' },
        ],
      },
      attempts: [{ usage: { inputTokens: 12, cost: 0.5 } }],
    })
    const [notes] = (done['artifacts'] as unknown as { nodes: { sha256: string }[] }).nodes
    expect(readFileSync(door.house.artifacts.path(notes?.sha256 ?? ''), 'utf8')).toBe('ünï')

    // Also long after.
    expect(await worker.tell('completeWork', result)).toMatchObject({ replayed: true })
    expect(await worker.tell('completeWork', { ...result, summary: 'other' })).toMatchObject({ code: 'CONFLICT' })
    expect(await worker.tell('failWork', { ...own, message: 'no' })).toMatchObject({ code: 'CONFLICT' })
    expect(await worker.tell('heartbeat', own)).toMatchObject({ code: 'CONFLICT' })
    const [row] = await door.house.database.query('SELECT work, report, shown FROM "Offer" WHERE "attemptId" = $1', [
      own.attempt.replace('Attempt:', ''),
    ])
    expect(row).toEqual({ work: null, report: null, shown: [] })
  })

  it('is handed to exactly one of sixteen workers at once, the highest priority and the oldest first', async () => {
    const agent = await hire('crowd', { slots: 50 })
    await worker.tell('claimWork', { agent: agent.id, worker: 'early' })
    const sessions: string[] = []
    for (const priority of [0, 0, 9, 0, -9, 0]) {
      sessions.push(
        await start(
          'crowd',
          {},
          { task: { title: 't', priority, subTasks: [part('a', { capabilities: ['crowd'] })] } },
        ),
      )
    }
    const { database } = door.house
    await expect.poll(() => database.prisma.offer.count({ where: { agentId: agent.id.replace('Agent:', '') } })).toBe(6)
    const order = await database.query<{ id: string }>(
      `SELECT "attemptId" AS id FROM "Offer" WHERE "agentId" = $1 ORDER BY priority DESC, "createdAt", "attemptId"`,
      [agent.id.replace('Agent:', '')],
    )
    const first = await worker.claim('crowd')
    expect(first).toMatchObject({ attempt: `Attempt:${order[0]?.id}`, work: { sessionId: sessions[2] } })
    const others = await Promise.all(
      Array.from({ length: 16 }, (_, n) => worker.tell('claimWork', { agent: agent.id, worker: `w${n}` })),
    )
    const got = others.flatMap(({ work }) => work ?? [])
    expect(got.map(({ attempt }) => attempt).toSorted()).toEqual(
      order
        .slice(1)
        .map(({ id }) => `Attempt:${id}`)
        .toSorted(),
    )
    for (const claimed of [first, ...got]) {
      expect(claimed.fence).toBe(1)
      await worker.tell('completeWork', { ...held(claimed), summary: 'done', output: 1 })
    }
    for (const session of sessions) expect(await door.house.end(session)).toMatchObject({ status: 'SUCCEEDED' })
  })

  it('goes to another worker once the lease has run out, and the first one is told that it is stale', async () => {
    await hire('vanish')
    const session = await start('vanish')
    const first = await worker.claim('vanish', { leaseMs: 1_000 })
    const second = await worker.claim('vanish', { worker: 'two' })
    expect(second).toMatchObject({ attempt: first.attempt, fence: 2 })
    const result = { summary: 'done', output: 'by the first' }
    for (const [mutation, more] of [
      ['heartbeat', {}],
      ['reportActivity', { activities: [{ text: 'still here' }] }],
      ['completeWork', result],
      ['failWork', { message: 'no' }],
    ] as const) {
      expect(await worker.tell(mutation, { ...held(first), ...more })).toMatchObject({
        __typename: 'StaleLeaseError',
        code: 'STALE_LEASE',
        message: expect.stringContaining('another worker'),
      })
    }
    await worker.tell('completeWork', { ...held(second), summary: 'done', output: 'by the second' })
    await door.house.end(session)
    const ended = await execution(session, 'output activities { nodes { text } }')
    expect(ended).toMatchObject({ output: 'by the second' })
    expect(JSON.stringify(ended['activities'])).toContain('Worker one has been silent')
    expect(JSON.stringify(ended['activities'])).not.toContain('still here')
  })

  it('that several workers fell silent over is given up, since it may be what fells them', async () => {
    await hire('poison')
    const session = await start('poison', { maxAttempts: 1 })
    for (const fence of [1, 2, 3]) expect((await worker.claim('poison', { leaseMs: 1_000 })).fence).toBe(fence)
    expect(await door.house.end(session)).toMatchObject({ status: 'FAILED' })
    expect(await execution(session, 'error { class message }')).toMatchObject({
      error: { class: 'CRASH', message: expect.stringContaining('3 workers fell silent') },
    })
  })

  it('is handed out again to whoever asks with the same key, as long as they have it', async () => {
    await hire('lost')
    const session = await start('lost')
    const ask = { idempotencyKey: 'ask-1', leaseMs: 60_000 }
    const claimed = await worker.claim('lost', ask)
    expect(await worker.claim('lost', ask)).toMatchObject(held(claimed))
    expect(await worker.tell('claimWork', { agent: 'lost', worker: 'x', idempotencyKey: 'ask-2' })).toMatchObject({
      work: null,
    })
    const other = working(door.as(await door.token(['AGENT'], { name: 'another' })))
    expect(await other.tell('claimWork', { agent: 'lost', worker: 'x', ...ask })).toMatchObject({ work: null })
    // Nor can somebody else speak of it.
    expect(await other.tell('completeWork', { ...held(claimed), summary: 'x', output: 1 })).toMatchObject({
      code: 'STALE_LEASE',
    })
    await worker.tell('completeWork', { ...held(claimed), summary: 'x', output: 1 })
    await door.house.end(session)
  })

  it('is told to be canceled, and what comes late counts for nothing', async () => {
    await hire('cancel')
    const session = await start('cancel')
    const claimed = await worker.claim('cancel', { leaseMs: 60_000 })
    await all.act('cancelSession', { id: session })
    expect(await door.house.end(session)).toMatchObject({ status: 'CANCELED' })
    const own = held(claimed)
    expect(await worker.tell('heartbeat', own)).toMatchObject({ canceled: true, leaseUntil: null })
    expect(await worker.tell('reportActivity', { ...own, activities: [{ text: 'x' }] })).toMatchObject({
      canceled: true,
    })
    expect(await worker.tell('completeWork', { ...own, summary: 'x', output: 1 })).toMatchObject({
      code: 'STALE_LEASE',
    })
    expect(await worker.tell('claimWork', { agent: 'cancel', worker: 'x' })).toMatchObject({ work: null })
  })

  it('ends as the worker says: with a question, a failure that is tried again, or nothing to show', async () => {
    await hire('ask')
    const asking = await start('ask')
    const claimed = await worker.claim('ask')
    const ask = { question: 'Where to?', shown: ['here', 'there'] }
    expect(await worker.tell('completeWork', { ...held(claimed), ask, summary: 'x' })).toMatchObject({
      fields: [{ path: ['summary'] }],
    })
    await worker.tell('completeWork', { ...held(claimed), ask, usage: { inputTokens: 1 } })
    const interrupt = await all.asked(asking)
    await all.act('answerInterrupt', { id: interrupt, choice: 'ANSWER', text: 'there' })
    const answered = await worker.claim('ask')
    expect(answered.work).toMatchObject({ replies: [{ question: 'Where to?', text: 'there' }] })
    await worker.tell('failWork', { ...held(answered), class: 'UNAVAILABLE', message: 'the road is closed' })
    const again = await worker.claim('ask')
    expect(again.attempt).not.toBe(answered.attempt)
    await worker.tell('completeWork', { ...held(again), summary: 'nothing at all' })
    const last = await worker.claim('ask')
    await worker.tell('failWork', { ...held(last), class: 'VALIDATION', message: 'that is no place' })
    expect(await door.house.end(asking)).toMatchObject({ status: 'FAILED' })
    const { attempts } = await execution(asking, 'attempts { status error { class message } }')
    expect(attempts).toMatchObject([
      { status: 'OK' },
      { error: { class: 'UNAVAILABLE', message: 'the road is closed' } },
      { status: 'OK', error: null },
      { error: { class: 'VALIDATION' } },
    ])
  })

  it('has no attempt of its own any more once its server was killed: the next one puts it on offer anew', async () => {
    // Its doors stay open: what was killed does not stop in order.
    const alone = await openDoor()
    const own = working(alone)
    await hire('crash', { project: alone.house.projectId }, alone)
    const session = await start('crash', {}, {}, orchestra(alone))
    const claimed = await own.claim('crash', { leaseMs: 60_000 })
    const again = await alone.house.crash()
    const report = { ...held(claimed), summary: 'x', output: 'too late' }
    expect(await own.tell('completeWork', report)).toMatchObject({ code: 'STALE_LEASE' })
    const second = await own.claim('crash')
    expect(second).toMatchObject({ fence: 1, work: { attempt: 2 } })
    await own.tell('completeWork', { ...held(second), summary: 'x', output: 'in time' })
    expect(await again.end(session)).toMatchObject({ status: 'SUCCEEDED' })
    await again.close()
  })
})

describe('waiting for work', () => {
  it('ends as soon as there is some, on any server, and tells whoever watches', async () => {
    const agent = await hire('wait')
    const beside = await admin.beside()
    const watched = beside.socket().iterate<{ workAvailable: { waiting: number } }>({
      query: 'subscription ($id: ID!) { workAvailable(agent: $id) { waiting } }',
      variables: { id: agent.id },
    })
    expect((await watched.next()).value?.data).toEqual({ workAvailable: { waiting: 0 } })
    const asked = worker.claim('wait', { worker: 'patient' })
    const session = await start('wait')
    const claimed = await asked
    await worker.tell('failWork', { ...held(claimed), message: 'again' })
    // Nobody waits for the second attempt.
    expect((await watched.next()).value?.data).toEqual({ workAvailable: { waiting: 1 } })
    const second = await working(beside).claim(agent.id)
    await working(beside).tell('completeWork', { ...held(second), summary: 'x', output: 1 })
    expect(await door.house.end(session)).toMatchObject({ status: 'SUCCEEDED' })
    await watched.return?.()
  })

  it('of whoever has hung up ends, and nothing is handed to them', async () => {
    await hire('gone')
    const controller = new AbortController()
    const before = door.listening()
    const asked = fetch(`${door.url}/graphql`, {
      method: 'POST',
      signal: controller.signal,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${await door.token(['AGENT'])}` },
      body: JSON.stringify({
        query: 'mutation { claimWork(input: { agent: "gone", worker: "w", waitMs: 25000 }) { __typename } }',
      }),
    }).catch(() => 'hung up')
    await expect.poll(() => door.listening()).toBe(before + 1)
    controller.abort()
    expect(await asked).toBe('hung up')
    await expect.poll(() => door.listening()).toBe(before)
    const session = await start('gone')
    expect(await worker.claim('gone')).toMatchObject({ fence: 1 })
    await all.act('cancelSession', { id: session })
    await door.house.end(session)
  })

  it('is in vain for too long: work that no worker takes fails, and says what to do', async () => {
    const hasty = await openDoor({ inside: { pull: { claimMs: 50 } } })
    try {
      const project = hasty.house.projectId
      await hire('nobody', { project }, hasty)
      await working(hasty).tell('claimWork', { agent: 'nobody', worker: 'gone at once' })
      const session = await start('nobody', { maxAttempts: 1 }, {}, orchestra(hasty))
      const { executions } = await hasty.house.end(session)
      expect(executions['a']?.error).toMatchObject({
        class: 'UNAVAILABLE',
        message: expect.stringMatching(/within 50 ms.*more workers for the agent nobody/),
      })
    } finally {
      await hasty.close()
    }
  })
})

describe('who may claim what', () => {
  it('a token of another project is handed nothing of this one, though the agent is for all', async () => {
    const shared = await hire('shared', { project: undefined })
    const session = await start('shared')
    const own = v7()
    await door.house.database.prisma.project.create({ data: { id: own, name: 'elsewhere', workspace: '/tmp' } })
    const stranger = working(door.as(await door.token(['AGENT'], { name: 'stranger', projectId: own })))
    expect(await stranger.tell('claimWork', { agent: shared.id, worker: 'x', waitMs: 500 })).toMatchObject({
      work: null,
    })
    const claimed = await worker.claim(shared.id)
    const said = { ...held(claimed), summary: 'x', output: 'forged' }
    const unknown = await stranger.tell('completeWork', { ...said, attempt: `Attempt:${v4()}` })
    expect(await stranger.tell('completeWork', said)).toEqual(unknown)
    expect(unknown).toMatchObject({ code: 'NOT_FOUND' })
    await worker.tell('completeWork', { ...said, output: 'mine' })
    expect(await door.house.end(session)).toMatchObject({ status: 'SUCCEEDED', output: 'mine' })
  })

  it('takes the role AGENT, and a token that holds', async () => {
    await hire('role')
    const input = { agent: 'role', worker: 'x' }
    for (const role of ['VIEWER', 'OPERATOR', 'APPROVER'] as const) {
      const other = working(door.as(await door.token([role])))
      expect(await other.tell('claimWork', input)).toMatchObject({ code: 'FORBIDDEN' })
    }
    const expiresAt = new Date(Date.now() + 400)
    const short = door.as(await door.token(['AGENT'], { expiresAt }))
    const body = { query: 'mutation { claimWork(input: { agent: "role", worker: "x" }) { __typename } }' }
    await expect.poll(async () => (await short.post(body)).status).toBe(401)
  })

  it('is for agents of workers that are not switched off', async () => {
    const { id } = await hire('off')
    await admin.data('mutation ($id: ID!) { updateAgent(input: { id: $id, disabled: true }) { __typename } }', { id })
    expect(await worker.tell('claimWork', { agent: id, worker: 'x' })).toMatchObject({ code: 'CONFLICT' })
    expect(await worker.tell('claimWork', { agent: 'telepathy', worker: 'x' })).toMatchObject({ code: 'NOT_FOUND' })
    const command = await door.house.database.prisma.agent.findFirstOrThrow({ where: { runtime: 'command' } })
    expect(await worker.tell('claimWork', { agent: command.id, worker: 'x' })).toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('command'),
    })
    await hire('twice')
    await hire('twice', { project: undefined })
    expect(await worker.tell('claimWork', { agent: 'twice', worker: 'x' })).toMatchObject({ code: 'INVALID_INPUT' })
  })
})
