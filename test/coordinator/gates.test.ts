import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Gate } from '../../src/core/gate.ts'
import type { SubTask } from '../../src/core/plan.ts'
import type { Outcome } from '../../src/runtime.ts'
import { eventsOf } from '../database.ts'
import { HOUSES, type House, openHouse } from '../house.ts'
import { scratch } from '../servers/process.ts'
import { createRepository, type TestRepository } from '../workspaces/repository.ts'
import { asked, say } from './asking.ts'
import { inside, ok } from './inside.ts'

describe.each(HOUSES)('a result on $store', (kind) => {
  const agent = inside()
  const folder = scratch('gates')
  let house: House
  let repository: TestRepository
  beforeAll(async () => {
    repository = createRepository(folder, { 'kept.txt': 'kept' })
    house = await openHouse(kind, {
      runtime: agent,
      agents: { judge: ['judge'] },
      commands: { gate: { argv: ['sh', 'gate.sh'], findingsCodes: [9] } },
      workspace: folder,
    })
  })
  afterAll(async () => {
    await house.close()
    rmSync(folder, { recursive: true, force: true })
  })
  beforeEach(() => agent.renew())

  /** What the command `gate` does from now on, in the workspace. */
  const gate = (...lines: string[]): void => repository.write('gate.sh', lines.join('\n'))
  const command: Gate = { kind: 'COMMAND', command: 'gate' }
  const start = (gates: Gate[], part: Partial<SubTask> = {}): Promise<string> =>
    house.start([{ key: 'a', capabilities: ['inside'], gates, ...part }])
  const verdicts = (sessionId: string) =>
    house.database.prisma.verdict.findMany({ where: { sessionId }, orderBy: { seq: 'asc' } })
  const kinds = async (sessionId: string): Promise<string[]> =>
    (await verdicts(sessionId)).map(({ kind, verdict }) => `${kind} ${verdict}`)
  const evidence = (...items: { kind: string; passed: boolean; detail?: object }[]): Outcome => {
    const whole = items.map(({ detail = {}, ...item }) => ({
      name: item.kind,
      ...item,
      detail: { ...detail } as never,
    }))
    return { kind: 'OK', summary: 'done', output: 'done', files: [], evidence: whole, usage: {} }
  }

  describe('is held against a command in the workspace,', () => {
    it('which accepts it with 0, and leaves what it saw with its verdict', async () => {
      agent.script = () => {
        repository.write('made.txt', 'good')
        return ok()
      }
      gate('grep -q good made.txt && echo all is well')
      const id = await start([command])
      const { status, executions } = await house.end(id)
      expect(status).toBe('SUCCEEDED')
      expect(await verdicts(id)).toMatchObject([
        {
          kind: 'COMMAND',
          verdict: 'ACCEPT',
          gate: 0,
          executionId: executions['a']?.id,
          attemptId: executions['a']?.current?.id,
          evidence: { command: 'gate', output: 'all is well\n', checks: [{ kind: 'EXIT_CODE', passed: true }] },
        },
      ])
    })

    it('which accepts it in silence too', async () => {
      gate('true')
      const id = await start([command])
      expect((await house.end(id)).status).toBe('SUCCEEDED')
      expect(await kinds(id)).toEqual(['COMMAND ACCEPT'])
    })

    it.each([1, 9])('which rejects it with %i: the next attempt is handed what the command said', async (code) => {
      rmSync(join(folder, 'once'), { force: true })
      gate('test -f once && exit 0', 'touch once', 'echo "line 3 is wrong"', `echo "and line 4" >&2; exit ${code}`)
      const id = await start([command], { capabilities: ['anything'] })
      const { status, executions } = await house.end(id)
      expect(status).toBe('SUCCEEDED')
      const told = [{ attempt: 1, gate: 'COMMAND', text: expect.stringMatching(/line 3 is wrong(.|\n)*and line 4/) }]
      expect(executions['a']).toMatchObject({ attempt: 2, counted: 0, output: { attempt: 2, feedback: told } })
      expect(await kinds(id)).toEqual(['COMMAND REJECT', 'COMMAND ACCEPT'])
    })

    it('which rejects it once more than is allowed: then it is a failure (rule 3)', async () => {
      gate('echo never; exit 1')
      const { status, executions } = await house.end(await start([command]))
      expect(status).toBe('FAILED')
      expect(executions['a']).toMatchObject({ status: 'FAILED', attempt: 4, error: { class: 'REJECTED' } })
    })

    it('which gives no verdict in time: after three times a person decides, for instance that it be asked again', async () => {
      gate('sleep 60')
      const id = await start([command], { timeouts: { attemptMs: 200 } })
      const interrupt = await asked(house, id)
      expect(interrupt).toMatchObject({ kind: 'APPROVAL', choices: ['APPROVE', 'REJECT', 'RETRY'] })
      expect(interrupt.question).toContain('gate took too long')
      gate('echo by now')
      expect(await say(house, interrupt, { choice: 'RETRY' })).toMatchObject({ kind: 'MOVED' })
      expect(await house.end(id)).toMatchObject({ status: 'SUCCEEDED', executions: { a: { attempt: 1 } } })
      expect(await kinds(id)).toEqual(['COMMAND ERROR', 'COMMAND ERROR', 'COMMAND ERROR', 'COMMAND ACCEPT'])
    })
  })

  describe('while a command looks at it', () => {
    const pid = (): number => Number(readFileSync(join(folder, 'pid'), 'utf8'))
    const lives = (): boolean => {
      try {
        return process.kill(pid(), 0)
      } catch {
        return false
      }
    }
    beforeEach(() => {
      rmSync(join(folder, 'pid'), { force: true })
      gate('test -f pid && exit 0', 'echo $$ > pid.part && mv pid.part pid', 'exec sleep 60')
    })
    const looking = async (): Promise<string> => {
      const id = await start([command])
      await expect.poll(() => existsSync(join(folder, 'pid'))).toBe(true)
      return id
    }

    it.each(['stops in order', 'is killed'])('and the server %s: the next one has one verdict given', async (how) => {
      const id = await looking()
      house = await (how === 'is killed' ? house.crash() : house.reopen())
      const session = await house.end(id)
      expect(session).toMatchObject({ status: 'SUCCEEDED', executions: { a: { attempt: 1, lost: 0 } } })
      expect(await kinds(id)).toEqual(['COMMAND ACCEPT'])
      expect(agent.begun).toEqual(['a 1'])
      const type = 'EXECUTION_ACCEPTED'
      expect((await eventsOf(house.database, id)).filter((event) => event.type === type)).toHaveLength(1)
      expect(await house.database.prisma.checkpoint.count({ where: { sessionId: id } })).toBe(1)
      expect(lives()).toBe(false)
    })

    it('the session can be canceled, and nothing is left running (rule 8)', async () => {
      const id = await looking()
      await house.coordinator.cancel(id, 'enough')
      expect(await house.end(id)).toMatchObject({ status: 'CANCELED', executions: { a: { status: 'CANCELED' } } })
      await expect.poll(lives).toBe(false)
      expect(await verdicts(id)).toEqual([])
    })
  })

  it('has to leave files, and to have changed some', async () => {
    agent.script = ({ attempt }) => {
      if (attempt > 1) writeFileSync(join(folder, 'new.txt'), 'new')
      if (attempt > 2) repository.write('kept.txt', `changed`)
      return ok()
    }
    const id = await start([{ kind: 'FILES', exist: ['new.txt'], changed: ['kept.txt'] }])
    const { executions } = await house.end(id)
    expect(executions['a']).toMatchObject({
      status: 'ACCEPTED',
      attempt: 3,
      feedback: [{ text: 'new.txt does not exist; kept.txt has not changed' }, { text: 'kept.txt has not changed' }],
    })
    expect((await verdicts(id)).at(-1)).toMatchObject({
      verdict: 'ACCEPT',
      evidence: { exist: ['new.txt'], missing: [], changed: ['kept.txt'], same: [] },
    })
  })

  it('has to come with a test report and with proofs', async () => {
    const report = (passed: number) => ({ kind: 'TEST_REPORT', passed: true, detail: { passed, failed: 0 } })
    const answers = [
      ok(),
      evidence(report(1)),
      evidence(report(2)),
      evidence(report(2), { kind: 'LINT', passed: true }),
    ]
    agent.script = ({ attempt }) => answers[attempt - 1] as Outcome
    const id = await start([
      { kind: 'EVIDENCE', kinds: ['LINT'] },
      { kind: 'TEST_REPORT', minPassed: 2, maxFailed: 0 },
    ])
    expect((await house.end(id)).executions['a']).toMatchObject({ status: 'ACCEPTED', attempt: 4 })
    expect(await kinds(id)).toEqual([
      'TEST_REPORT REJECT',
      'TEST_REPORT REJECT',
      'TEST_REPORT ACCEPT',
      'EVIDENCE REJECT',
      'TEST_REPORT ACCEPT',
      'EVIDENCE ACCEPT',
    ])
  })

  describe('is shown to a judge,', () => {
    const judge: Gate = { kind: 'JUDGE', criteria: 'It is friendly.' }

    it('who sees what was wanted and what was done, and whose words are handed on', async () => {
      const seen: unknown[] = []
      agent.script = ({ agent: { name }, input, attempt, feedback }) => {
        if (name !== 'judge') return ok(`attempt ${attempt}: ${feedback.at(-1)?.text ?? 'nothing yet'}`)
        seen.push(input)
        return ok(seen.length === 1 ? { verdict: 'REJECT', feedback: 'say\0 please' } : '{"verdict": "ACCEPT"}')
      }
      const id = await start([judge], { description: 'Be kind.' })
      const { executions } = await house.end(id)
      expect(executions['a']).toMatchObject({ status: 'ACCEPTED', output: 'attempt 2: say\uFFFD please' })
      expect(seen[0]).toMatchObject({
        criteria: 'It is friendly.',
        wanted: 'Be kind.',
        result: { output: 'attempt 1: nothing yet' },
      })
      expect((await verdicts(id))[0]).toMatchObject({ evidence: { judge: 'judge', version: 1 } })
    })

    it.each([
      ['says something else', () => ok('looks good to me')],
      ['says more than can be kept', () => ok({ verdict: 'ACCEPT', reasons: 'x'.repeat(3_000_000) })],
      ['goes on and on', () => ok(JSON.parse(`{"verdict":"ACCEPT","why":${'['.repeat(5_000)}${']'.repeat(5_000)}}`))],
      ['asks', (): Outcome => ({ kind: 'ASK', ask: { kind: 'QUESTION', question: 'what?', shown: null }, usage: {} })],
    ])('who %s: a person decides in the end', async (_, answer) => {
      agent.script = ({ agent: { name } }) => (name === 'judge' ? answer() : ok())
      const id = await start([judge])
      const interrupt = await asked(house, id)
      expect(await kinds(id)).toEqual(Array(3).fill('JUDGE ERROR'))
      await say(house, interrupt, { choice: 'APPROVE' })
      expect((await house.end(id)).status).toBe('SUCCEEDED')
    })

    it('who is never the agent that made it', async () => {
      agent.script = ({ key }) => ok(key === 'a' ? 'mine' : { verdict: 'ACCEPT' })
      const id = await start([judge], { capabilities: ['judge'] })
      expect((await asked(house, id)).question).toContain('nobody else can judge')
      await house.coordinator.cancel(id, 'enough')
    })
  })

  it('passes its gates in their order, whatever the order in which they were written (rule 3)', async () => {
    gate('echo fine')
    agent.script = ({ agent: { name } }) => ok(name === 'judge' ? { verdict: 'ACCEPT' } : 'a text')
    const id = await start([
      { kind: 'PERSON', question: 'May it stand?' },
      { kind: 'JUDGE', criteria: 'fine', agent: 'judge' },
      command,
      { kind: 'SCHEMA', schema: { type: 'string' } },
    ])
    await say(house, await asked(house, id), { choice: 'APPROVE' })
    expect((await house.end(id)).status).toBe('SUCCEEDED')
    expect(await kinds(id)).toEqual(['SCHEMA', 'COMMAND', 'JUDGE', 'PERSON'].map((name) => `${name} ACCEPT`))
    expect((await verdicts(id)).at(-1)).toMatchObject({ evidence: { by: 'somebody' } })
  })

  it.each<[string, Gate]>([
    ['there is no command', { kind: 'COMMAND', command: 'nothing' }],
    ['nobody', { kind: 'JUDGE', criteria: 'fine', agent: 'nobody' }],
    ['stay in it', { kind: 'FILES', exist: ['../secret'] }],
  ])('is not even begun with when a gate cannot be enforced: %s (rule 9)', async (why, gate) => {
    await expect(start([gate])).rejects.toThrow(new RegExp(why, 'i'))
  })
})
