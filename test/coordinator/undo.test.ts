import { renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { SubTask } from '../../src/core/plan.ts'
import type { SessionState } from '../../src/core/state.ts'
import type { Outcome } from '../../src/runtime.ts'
import { HOUSES, type House, openHouse } from '../house.ts'
import { scratch } from '../servers/process.ts'
import { createRepository, type TestRepository } from '../workspaces/repository.ts'
import { faulty, writes } from './faulty.ts'
import { inside, ok, untilStopped } from './inside.ts'

describe.each(HOUSES)('undoing what child sessions did on $store', (kind) => {
  const agent = inside()
  const faults = faulty()
  const root = scratch('undo')
  let house: House
  let repository: TestRepository
  let count = 0
  beforeAll(async () => {
    house = await openHouse(kind, { runtime: agent, workspace: root, between: faults.between })
  })
  afterAll(async () => {
    await house.close()
    rmSync(root, { recursive: true, force: true })
  })
  beforeEach(async () => {
    agent.begun.length = 0
    faults.heal()
    // Whoever works leaves a file that is named after its part; `c` never comes to an end by itself.
    agent.script = (work, signal) => {
      if (work.key === 'fails') return fails()
      if (!work.key.startsWith('undo-')) repository.write(`${work.key}.txt`, `by ${work.key}`)
      return work.key === 'c' ? untilStopped(work, signal) : ok(`of ${work.key}`)
    }
    repository = createRepository(join(root, `${count++}`), { 'kept.txt': 'kept' })
    await house.database.prisma.project.updateMany({ data: { workspace: repository.folder } })
  })

  const fails = (): Outcome => {
    return { kind: 'ERROR', error: { class: 'VALIDATION', message: 'no' }, evidence: [], usage: {} }
  }
  const part = (key: string, more: Partial<SubTask> = {}): SubTask => {
    return { key, title: key, description: '', capabilities: ['inside'], dependsOn: [], ...more }
  }
  const undone = (key: string, more: Partial<SubTask> = {}): SubTask =>
    part(key, { compensation: { title: `undo ${key}` }, ...more })
  const session = (key: string, parts: SubTask[], more: Partial<SubTask> = {}): SubTask =>
    part(key, { capabilities: [], session: { pattern: 'SEQUENTIAL', parts }, ...more })
  const begun = (what: string) => expect.poll(() => agent.begun).toContain(what)
  const undoing = () => agent.begun.filter((what) => what.startsWith('undo-'))
  const statuses = ({ executions }: SessionState): Record<string, string> =>
    Object.fromEntries(Object.values(executions).map(({ key, status }) => [key, status]))
  /** Works, with `a` and the session `s` behind it. */
  async function working(): Promise<string> {
    const parts = [undone('a'), session('s', [undone('x'), session('t', [undone('y')])]), undone('b'), part('c')]
    const id = await house.start(parts, { pattern: 'SEQUENTIAL' })
    await begun('c 1')
    return id
  }

  it.each(['at once', 'by another server'])('in the reverse order, at every level: %s (E104, E105)', async (when) => {
    const given = new Map<string, unknown>()
    const { script } = agent
    agent.script = (work, signal) => {
      given.set(work.key, work.input)
      return script(work, signal)
    }
    const id = await working()
    if (when === 'by another server') house = await house.crash()
    expect(await house.coordinator.rollBack(id, { toSeq: 0, reason: 'a mistake' })).toMatchObject({ kind: 'MOVED' })
    const ended = await house.end(id)
    expect(ended.status).toBe('ROLLED_BACK')
    expect(undoing()).toEqual(['undo-b 1', 'undo-s/t/y 1', 'undo-s/x 1', 'undo-a 1'])
    expect(given.get('undo-s/t/y')).toEqual({ input: null, of: { key: 's/t/y', input: null, output: 'of y' } })
    expect(statuses(ended)).toMatchObject({ a: 'COMPENSATED', s: 'ACCEPTED', b: 'COMPENSATED', c: 'CANCELED' })
    expect(repository.files()).toEqual({ 'kept.txt': 'kept' })
  })

  it('goes back to the checkpoint after a child session, which has the workspace as that left it (E70)', async () => {
    const id = await working()
    const { executions } = await house.until(id, () => true)
    const where = { sessionId: id, executionId: executions['s']?.id as string }
    const after = await house.database.prisma.checkpoint.findFirstOrThrow({ where })
    expect(after.commit).toMatch(/^[0-9a-f]{40}$/)
    await house.coordinator.rollBack(id, { toSeq: after.seq, reason: 'a mistake' })
    expect((await house.end(id)).status).toBe('ROLLED_BACK')
    expect(undoing()).toEqual(['undo-b 1'])
    expect(Object.keys(repository.files())).toEqual(['a.txt', 'kept.txt', 'x.txt', 'y.txt'])
  })

  it('by a child that fails: it undoes its own, and takes nothing of what others did meanwhile (E106)', async () => {
    const policy = { rollback: true }
    const child = session('s', [undone('x'), part('fails')], { optional: true, dependsOn: ['a'] })
    const ended = await house.end(await house.start([undone('a'), child], { policy }))
    expect(ended).toMatchObject({ status: 'PARTIAL', executions: { s: { error: { class: 'CHILD' } } } })
    expect(undoing()).toEqual(['undo-x 1'])
    expect(Object.keys(repository.files())).toEqual(['a.txt', 'kept.txt', 'x.txt'])
    const [row] = await house.database.prisma.session.findMany({ where: { parentSessionId: ended.id } })
    expect(row).toMatchObject({ status: 'ROLLED_BACK', rollback: { phase: 'COMPENSATING' } })
    expect(ended.executions['s']?.undo).toBeUndefined()
  })

  it('of which one failed and one was stopped (E105)', async () => {
    const parts = [session('s', [undone('x'), part('fails')]), session('t', [undone('y'), part('c')])]
    const id = await house.start(parts, { pattern: 'PARALLEL' })
    await begun('c 1')
    await house.until(id, ({ executions }) => executions['s']?.status === 'FAILED')
    await house.coordinator.rollBack(id, { toSeq: 0, reason: 'a mistake' })
    const ended = await house.end(id)
    expect(statuses(ended)).toMatchObject({ s: 'FAILED', t: 'CANCELED' })
    expect(undoing()).toEqual(['undo-t/y 1', 'undo-s/x 1'])
    expect(repository.files()).toEqual({ 'kept.txt': 'kept' })
  })

  it('fails the part, as an agent’s would, where the workspace cannot be kept after it', async () => {
    // The child ends before its parent does.
    const held = faults.holdAt(writes('SESSION_SUCCEEDED'))
    const id = await house.start([session('s', [undone('x')])])
    await held.reached
    renameSync(repository.folder, `${repository.folder}-gone`)
    held.go()
    const ended = await house.end(id)
    const message = expect.stringContaining('what the workspace holds after it cannot be kept')
    expect(ended).toMatchObject({ status: 'FAILED', executions: { s: { error: { class: 'CHILD', message } } } })
    expect(ended.executions['s']?.undo).toMatchObject([{ key: 'x' }])
  })
})
