import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { StartInput } from '../../src/coordinator/coordinator.ts'
import type { SubTask } from '../../src/core/plan.ts'
import type { SessionState } from '../../src/core/state.ts'
import type { Outcome, Work } from '../../src/runtime.ts'
import { HOUSES, type House, openHouse } from '../house.ts'
import { scratch } from '../servers/process.ts'
import { createRepository, type TestRepository } from '../workspaces/repository.ts'
import { inside, ok, untilStopped } from './inside.ts'

const LINES = '1\n2\n3\n4\n5\n6\n7\n'

describe.each(HOUSES)('a session with worktrees on $store', (kind) => {
  const agent = inside()
  const folder = scratch(`worktrees-${kind.store}`)
  let house: House
  let repository: TestRepository
  let before: unknown
  beforeAll(async () => {
    repository = createRepository(join(folder, 'repository'), { 'a.txt': LINES, 'b.txt': 'b' })
    house = await openHouse(kind, {
      runtime: agent,
      workspace: repository.folder,
      commands: { check: { argv: ['grep', '-q', 'checked', 'a.txt'] } },
    })
  })
  afterAll(async () => {
    await house.close()
    rmSync(folder, { recursive: true, force: true })
  })
  beforeEach(() => {
    agent.renew()
    before = [repository.files(), repository.git('rev-parse', 'HEAD', 'main')]
  })

  const part = (key: string, more: Partial<SubTask> = {}): Partial<SubTask> => ({
    key,
    capabilities: ['inside'],
    ...more,
  })
  const start = (parts: Partial<SubTask>[], options: Partial<StartInput> = {}): Promise<string> =>
    house.start(parts, { ...options, policy: { isolation: 'WORKTREES', ...options.policy } })
  const read = ({ workspace }: Work, name: string): string => readFileSync(join(workspace, name), 'utf8')
  const write = ({ workspace }: Work, name: string, text: string): void => writeFileSync(join(workspace, name), text)
  const replace = (work: Work, line: string, by: string): void =>
    write(work, 'a.txt', read(work, 'a.txt').replace(line, by))
  const onBranch = ({ id }: SessionState, name = 'a.txt'): string => repository.git('show', `tutti/${id}:${name}`)
  const shown = ({ id, headCommit }: SessionState): Promise<unknown> =>
    expect
      .poll(() => repository.git('for-each-ref', '--format=%(objectname)', `refs/heads/tutti/${id}`).trim())
      .toBe(headCommit)
  /** Nothing of the person's has changed, and nothing is left behind. */
  function expectUntouched(): void {
    expect([repository.files(), repository.git('rev-parse', 'HEAD', 'main')]).toEqual(before)
    expect(repository.git('worktree', 'list').trim().split('\n')).toHaveLength(1)
    expect(readdirSync(join(house.dataDir, 'work')).filter((name) => name.endsWith('.worktree'))).toEqual([])
  }

  it('hands on what was changed from one part to the next, and shows all of it as a branch', async () => {
    agent.script = (work) => {
      write(work, 'a.txt', `${work.key}\n${read(work, 'a.txt')}`)
      return ok(read(work, 'a.txt'))
    }
    const session = await house.end(await start([part('x'), part('y')], { pattern: 'SEQUENTIAL' }))
    expect(session).toMatchObject({ status: 'SUCCEEDED', branch: `tutti/${session.id}` })
    expect(onBranch(session)).toBe(`y\nx\n${LINES}`)
    expect(session.executions['y']?.output).toBe(`y\nx\n${LINES}`)
    expectUntouched()
  })

  it('keeps what was changed as evidence and as a patch', async () => {
    agent.script = (work) => {
      write(work, 'new.txt', 'new')
      return ok()
    }
    const session = await house.end(await start([part('x')], { pattern: 'SEQUENTIAL' }))
    expect(session.executions['x']?.evidence).toContainEqual(
      expect.objectContaining({
        kind: 'CHANGES',
        detail: expect.objectContaining({ count: 1, files: [{ path: 'new.txt', status: 'ADDED' }] }),
      }),
    )
    const [artifact] = await house.database.prisma.artifact.findMany({ where: { sessionId: session.id } })
    expect(artifact).toMatchObject({ name: 'tutti-changes.patch', kind: 'PATCH' })
    expect(readFileSync(house.artifacts.path(artifact?.sha256 ?? ''), 'utf8')).toContain('+new')
  })

  it('E114: takes files that have changed for work that is done, though not a word is left of it', async () => {
    const why = 'it left nothing on stdout'
    agent.script = (work): Outcome => {
      if (work.attempt === 2) for (const name of ['new.txt', 'newer.txt']) write(work, name, name)
      const ifChanged = { summary: '', output: { exitCode: 0, stdout: '' } }
      return { kind: 'NOTHING', why, evidence: [], usage: {}, ifChanged }
    }
    const session = await house.end(await start([part('x')], { pattern: 'SEQUENTIAL' }))
    expect(session.status).toBe('SUCCEEDED')
    expect(session.executions['x']).toMatchObject({
      attempt: 2,
      feedback: [{ attempt: 1, gate: 'EVIDENCE', text: `it says that it is done, but ${why}` }],
      summary: 'changed new.txt and 1 more',
      output: { exitCode: 0, stdout: '' },
      evidence: [{ kind: 'CHANGES', detail: { count: 2 } }],
    })
    await shown(session)
    expect(onBranch(session, 'newer.txt')).toBe('newer.txt')
    expectUntouched()
  })

  it('E114: does not take them for it where the agent itself has looked at what it was to change', async () => {
    agent.script = (work): Outcome => {
      write(work, 'new.txt', 'new')
      return { kind: 'NOTHING', why: 'nothing of it was wanted', evidence: [], usage: {} }
    }
    const session = await house.end(await start([part('x')], { pattern: 'SEQUENTIAL' }))
    expect(session).toMatchObject({ status: 'FAILED', reason: expect.stringContaining('nothing of it was wanted') })
    expect(session.headCommit).toBeUndefined()
    expectUntouched()
  })

  it('lets branches work apart, and merges them in declared order, whichever ended first', async () => {
    let first = (): void => {}
    const isFirst = new Promise<void>((resolve) => (first = resolve))
    const seen: Record<string, string> = {}
    agent.script = async (work) => {
      if (work.key === 'x') await isFirst
      seen[work.key] = read(work, 'a.txt')
      replace(work, work.key === 'x' ? '1' : '7', work.key)
      return ok()
    }
    const id = await start([part('x'), part('y')], { pattern: 'PARALLEL' })
    await house.until(id, ({ executions }) => executions['y']?.status === 'ACCEPTED')
    first()
    const session = await house.end(id)
    expect(session.status).toBe('SUCCEEDED')
    expect(seen).toEqual({ x: LINES, y: LINES })
    await shown(session)
    expect(onBranch(session)).toBe('x\n2\n3\n4\n5\n6\ny\n')
    const { x, y } = session.executions
    expect(repository.git('log', '-1', '--format=%P', `tutti/${id}`).trim()).toBe(`${x?.commit} ${y?.commit}`)
    expectUntouched()
  })

  /** Two parts that change the same line; the second ends last. */
  async function conflicting(policy: StartInput['policy']): Promise<string> {
    agent.script = async (work) => {
      if (work.key === 'y' && work.attempt === 1) {
        await house.until(work.sessionId, ({ executions }) => executions['x']?.status === 'ACCEPTED')
      }
      const line = read(work, 'a.txt').split('\n')[0] as string
      replace(work, line, `${line} ${work.key}`)
      return ok(work.feedback as never)
    }
    return start([part('x'), part('y')], { pattern: 'PARALLEL', ...(policy && { policy }) })
  }

  it('tries what does not go together again on top of what was accepted', async () => {
    const session = await house.end(await conflicting({}))
    expect(session.status).toBe('SUCCEEDED')
    expect(session.executions['y']).toMatchObject({
      attempt: 2,
      output: [{ gate: 'MERGE', text: expect.stringContaining('a.txt') }],
    })
    await shown(session)
    expect(onBranch(session)).toBe(`1 x y\n${LINES.slice(2)}`)
    const verdicts = await house.database.prisma.verdict.findMany({
      where: { sessionId: session.id, verdict: 'REJECT' },
    })
    expect(verdicts).toMatchObject([{ kind: 'MERGE', evidence: { paths: ['a.txt'] } }])
    expectUntouched()
  })

  it('fails what does not go together, if that is wanted; the rest stands', async () => {
    const session = await house.end(await conflicting({ onConflict: 'FAIL' }))
    expect(session.executions).toMatchObject({
      x: { status: 'ACCEPTED' },
      y: { status: 'FAILED', error: { class: 'REJECTED' } },
    })
    await shown(session)
    expect(onBranch(session)).toBe(`1 x\n${LINES.slice(2)}`)
  })

  it('asks a person about it, if that is wanted', async () => {
    const id = await conflicting({ onConflict: 'ASK' })
    const { interrupts } = await house.until(id, ({ interrupts }) => interrupts.length > 0)
    const answer = { choice: 'RETRY', text: 'keep both' } as const
    const answering = {
      sessionId: id,
      interruptId: interrupts[0]?.id ?? '',
      answer,
      by: 'ada',
      roles: ['ADMIN'] as const,
    }
    await house.coordinator.answer(answering)
    const session = await house.end(id)
    expect(session.status).toBe('SUCCEEDED')
    await shown(session)
    expect(onBranch(session)).toBe(`1 x y\n${LINES.slice(2)}`)
  })

  it('has gates look at what was changed, not at the workspace', async () => {
    agent.script = (work) => {
      if (work.attempt === 2) write(work, 'a.txt', 'checked')
      return ok()
    }
    const gates = [
      { kind: 'COMMAND', command: 'check' },
      { kind: 'FILES', exist: ['b.txt'], changed: ['a.txt'] },
    ] as const
    const session = await house.end(await start([part('x', { gates })], { pattern: 'SEQUENTIAL' }))
    expect(session.executions['x']).toMatchObject({ status: 'ACCEPTED', attempt: 2, feedback: [{ gate: 'COMMAND' }] })
    expectUntouched()
  })

  it('rolls back to what was merged by then, and the workspace was never changed', async () => {
    agent.script = (work, signal) => {
      if (work.key === 'z') return untilStopped(work, signal)
      write(work, work.key, work.key)
      return ok()
    }
    const id = await start([part('x'), part('y'), part('z')], { pattern: 'SEQUENTIAL' })
    await house.until(id, ({ executions }) => executions['z']?.status === 'RUNNING')
    const [first] = await house.database.prisma.checkpoint.findMany({
      where: { sessionId: id },
      orderBy: { seq: 'asc' },
    })
    await house.coordinator.rollBack(id, { reason: 'wrong', toSeq: first?.seq ?? 0 })
    const session = await house.end(id)
    expect(session).toMatchObject({ status: 'ROLLED_BACK', headCommit: first?.commit })
    await shown(session)
    expect(onBranch(session, 'x')).toBe('x')
    expect(() => onBranch(session, 'y')).toThrow()
    expectUntouched()
  })

  it('goes on from what was accepted in another session', async () => {
    agent.script = (work) => {
      if (work.key === 'y' && existsSync(join(work.workspace, 'x')) && agent.begun.length === 2)
        throw new Error('not yet')
      write(work, work.key, work.key)
      return ok()
    }
    const failed = await house.end(await start([part('x'), part('y')], { pattern: 'SEQUENTIAL', maxAttempts: 1 }))
    expect(failed.status).toBe('FAILED')
    const retried = await house.coordinator.retry(failed.id)
    const session = await house.end('sessionId' in retried ? retried.sessionId : '')
    expect(session).toMatchObject({ status: 'SUCCEEDED', executions: { x: { carriedId: failed.executions['x']?.id } } })
    await shown(session)
    expect([onBranch(session, 'x'), onBranch(session, 'y')]).toEqual(['x', 'y'])
  })

  it('hands what was accepted to a child session, and takes over what that has made', async () => {
    agent.script = (work) => {
      write(
        work,
        work.key,
        read(work, 'b.txt') +
          readdirSync(work.workspace)
            .filter((name) => name === 'x')
            .join(),
      )
      return ok()
    }
    const child = {
      pattern: 'SEQUENTIAL',
      parts: [{ key: 'deep', title: 'deep', description: '', capabilities: ['inside'], dependsOn: [] }],
    }
    const session = await house.end(
      await start([part('x'), { key: 's', session: child as never }, part('z')], { pattern: 'SEQUENTIAL' }),
    )
    expect(session.status).toBe('SUCCEEDED')
    await shown(session)
    expect([onBranch(session, 'x'), onBranch(session, 'deep'), onBranch(session, 'z')]).toEqual(['b', 'bx', 'bx'])
    expectUntouched()
  })

  it('lets an agent that only reads look at the workspace itself as long as nothing has changed', async () => {
    const seen: string[] = []
    agent.script = (work) => {
      seen.push(work.workspace)
      if (seen.length === 2) write(work, 'changed', 'changed')
      return ok()
    }
    const uses = (workspace: 'READ' | 'SHARED') =>
      house.database.prisma.agent.updateMany({ where: { name: 'inside' }, data: { workspace } })
    await uses('READ')
    const id = await start([part('x'), part('y', { dependsOn: ['x'] }), part('z')], { pattern: 'SEQUENTIAL' })
    await house.until(id, ({ executions }) => executions['x']?.status === 'ACCEPTED')
    await house.end(id)
    expect(seen[0]).toBe(repository.folder)
    await uses('SHARED')
    rmSync(join(repository.folder, 'changed'), { force: true })
  })

  it('is what a session gets where somebody changes files, unless it says otherwise', async () => {
    await house.database.prisma.agent.updateMany({ where: { name: 'inside' }, data: { workspace: 'WRITE' } })
    // What is known of agents is believed for a moment.
    await expect
      .poll(async () => {
        const { policy } = await house.end(await house.start([part('x')], { pattern: 'SEQUENTIAL' }))
        return policy.isolation
      })
      .toBe('WORKTREES')
    const own = await house.start([part('x')], { pattern: 'SEQUENTIAL', policy: { isolation: 'NONE' } })
    expect((await house.end(own)).policy.isolation).toBe('NONE')
    await house.database.prisma.agent.updateMany({ where: { name: 'inside' }, data: { workspace: 'SHARED' } })
  })

  it('copies a workspace that is under no version control, and changes nothing there', async () => {
    const plain = join(folder, 'plain')
    mkdirSync(plain)
    writeFileSync(join(plain, 'a.txt'), 'a')
    await house.database.prisma.project.update({ where: { id: house.projectId }, data: { workspace: plain } })
    agent.script = (work) => {
      const text = read(work, 'a.txt')
      write(work, 'a.txt', `${text}${work.key}`)
      return ok(`${text}${work.key}`)
    }
    const session = await house.end(await start([part('x'), part('y')], { pattern: 'SEQUENTIAL' }))
    expect(session).toMatchObject({ status: 'SUCCEEDED', executions: { y: { output: 'axy' } } })
    expect(session).not.toHaveProperty('branch')
    expect(readdirSync(plain)).toEqual(['a.txt'])
    expect(readFileSync(join(plain, 'a.txt'), 'utf8')).toBe('a')
    await house.database.prisma.project.update({
      where: { id: house.projectId },
      data: { workspace: repository.folder },
    })
  })
})
