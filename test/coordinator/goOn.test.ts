import { execFileSync } from 'node:child_process'
import { mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { StartResult } from '../../src/coordinator/coordinator.ts'
import type { PlanEdit } from '../../src/core/edit.ts'
import { idFrom } from '../../src/core/hash.ts'
import type { SubTask } from '../../src/core/plan.ts'
import type { SessionState } from '../../src/core/state.ts'
import { isEnded, type SessionStatus } from '../../src/core/session.ts'
import { HOUSES, type House, openHouse } from '../house.ts'
import { asked, say } from './asking.ts'
import { inside, ok } from './inside.ts'

describe.each(HOUSES)('going on from another session on $store', (kind) => {
  const agent = inside()
  let workspace: string
  let house: House
  beforeAll(async () => {
    workspace = mkdtempSync(join(tmpdir(), 'tutti-go-on-'))
    execFileSync('git', ['init', '-q'], { cwd: workspace })
    house = await openHouse(kind, { runtime: agent, workspace })
  })
  afterAll(async () => {
    await house.close()
    rmSync(workspace, { recursive: true, force: true })
  })
  beforeEach(() => agent.renew())

  const part = (key: string, more: Partial<SubTask> = {}): SubTask => {
    return { key, title: key, description: key, capabilities: ['inside'], dependsOn: [], ...more }
  }
  const begun = () => agent.begun.splice(0)
  const idOf = (result: StartResult): string => {
    expect(result).toMatchObject({ kind: 'STARTED' })
    return (result as Extract<StartResult, { kind: 'STARTED' }>).sessionId
  }
  const again: Record<string, (sessionId: string) => Promise<StartResult>> = {
    retry: (sessionId) => house.coordinator.retry(sessionId),
    fork: (sessionId) => house.coordinator.fork({ sessionId }),
  }
  const failing = (key: string): void => {
    agent.script = (work) =>
      work.key === key
        ? { kind: 'ERROR', error: { class: 'VALIDATION', message: 'no' }, evidence: [], usage: {} }
        : ok(work.key)
  }

  it.each(Object.keys(again))('hands what people told the earlier one to what it does anew: %s (E74)', async (verb) => {
    const notes: [string, string[]][] = []
    const told = Promise.withResolvers<void>()
    agent.script = async ({ key, notes: own }) => {
      notes.push([key, own])
      if (key === 'a') await told.promise
      return key === 'a' ? ok() : { kind: 'ERROR', error: { class: 'AUTH', message: 'no' }, evidence: [], usage: {} }
    }
    const id = await house.start([part('a'), part('b', { dependsOn: ['a'] })], { policy: { input: 'ENQUEUE' } })
    await expect.poll(() => agent.begun).toContain('a 1')
    expect(await house.coordinator.input(id, 'be brief', 'me')).toMatchObject({ kind: 'MOVED' })
    told.resolve()
    expect(await house.end(id)).toMatchObject({ status: 'FAILED' })
    const { inputs } = await house.end(idOf(await again[verb]!(id)))
    expect(inputs).toMatchObject([{ text: 'be brief', by: 'me' }])
    expect(notes).toEqual([
      ['a', []],
      ['b', ['be brief']],
      ['b', ['be brief']],
    ])
  })

  it.each(Object.keys(again))('does again what a rollback has undone: %s (E71, E96)', async (verb) => {
    failing('b')
    const id = await house.start([part('a'), part('b', { dependsOn: ['a'] })], { policy: { rollback: true } })
    expect(await house.end(id)).toMatchObject({ status: 'ROLLED_BACK', executions: { a: { status: 'ACCEPTED' } } })
    expect(begun()).toEqual(['a 1', 'b 1'])
    agent.script = () => ok()
    expect(await house.end(idOf(await again[verb]!(id)))).toMatchObject({ status: 'SUCCEEDED' })
    expect(begun()).toEqual(['a 1', 'b 1'])
  })

  it.each<[string, PlanEdit[]]>([
    [
      'whatever has the key of a part that was taken out',
      [
        { kind: 'REMOVE', key: 'b' },
        { kind: 'ADD', subTask: part('b', { title: 'something else', dependsOn: ['a'] }) },
      ],
    ],
    ['what was made from a part that was taken out', [{ kind: 'REMOVE', key: 'a' }]],
  ])('does anew %s (E71)', async (_, edits) => {
    const id = await house.start([part('a'), part('b', { dependsOn: ['a'] })], { pattern: 'PIPELINE' })
    expect(await house.end(id)).toMatchObject({ status: 'SUCCEEDED' })
    begun()
    const forked = idOf(await house.coordinator.fork({ sessionId: id, edits }))
    expect(await house.end(forked)).toMatchObject({ status: 'SUCCEEDED' })
    expect(begun()).toEqual(['b 1'])
  })

  it.each(Object.keys(again))('asks for the approval that the first one never got: %s (E72)', async (verb) => {
    const id = await house.start([part('a')], { policy: { review: true } })
    await say(house, await asked(house, id), { choice: 'REJECT' })
    expect(await house.end(id)).toMatchObject({ status: 'CANCELED' })
    const next = idOf(await again[verb]!(id))
    const isOpen = ({ status }: { status: SessionStatus }) => status === 'AWAITING_APPROVAL' || isEnded(status)
    expect(await house.until(next, isOpen)).toMatchObject({ status: 'AWAITING_APPROVAL', executions: {} })
    await say(house, await asked(house, next), { choice: 'APPROVE' })
    expect(await house.end(next)).toMatchObject({ status: 'SUCCEEDED' })
    // What has been approved once is not asked about again.
    expect(await house.end(idOf(await house.coordinator.fork({ sessionId: next })))).toMatchObject({
      status: 'SUCCEEDED',
    })
  })

  const waits = async (sessionId: string) => {
    const isOpen = ({ status }: { status: SessionStatus }) => status === 'AWAITING_APPROVAL' || isEnded(status)
    expect(await house.until(sessionId, isOpen)).toMatchObject({ status: 'AWAITING_APPROVAL', executions: {} })
    return asked(house, sessionId)
  }
  const anew: PlanEdit[] = [{ kind: 'REPLACE', key: 'b', changes: { title: 'something else' } }]
  const reviewed = async (): Promise<SessionState> => {
    const id = await house.start([part('a'), part('b', { dependsOn: ['a'] })], { policy: { review: true } })
    await say(house, await asked(house, id), { choice: 'APPROVE' })
    const state = await house.end(id)
    begun()
    return state
  }

  it('asks for approval of what a fork changes in an approved plan, and takes over what was shown (E72)', async () => {
    const first = await reviewed()
    // A fork of the plan as it was is not reviewed, and makes none unreviewed that changes it.
    const same = idOf(await house.coordinator.fork({ sessionId: first.id }))
    expect(await house.end(same)).toMatchObject({ status: 'SUCCEEDED', policy: { review: true } })
    const changed = idOf(await house.coordinator.fork({ sessionId: same, edits: anew }))
    const interrupt = await waits(changed)
    const { executions } = await house.end(same)
    expect(interrupt.shown).toMatchObject({ plan: { nodes: [{}, { title: 'something else' }] } })
    expect(interrupt.shown).toMatchObject({ carried: { a: executions['a']?.id } })
    expect(begun()).toEqual([])
    await say(house, interrupt, { choice: 'APPROVE' })
    expect(await house.end(changed)).toMatchObject({
      status: 'SUCCEEDED',
      executions: { a: { carriedId: first.executions['a']?.id } },
    })
    expect(begun()).toEqual(['b 1'])
  })

  it('does anew what an edit changes while such a fork is under review (E71)', async () => {
    const { id } = await reviewed()
    const forked = idOf(await house.coordinator.fork({ sessionId: id, edits: anew }))
    await waits(forked)
    await house.coordinator.edit(forked, [{ kind: 'REPLACE', key: 'a', changes: { title: 'another a' } }], 'me')
    await say(house, await waits(forked), { choice: 'APPROVE' })
    expect(await house.end(forked)).toMatchObject({ status: 'SUCCEEDED' })
    expect(begun()).toEqual(['a 1', 'b 1'])
  })

  it('does anew what was undone while a fork of it was under review (E71)', async () => {
    const release = Promise.withResolvers<void>()
    agent.script = async ({ key, sessionId }) => {
      if (key === 'b' && sessionId === first) await release.promise
      return ok()
    }
    const parts = [part('a'), part('b', { dependsOn: ['a'] })]
    const first = await house.start(parts, { policy: { review: true } })
    await say(house, await asked(house, first), { choice: 'APPROVE' })
    await expect.poll(() => agent.begun).toContain('b 1')
    const forked = idOf(await house.coordinator.fork({ sessionId: first, edits: anew }))
    expect((await waits(forked)).shown).toMatchObject({ carried: {} })
    await house.coordinator.rollBack(first, { toSeq: 0, reason: 'all wrong' })
    release.resolve()
    expect(await house.end(first)).toMatchObject({ status: 'ROLLED_BACK' })
    begun()
    await say(house, await asked(house, forked), { choice: 'APPROVE' })
    expect(await house.end(forked)).toMatchObject({ status: 'SUCCEEDED' })
    expect(begun()).toEqual(['a 1', 'b 1'])
  })

  it('asks for approval of what a fork changes in a child session of an approved plan (E72)', async () => {
    const session = { pattern: 'SEQUENTIAL' as const, parts: [part('c')] }
    const child = part('b', { capabilities: [], session })
    const id = await house.start([child], { policy: { review: true } })
    await say(house, await asked(house, id), { choice: 'APPROVE' })
    const { executions } = await house.end(id)
    const edits: PlanEdit[] = [{ kind: 'REPLACE', key: 'c', changes: { title: 'something else' } }]
    const sessionId = executions['b']?.childId as string
    await waits(idOf(await house.coordinator.fork({ sessionId, edits })))
  })

  it('loses no edit of a plan when two are made at once (E103)', async () => {
    const id = await house.start([part('a'), part('b'), part('c')], { policy: { review: true } })
    const edits = ['a', 'b', 'c'].map((key) => {
      return house.coordinator.edit(id, [{ kind: 'REPLACE', key, changes: { title: `new ${key}` } }], 'me')
    })
    const results = await Promise.all(edits)
    const { plan } = await house.until(id, () => true)
    const titles = plan.nodes.filter(({ title }) => title.startsWith('new')).length
    expect(titles).toBe(results.filter((result) => result.kind === 'MOVED').length)
    expect(titles).toBe(3)
  })

  it('says why a workspace cannot be kept before anything begins', async () => {
    const away = `${workspace}-away`
    renameSync(workspace, away)
    try {
      const task = { title: 'x', description: 'x', subTasks: [part('a')] }
      const { projectId } = house
      const result = house.coordinator.start({ projectId, task, pattern: 'PARALLEL', policy: { snapshots: true } })
      expect(await result.catch((error: Error) => error)).toMatchObject({ kind: 'CONFLICT' })
    } finally {
      renameSync(away, workspace)
    }
  })

  it('fails a child session before which the workspace cannot be kept, and does not wait for it (E91)', async () => {
    agent.script = ({ sessionId }) => {
      // No name for a snapshot can lie below what is one itself.
      const commit = execFileSync('git', ['for-each-ref', '--count=1', '--format=%(objectname)', 'refs/tutti'], {
        cwd: workspace,
      })
      const name = `refs/tutti/${idFrom(sessionId, 'child', 'b', 1)}`
      execFileSync('git', ['update-ref', name, `${commit}`.trim()], { cwd: workspace })
      return ok()
    }
    const session = { pattern: 'PARALLEL' as const, parts: [part('c')] }
    const b = part('b', { capabilities: [], dependsOn: ['a'], session })
    const id = await house.start([part('a'), b], { policy: { snapshots: true } })
    expect(await house.end(id)).toMatchObject({
      executions: { a: { status: 'ACCEPTED' }, b: { status: 'FAILED', error: { class: 'CHILD' } } },
    })
  })
})
