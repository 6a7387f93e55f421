import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Choice } from '../../src/core/interrupt.ts'
import type { SubTask } from '../../src/core/plan.ts'
import type { SessionPolicy, SessionState } from '../../src/core/state.ts'
import type { Outcome } from '../../src/runtime.ts'
import { eventsOf } from '../database.ts'
import { HOUSES, type House, openHouse } from '../house.ts'
import { scratch } from '../servers/process.ts'
import { createRepository, type TestRepository } from '../workspaces/repository.ts'
import { asked, say } from './asking.ts'
import { inside, ok, untilStopped } from './inside.ts'

describe.each(HOUSES)('a rollback on $store', (kind) => {
  const agent = inside()
  const root = scratch('rollback')
  let house: House
  let repository: TestRepository
  let log: string
  let count = 0
  beforeAll(async () => {
    const commands = { gate: { argv: ['sh', 'gate.sh'] as [string, ...string[]] } }
    house = await openHouse(kind, { runtime: agent, workspace: root, commands })
  })
  afterAll(async () => {
    await house.close()
    rmSync(root, { recursive: true, force: true })
  })
  beforeEach(() => agent.renew())

  /** The project works in a repository of its own from now on. */
  async function inRepository(): Promise<void> {
    log = join(house.dataDir, `log-${count}`)
    repository = createRepository(join(root, `${count++}`), { 'kept.txt': 'kept', 'a.txt': 'as it was' })
    await house.database.prisma.project.updateMany({ data: { workspace: repository.folder } })
  }

  const part = (key: string, more: Partial<SubTask> = {}): Partial<SubTask> => {
    return { key, capabilities: ['inside'], compensation: { title: `undo ${key}` }, ...more }
  }
  /** A part that a real program does, and undoes. */
  const real = (key: string, input: object = {}): Partial<SubTask> => ({
    key,
    capabilities: ['anything'],
    input: { log, write: `${key}.txt`, ...input },
    compensation: { title: `undo ${key}`, capabilities: ['anything'], input: { log } },
  })
  const logged = (): string[] =>
    existsSync(log)
      ? readFileSync(log, 'utf8')
          .trim()
          .split('\n')
          .map((line) => line.split(' ').slice(0, 2).join(' '))
      : []
  const sequence = (parts: Partial<SubTask>[], policy: Partial<SessionPolicy> = {}): Promise<string> =>
    house.start(parts, { pattern: 'SEQUENTIAL', policy })
  const statuses = ({ executions }: SessionState): Record<string, string> =>
    Object.fromEntries(Object.values(executions).map(({ key, status }) => [key, status]))
  const fails = (message = 'no'): Outcome => {
    return { kind: 'ERROR', error: { class: 'VALIDATION', message }, evidence: [], usage: {} }
  }
  /** Both were done by real programs, a third one works. */
  async function working(): Promise<string> {
    const id = await sequence([real('a'), real('b'), real('c', { sleepMs: 60_000 })])
    await expect.poll(() => repository.files()['c.txt']).toBe('by c')
    return id
  }

  it('undoes what was done in the reverse order, with real programs, and brings the workspace back (rule 7)', async () => {
    await inRepository()
    const before = [repository.files(), repository.persons()]
    const id = await working()
    expect(repository.files()).toMatchObject({ 'a.txt': 'by a', 'b.txt': 'by b', 'c.txt': 'by c' })
    expect(await house.coordinator.rollBack(id, { toSeq: 0, reason: 'a mistake' })).toMatchObject({ kind: 'MOVED' })
    const session = await house.end(id)
    expect(session).toMatchObject({ status: 'ROLLED_BACK', reason: 'a mistake' })
    expect(logged()).toEqual(['a 1', 'b 1', 'c 1', 'undo-b 1', 'undo-a 1'])
    const [undone, undo] = [{ a: 'COMPENSATED', b: 'COMPENSATED', c: 'CANCELED' }, 'ACCEPTED']
    expect(statuses(session)).toEqual({ ...undone, 'undo-a': undo, 'undo-b': undo })
    expect([repository.files(), repository.persons()]).toEqual(before)
  })

  it('goes back to a checkpoint: what was accepted by then stays', async () => {
    await inRepository()
    const id = await working()
    const [first] = await house.database.prisma.checkpoint.findMany({
      where: { sessionId: id },
      orderBy: { seq: 'asc' },
    })
    expect(first?.commit).toMatch(/^[0-9a-f]{40}$/)
    expect(await house.coordinator.rollBack(id, { toSeq: 1, reason: 'x' })).toMatchObject({ kind: 'NOT_FOUND' })
    await house.coordinator.rollBack(id, { toSeq: first?.seq as number, reason: 'a mistake' })
    const session = await house.end(id)
    expect(statuses(session)).toMatchObject({ a: 'ACCEPTED', b: 'COMPENSATED', c: 'CANCELED', 'undo-b': 'ACCEPTED' })
    expect(logged().slice(3)).toEqual(['undo-b 1'])
    expect(repository.files()).toEqual({ 'kept.txt': 'kept', 'a.txt': 'by a' })
    expect(await house.coordinator.rollBack(id, { toSeq: 0, reason: 'x' })).toMatchObject({ kind: 'CONFLICT' })
  })

  it('comes instead of a failure, if the policy wants it, and hands over what is to be undone', async () => {
    await inRepository()
    let given: unknown
    agent.script = ({ key, input }) => {
      if (key === 'undo-a') given = input
      if (key === 'a') repository.write('b.txt', 'by a')
      return key === 'b' ? fails('no room') : ok(`of ${key}`)
    }
    const session = await house.end(await sequence([part('a', { input: 7 }), part('b')], { rollback: true }))
    expect(session).toMatchObject({ status: 'ROLLED_BACK', reason: expect.stringContaining('no room') })
    expect(agent.begun).toEqual(['a 1', 'b 1', 'undo-a 1'])
    expect(given).toEqual({ input: null, of: { key: 'a', input: 7, output: 'of a' } })
    expect(repository.files()).toEqual({ 'kept.txt': 'kept', 'a.txt': 'as it was' })
  })

  it('brings the workspace back only once the programs of its gates have stopped (E96)', async () => {
    await inRepository()
    // Tidies up when it is told to stop, which takes it a moment.
    repository.write('gate.sh', "trap 'sleep 2; echo late > late.txt; exit 1' TERM\necho > begun.txt\nsleep 60 & wait")
    const id = await sequence([part('a', { gates: [{ kind: 'COMMAND', command: 'gate' }] })], { snapshots: true })
    const [begun, late] = [join(repository.folder, 'begun.txt'), join(repository.folder, 'late.txt')]
    await expect.poll(() => existsSync(begun)).toBe(true)
    await house.coordinator.rollBack(id, { toSeq: 0, reason: 'wrong' })
    expect(await house.end(id)).toMatchObject({ status: 'ROLLED_BACK' })
    house = await house.reopen()
    expect([begun, late].filter(existsSync)).toEqual([])
  })

  describe('of which a part cannot be undone asks a person,', () => {
    it.each<[Choice, string, object]>([
      ['RETRY', 'ROLLED_BACK', { a: 'COMPENSATED', b: 'COMPENSATED', 'undo-b': 'ACCEPTED' }],
      ['SKIP', 'ROLLED_BACK', { a: 'COMPENSATED', b: 'ACCEPTED', 'undo-b': 'FAILED' }],
      ['STOP', 'FAILED', { a: 'ACCEPTED', b: 'ACCEPTED', 'undo-b': 'FAILED', 'undo-a': 'CANCELED' }],
    ])('who says %s: %s', async (choice, status, expected) => {
      agent.script = ({ key, attempt }) => (key === 'c' || (key === 'undo-b' && attempt === 1) ? fails('no key') : ok())
      const id = await sequence([part('a'), part('b'), part('c')], { rollback: true, snapshots: false })
      const interrupt = await asked(house, id)
      expect(interrupt).toMatchObject({ kind: 'QUESTION', choices: ['RETRY', 'SKIP', 'STOP'] })
      expect(interrupt.question).toContain('no key')
      await say(house, interrupt, { choice })
      const session = await house.end(id)
      expect(session.status).toBe(status)
      expect(statuses(session)).toMatchObject(expected)
      const type = 'COMPENSATION_FAILED'
      expect((await eventsOf(house.database, id)).filter((event) => event.type === type)).toHaveLength(1)
    })

    it.each<[Choice, string]>([
      ['RETRY', 'ROLLED_BACK'],
      ['STOP', 'FAILED'],
    ])('and the workspace too: %s', async (choice, status) => {
      await inRepository()
      const git = join(repository.folder, '.git')
      agent.script = ({ key }) => {
        if (key === 'undo-a') renameSync(git, `${git}-gone`)
        return key === 'b' ? fails() : ok()
      }
      const id = await sequence([part('a'), part('b')], { rollback: true })
      const interrupt = await asked(house, id)
      expect(interrupt.question).toContain('could not be brought back')
      renameSync(`${git}-gone`, git)
      await say(house, interrupt, { choice })
      expect((await house.end(id)).status).toBe(status)
    })
  })

  it.each(['reopen', 'crash'] as const)(
    'goes on after a restart in its middle (%s), each part undone once',
    async (how) => {
      agent.script = (work, signal) => {
        if (work.key === 'c') return fails()
        return work.key === 'undo-b' && work.attempt === 1 ? untilStopped(work, signal) : ok()
      }
      const id = await sequence([part('a'), part('b'), part('c')], { rollback: true, snapshots: false })
      await expect.poll(() => agent.begun).toContain('undo-b 1')
      expect(await house.coordinator.cancel(id, 'x')).toMatchObject({ kind: 'CONFLICT' })
      house = await house[how]()
      const session = await house.end(id)
      expect(session.status).toBe('ROLLED_BACK')
      expect(agent.begun).toEqual(['a 1', 'b 1', 'c 1', 'undo-b 1', 'undo-b 2', 'undo-a 1'])
      expect(statuses(session)).toMatchObject({ a: 'COMPENSATED', b: 'COMPENSATED' })
    },
  )
})
