import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Door, openDoor } from './door.ts'
import { type Orchestra, orchestra, part } from './orchestrate.ts'

const workspace = mkdtempSync(join(tmpdir(), 'tutti-checkpoints-'))
const git = (...args: string[]) => execFileSync('git', args, { cwd: workspace })
/** Leaves a file in the workspace. */
const WRITES = `
const { key } = JSON.parse(require('fs').readFileSync(0, 'utf8'))
require('fs').writeFileSync(key + '.txt', key)
console.log(key)`

let door: Door
let all: Orchestra
beforeAll(async () => {
  git('init', '-q')
  writeFileSync(join(workspace, 'kept.txt'), 'kept')
  git('add', '.')
  git('-c', 'user.name=t', '-c', 'user.email=t@example.org', 'commit', '-qm', 'first')
  const commands = {
    writes: { argv: [process.execPath, '-e', WRITES] as [string, ...string[]], cwd: 'workspace' as const },
  }
  door = await openDoor({ inside: { workspace, commands } })
  all = orchestra(door)
  await all.hire('writes', 'write')
})
afterAll(async () => {
  await door.close()
  rmSync(workspace, { recursive: true, force: true })
})

const after = (key: string, before: string, more: object = {}) => part(key, { dependsOn: [before], ...more })
const sleeps = { input: { sleepMs: 60_000 } }
const running = (session: string, key: string) =>
  door.house.until(session, ({ executions }) => executions[key]?.status === 'RUNNING')
const checkpoints = async (session: string) =>
  (
    (await all.session(session, 'checkpoints { seq commit execution { key } }')) as never as {
      checkpoints: { seq: number; commit: string | null; execution: { key: string } }[]
    }
  ).checkpoints

describe('pauseSession and resumeSession', () => {
  it('let nothing new begin, and go on (E73)', async () => {
    const session = await all.start([part('a', { input: { sleepMs: 1_000 } }), after('b', 'a')])
    await running(session, 'a')
    expect(await all.act('pauseSession', { id: session, reason: 'lunch' }, 'status')).toMatchObject({
      session: { status: 'PAUSED' },
    })
    expect(await all.act('pauseSession', { id: session })).toMatchObject({ __typename: 'ConflictError' })
    const state = await door.house.until(session, ({ executions }) => executions['a']?.status === 'ACCEPTED')
    expect(state.executions['b']).toMatchObject({ status: 'READY', attempt: 0 })
    expect(await all.act('resumeSession', { id: session }, 'status')).toMatchObject({ session: { status: 'RUNNING' } })
    expect(await door.house.end(session)).toMatchObject({ status: 'SUCCEEDED' })
    const { waitedMs } = (await all.session(session, 'waitedMs')) as never as { waitedMs: number }
    expect(waitedMs).toBeGreaterThan(0)
    expect(await all.act('resumeSession', { id: session })).toMatchObject({ __typename: 'ConflictError' })
  })
})

describe('sendInput', () => {
  it('reaches what begins later, and what runs begins anew with it, as the policy says (E74)', async () => {
    const session = await all.start([part('a', sleeps)], { policy: { input: 'INTERRUPT' } })
    await running(session, 'a')
    const sent = await all.act(
      'sendInput',
      { sessionId: session, text: 'hurry' },
      'policy { input } inputs { text by at }',
    )
    expect(sent).toMatchObject({
      session: { policy: { input: 'INTERRUPT' }, inputs: [{ text: 'hurry', by: 'local', at: expect.any(String) }] },
    })
    await door.house.until(session, ({ executions }) => executions['a']?.attempt === 2)
    await all.act('cancelSession', { id: session })
    await door.house.end(session)
  })

  it('is refused by a session that takes none', async () => {
    const session = await all.start([part('a', sleeps)])
    expect(await all.act('sendInput', { sessionId: session, text: 'hurry' })).toMatchObject({
      __typename: 'ConflictError',
    })
    expect(await all.act('sendInput', { sessionId: session, text: ' ' })).toMatchObject({
      fields: [{ path: ['text'] }],
    })
    await all.act('cancelSession', { id: session })
    await door.house.end(session)
  })
})

describe('rollbackSession', () => {
  it('undoes what was accepted since a checkpoint, and brings the workspace back (E93, E96)', async () => {
    const compensation = { title: 'undo it', capabilities: ['anything'] }
    const writes = { capabilities: ['write'], compensation }
    const parts = [part('a', writes), after('b', 'a', writes), after('c', 'b', sleeps)]
    const session = await all.start(parts, { pattern: 'SEQUENTIAL' })
    await running(session, 'c')
    const [first, second] = await checkpoints(session)
    expect([first, second]).toMatchObject([
      { execution: { key: 'a' }, commit: expect.stringMatching(/^[\da-f]{40}$/) },
      { execution: { key: 'b' } },
    ])
    expect(existsSync(join(workspace, 'b.txt'))).toBe(true)
    const begun = await all.act(
      'rollbackSession',
      { id: session, checkpoint: first?.seq, reason: 'b was wrong' },
      'status rollback { reason checkpoint }',
    )
    expect(begun).toMatchObject({
      session: {
        status: expect.stringMatching(/^ROLL/),
        rollback: { reason: 'b was wrong', checkpoint: first?.seq },
      },
    })
    expect(await door.house.end(session)).toMatchObject({ status: 'ROLLED_BACK', reason: 'b was wrong' })
    expect(
      await all.session(
        session,
        'baseCommit rollback { phase commit } executions(first: 10) { nodes { key status } } plan { version nodes { key kind undoes } }',
      ),
    ).toMatchObject({
      baseCommit: expect.stringMatching(/^[\da-f]{40}$/),
      rollback: { phase: 'RESTORING', commit: first?.commit },
      executions: {
        nodes: [
          { key: 'a', status: 'ACCEPTED' },
          { key: 'b', status: 'COMPENSATED' },
          { key: 'c', status: 'CANCELED' },
          { key: 'undo-b', status: 'ACCEPTED' },
        ],
      },
      plan: { version: 2, nodes: [{}, {}, {}, { kind: 'UNDO', undoes: 'b' }] },
    })
    expect(['a.txt', 'b.txt', 'kept.txt'].filter((name) => existsSync(join(workspace, name)))).toEqual([
      'a.txt',
      'kept.txt',
    ])
  })

  it('is refused of what has ended, of checkpoints and sessions that do not exist', async () => {
    const session = await all.start([part('a')])
    await door.house.end(session)
    expect(await all.act('rollbackSession', { id: session, checkpoint: 0 })).toMatchObject({
      __typename: 'ConflictError',
    })
    expect(await all.act('rollbackSession', { id: session, checkpoint: 999 })).toMatchObject({
      __typename: 'NotFoundError',
    })
    expect(await all.act('rollbackSession', { id: session, checkpoint: -1 })).toMatchObject({
      fields: [{ path: ['checkpoint'] }],
    })
    for (const verb of ['pauseSession', 'resumeSession', 'forkSession']) {
      expect(await all.act(verb, { id: 'Session:x' })).toMatchObject({ __typename: 'NotFoundError' })
    }
  })
})

describe('retrySession and forkSession', () => {
  it('go on from a checkpoint, and can be held against each other', async () => {
    const session = await all.start([part('a'), after('b', 'a'), after('c', 'b')], { pattern: 'SEQUENTIAL' })
    await door.house.end(session)
    const [first] = await checkpoints(session)
    const fields = 'id retryOf { id } forkOf { id } executions(first: 10) { nodes { key carriedFrom { key } } }'

    expect(await all.act('retrySession', { id: session })).toMatchObject({ __typename: 'ConflictError' })
    expect(await all.act('retrySession', { id: session, from: 'CHECKPOINT' })).toMatchObject({
      fields: [{ path: ['checkpoint'] }],
    })
    expect(await all.act('retrySession', { id: session, from: 'FAILURE', checkpoint: 3 })).toMatchObject({
      fields: [{ path: ['checkpoint'] }],
    })
    expect(await all.act('retrySession', { id: session, from: 'CHECKPOINT', checkpoint: 999 })).toMatchObject({
      __typename: 'NotFoundError',
    })
    const retried = await all.act('retrySession', { id: session, from: 'CHECKPOINT', checkpoint: first?.seq }, fields)
    expect(retried).toMatchObject({
      replayed: false,
      session: {
        retryOf: { id: `Session:${session}` },
        executions: { nodes: [{ carriedFrom: { key: 'a' } }, { carriedFrom: null }, {}] },
      },
    })

    const fork = {
      id: session,
      edits: [{ replace: { key: 'c', title: 'Do c otherwise' } }, { add: after('d', 'c') }],
      idempotencyKey: 'other-c',
    }
    const forked = await all.act('forkSession', fork, fields)
    expect(forked).toMatchObject({
      session: {
        forkOf: { id: `Session:${session}` },
        executions: {
          nodes: [
            { carriedFrom: { key: 'a' } },
            { carriedFrom: { key: 'b' } },
            { key: 'c', carriedFrom: null },
            { key: 'd' },
          ],
        },
      },
    })
    expect(await all.act('forkSession', fork)).toMatchObject({ replayed: true, session: { id: forked.session?.id } })
    expect(await all.act('forkSession', { ...fork, edits: [] })).toMatchObject({ __typename: 'ConflictError' })
    expect(await all.act('forkSession', { id: session, edits: [{ remove: { key: 'x' } }] })).toMatchObject({
      fields: [{ path: ['edits', '0', 'remove', 'key'] }],
    })
    for (const { session } of [retried, forked]) await door.house.end(session?.id.replace('Session:', '') ?? '')

    expect(await all.session(session, 'forks { totalCount nodes { id } } retries { id }')).toEqual({
      forks: { totalCount: 1, nodes: [{ id: forked.session?.id }] },
      retries: [{ id: retried.session?.id }],
    })
    const compare = async (b: string | undefined, at: object = {}) => {
      const data = await door.answer(
        `query ($a: ID!, $b: ID!, $atA: Int, $atB: Int) { compareSessions(a: $a, b: $b, atA: $atA, atB: $atB) {
           a { status } b { id } same different { key fields } onlyInA onlyInB } }`,
        { a: session, b, ...at },
      )
      return data.errors ?? data.data?.['compareSessions']
    }
    expect(await compare(forked.session?.id)).toEqual({
      a: { status: 'SUCCEEDED' },
      b: { id: forked.session?.id },
      same: ['a', 'b', 'c'],
      different: [],
      onlyInA: [],
      onlyInB: ['d'],
    })
    expect(await compare(forked.session?.id, { atA: first?.seq })).toMatchObject({
      same: ['a'],
      onlyInB: ['b', 'c', 'd'],
    })
    expect(await compare('Session:x')).toBeNull()
    expect(await compare(session, { atB: 999 })).toMatchObject([{ extensions: { code: 'NOT_FOUND' } }])
  })
})

describe('a child session', () => {
  it('is found from its parent and leads back to it', async () => {
    const inner = { pattern: 'PARALLEL', aggregate: 'FIRST', parts: [part('x'), part('y')], slice: { executions: 3 } }
    const session = await all.start([part('a'), { key: 'c', title: 'c', dependsOn: ['a'], session: inner }], {
      pattern: 'SEQUENTIAL',
      budget: { executions: { hard: 20 } },
    })
    expect(await door.house.end(session)).toMatchObject({ status: 'SUCCEEDED' })
    const found = await all.session(
      session,
      `depth root { id } parent { id } budget { unit used }
       children { totalCount nodes { depth root { id } parent { id } pattern status analysis { complexity } budget { unit hard } } }
       executions { nodes { key slice { executions } child { id depth parent { id } } } }`,
    )
    const id = `Session:${session}`
    expect(found).toMatchObject({
      depth: 1,
      root: { id },
      parent: null,
      children: {
        totalCount: 1,
        nodes: [
          {
            depth: 2,
            root: { id },
            parent: { id },
            pattern: 'PARALLEL',
            status: expect.stringMatching(/SUCCEEDED|PARTIAL/),
          },
        ],
      },
      executions: {
        nodes: [
          { child: null, slice: null },
          { key: 'c', slice: { executions: 3 }, child: { depth: 2, parent: { id } } },
        ],
      },
    })
    const { children } = found as never as { children: { nodes: [{ budget: object[] }] } }
    expect(children.nodes[0].budget).toContainEqual({ unit: 'EXECUTIONS', hard: 3 })
  })
})
