import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { analyze } from '../../src/core/analysis.ts'
import { decompose } from '../../src/core/decompose.ts'
import { compile, DEFAULT_COMPILE } from '../../src/core/pattern.ts'
import type { Pattern } from '../../src/core/plan.ts'
import { DEFAULT_LIMITS, type SessionState, type Step } from '../../src/core/state.ts'
import { type Report } from '../../src/core/attempt.ts'
import { type Happening, open, step } from '../../src/core/step.ts'
import { createArtifactStore } from '../../src/store/artifacts.ts'
import { insertTask } from '../../src/store/task.ts'
import { createWriter } from '../../src/store/write.ts'
import { eventsOf } from '../database.ts'
import { HOUSES, type House, openHouse } from '../house.ts'
import { faulty } from './faulty.ts'
import { inside, ok } from './inside.ts'

/** A session as a server left it that was killed at some moment, an hour ago unless told. */
interface Left {
  state: SessionState
  happen(happening: Happening, later?: number): void
  claim(key: string, lease?: number): string
  report(key: string, attemptId: string, kind: 'OK' | 'ERROR'): void
  write(): Promise<string>
}

describe.each(HOUSES)('a server on $store that finds what a killed one left', (kind) => {
  const agent = inside()
  const faults = faulty()
  let house: House
  let agentId: string
  beforeAll(async () => {
    house = await openHouse(kind, { runtime: agent, between: faults.between })
    agentId = (await house.database.prisma.agent.findFirstOrThrow({ where: { name: 'inside' } })).id
  })
  afterAll(() => house.close())

  async function left(pattern: Pattern = 'SEQUENTIAL', ago = 60_000): Promise<Left> {
    const taskId = uuid()
    const words = { title: 'left', description: '' }
    const task = { id: taskId, projectId: house.projectId, ...words, priority: 0, capabilities: [], subTasks: [] }
    await insertTask(house.database.query, task, uuid, Date.now())
    const part = { description: '', capabilities: ['inside'], dependsOn: [] }
    const parts = ['a', 'b'].map((key) => ({ ...part, key, title: key }))
    const plan = compile(parts, pattern, { ...DEFAULT_COMPILE, retry: { ...DEFAULT_COMPILE.retry, initialMs: 10 } })
    let now = Date.now() - ago
    const common = { projectId: house.projectId, taskId, pattern, priority: 0, plan, limits: DEFAULT_LIMITS }
    const steps: Step[] = [open({ id: uuid(), ...common }, now)]
    const last = (): SessionState => (steps.at(-1) as Step).state
    const session: Left = {
      get state() {
        return last()
      },
      happen(happening, later = 10) {
        now += later
        steps.push(step(last(), happening, now))
      },
      claim(key, lease = 600_000) {
        const { id: executionId } = last().executions[key] as { id: string }
        const attempt = { id: uuid(), agentId, agentVersion: 1, owner: 'dead', leaseUntil: now + lease }
        session.happen({ type: 'CLAIM', executionId, attempt, selection: {} })
        expect(last().executions[key]?.status).toBe('RUNNING')
        return attempt.id
      },
      report(key, attemptId, kind) {
        const { id: executionId, fence } = last().executions[key] as { id: string; fence: number }
        const report: Report =
          kind === 'OK'
            ? { kind, output: 1, summary: '', evidence: [], artifacts: 0, usage: {} }
            : { kind, error: { class: 'AGENT', message: 'no' }, evidence: [], usage: {} }
        session.happen({ type: 'REPORT', executionId, attemptId, fence, report, jitter: 0.5 })
      },
      async write() {
        const before = { ...(steps[0] as Step).state, version: 0, seq: 0, executions: {} }
        const analysis = analyze(words, decompose(words))
        const writer = createWriter(house.database, house.bus)
        expect(await writer.write({ before, after: last(), steps, analysis })).toBe(true)
        return last().id
      },
    }
    return session
  }

  const planned = async (pattern?: Pattern, ago?: number): Promise<Left> => {
    const session = await left(pattern, ago)
    session.happen({ type: 'PLAN', executionIds: { a: uuid(), b: uuid() } })
    return session
  }

  async function recovered(session: Left): Promise<{ session: SessionState; begun: string[] }> {
    agent.begun.length = 0
    const id = await session.write()
    house = await house.reopen()
    const ended = await house.end(id)
    const events = await eventsOf(house.database, id)
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1))
    // The last folder goes after the last report.
    await expect.poll(() => readdirSync(join(house.dataDir, 'work'))).toEqual([])
    return { session: ended, begun: agent.begun.toSorted() }
  }

  it('begins what was READY', async () => {
    expect(await recovered(await planned())).toMatchObject({ session: { status: 'SUCCEEDED' }, begun: ['a 1', 'b 1'] })
  })

  it.each([
    ['claimed', () => {}],
    ['given a folder', (folder: string) => mkdirSync(folder, { recursive: true })],
    [
      'begun, its files not yet kept',
      (folder: string) => {
        mkdirSync(folder, { recursive: true })
        writeFileSync(join(folder, 'file'), 'half')
        writeFileSync(join(folder, '..', `${uuid()}.part`), 'ha')
      },
    ],
  ])('begins anew what had only just been %s', async (_, leave) => {
    const session = await planned()
    leave(join(house.dataDir, 'work', session.claim('a')))
    const { session: ended, begun } = await recovered(session)
    expect(ended.status).toBe('SUCCEEDED')
    expect(begun).toEqual(['a 2', 'b 1'])
    expect(ended.executions['a']).toMatchObject({ attempt: 2, counted: 0, lost: 1 })
  })

  it('begins anew what was done but not reported: its kept files belong to nobody', async () => {
    const session = await planned()
    const folder = join(house.dataDir, 'work', session.claim('a'))
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'file'), 'whole')
    await createArtifactStore(house.dataDir).keep(join(folder, 'file'))
    const { session: ended } = await recovered(session)
    expect(ended.status).toBe('SUCCEEDED')
    expect(await house.database.prisma.artifact.count({ where: { sessionId: ended.id } })).toBe(0)
  })

  it('goes on behind what was accepted, and removes the folder that was still open', async () => {
    const session = await planned()
    const attemptId = session.claim('a')
    mkdirSync(join(house.dataDir, 'work', attemptId), { recursive: true })
    session.report('a', attemptId, 'OK')
    expect((await recovered(session)).begun).toEqual(['b 1'])
    expect(agent.reaped).toContain(join(house.dataDir, 'work', attemptId))
  })

  it('begins what has WAITED long enough', async () => {
    const session = await planned()
    session.report('a', session.claim('a'), 'ERROR')
    expect(session.state.executions['a']?.status).toBe('WAITING')
    expect(await recovered(session)).toMatchObject({ session: { status: 'SUCCEEDED' }, begun: ['a 2', 'b 1'] })
  })

  it('E23: counts as LOST what has long lost its lease', async () => {
    const session = await planned()
    session.claim('a', 1_000)
    expect(await recovered(session)).toMatchObject({ session: { status: 'SUCCEEDED' }, begun: ['a 2', 'b 1'] })
  })

  it.each([600_000, 1])('ends what was being canceled, its lease of %i ms over or not', async (lease) => {
    const session = await planned('PARALLEL')
    session.claim('a', lease)
    session.happen({ type: 'CANCEL', reason: 'a person said so' })
    expect(session.state.status).toBe('CANCELING')
    expect(await recovered(session)).toMatchObject({ session: { status: 'CANCELED' }, begun: [] })
  })

  it('ends what took too long while nobody was there', async () => {
    const session = await planned('SEQUENTIAL', DEFAULT_LIMITS.totalMs + 60_000)
    session.claim('a')
    expect(await recovered(session)).toMatchObject({ session: { status: 'TIMED_OUT' }, begun: [] })
  })

  it('ends processes of an agent that has been archived since', async () => {
    const session = await planned()
    const attemptId = session.claim('a')
    mkdirSync(join(house.dataDir, 'work', attemptId), { recursive: true })
    const gone = { id: uuid(), name: 'gone', type: 'GENERAL' as const, capabilities: [], runtime: 'inside', slots: 1 }
    await house.database.prisma.agent.create({ data: { ...gone, runtimeConfig: {}, slots: 1, archivedAt: new Date() } })
    const execution = session.state.executions['a'] as { current: { agentId: string } }
    execution.current.agentId = gone.id
    Object.assign(execution, { agentId: gone.id })
    expect((await recovered(session)).session.status).toBe('SUCCEEDED')
    expect(agent.reaped).toContain(join(house.dataDir, 'work', attemptId))
  })

  it('begins nothing beside a process that cannot be ended, and goes on with all the rest', async () => {
    const [stuck, other] = [await planned(), await planned()]
    const attemptId = stuck.claim('a', 3_600_000)
    const folder = join(house.dataDir, 'work', attemptId)
    mkdirSync(folder, { recursive: true })
    const { reap } = agent
    agent.reap = async (outputDir) => {
      if (outputDir === folder) throw new Error('Processes 1 cannot be ended')
    }
    agent.begun.length = 0
    const [stuckId, otherId] = [await stuck.write(), await other.write()]
    house = await house.reopen()
    expect((await house.end(otherId)).status).toBe('SUCCEEDED')
    expect(agent.begun).toEqual(['a 1', 'b 1'])
    expect(existsSync(folder)).toBe(true)
    // It can be ended by now.
    agent.reap = reap
    house = await house.reopen()
    expect((await house.end(stuckId)).executions['a']?.attempt).toBe(2)
    expect(existsSync(folder)).toBe(false)
  })

  it('does not stand still for one session that cannot be read just now', async () => {
    agent.script = () => ok()
    const [first, second] = [await planned(), await planned()]
    first.claim('a')
    const [firstId, secondId] = [await first.write(), await second.write()]
    faults.breakAt(({ sql, params }) => sql.includes('FROM "Session" s WHERE') && params[0] === firstId, 3)
    house = await house.reopen()
    expect((await house.end(secondId)).status).toBe('SUCCEEDED')
    expect((await house.end(firstId)).executions['a']).toMatchObject({ status: 'ACCEPTED', attempt: 2 })
  })

  it('does not take for lost what it began itself before it had to try again', async () => {
    faults.heal()
    agent.script = () => ok()
    const session = await planned()
    session.claim('a')
    const id = await session.write()
    // The loss is written, and with it what begins next; nobody hears so.
    faults.breakAt(({ sql, params }) => sql.startsWith('WITH') && JSON.stringify(params).includes(id), 1, 'after')
    house = await house.reopen()
    const { status, executions } = await house.end(id)
    expect(faults.broken).toHaveLength(1)
    expect(status).toBe('SUCCEEDED')
    expect(executions['a']).toMatchObject({ attempt: 2, lost: 1 })
  })
})
