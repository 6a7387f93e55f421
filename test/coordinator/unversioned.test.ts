import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Refusal, StartInput, StartResult } from '../../src/coordinator/coordinator.ts'
import type { Gate } from '../../src/core/gate.ts'
import type { SubTask } from '../../src/core/plan.ts'
import { HOUSES, type House, openHouse } from '../house.ts'
import { asked, say } from './asking.ts'
import { inside, ok } from './inside.ts'

describe.each(HOUSES)('in a workspace under no version control, on $store,', (kind) => {
  const agent = inside()
  let workspace: string
  let house: House
  beforeAll(async () => {
    workspace = mkdtempSync(join(tmpdir(), 'tutti-plain-'))
    house = await openHouse(kind, { runtime: agent, workspace })
  })
  afterAll(async () => {
    await house.close()
    rmSync(workspace, { recursive: true, force: true })
  })
  beforeEach(() => {
    agent.script = () => ok()
  })

  const part = (key: string, more: Partial<SubTask> = {}): SubTask => {
    return { key, title: key, description: key, capabilities: ['inside'], dependsOn: [], ...more }
  }
  const child = (key: string, ...parts: SubTask[]): SubTask =>
    part(key, { capabilities: [], session: { pattern: 'SEQUENTIAL', parts } })
  const input = (subTasks: SubTask[], more: Partial<StartInput> = {}): StartInput => {
    const task = { title: 'a task', description: 'of parts', subTasks }
    return { projectId: house.projectId, task, pattern: 'PARALLEL', ...more }
  }
  const started = (result: StartResult): string => {
    if (result.kind !== 'STARTED') throw new Error(JSON.stringify(result))
    return result.sessionId
  }
  const changed: Gate = { kind: 'FILES', exist: ['a.txt'], changed: ['a.txt'] }
  const compares = (key: string): SubTask => part(key, { gates: [changed] })
  const undone = { compensation: { title: 'undo it', capabilities: ['inside'] } }
  const cannotCompare = (key: string): string =>
    `"${key}": the gate FILES cannot be enforced: ${workspace} is not in a git repository, so that nobody knows what has changed there; run "git init" there, or say "exist" instead of "changed"`
  const cannotUndo = (): Refusal => {
    const message = `nothing could be undone: no part has a compensation, and ${workspace} is not in a git repository; run "git init" there, or give parts compensations`
    return { kind: 'INVALID', problems: [{ path: ['policy', 'rollback'], message }] }
  }

  it('E44: a gate that asks what has changed is refused, with what to do about it', async () => {
    const asks = input([part('a'), compares('b')])
    const refused = { kind: 'INVALID', problems: [{ path: ['subTasks', '1'], message: cannotCompare('b') }] }
    expect(await house.coordinator.start(asks)).toEqual(refused)
    expect(await house.coordinator.analyze(asks)).toEqual(refused)
  })

  it('E44: such a gate is refused in sessions within the session too', async () => {
    const message = `in the session "b": in the session "c": ${cannotCompare('d')}`
    expect(await house.coordinator.start(input([child('b', child('c', compares('d')))]))).toEqual({
      kind: 'INVALID',
      problems: [{ path: ['subTasks', '0'], message }],
    })
  })

  it('E44: files may be asked for all the same', async () => {
    const gates: Gate[] = [{ kind: 'FILES', exist: ['.'] }]
    const id = started(await house.coordinator.start(input([part('a', { gates })])))
    expect(await house.end(id)).toMatchObject({ status: 'SUCCEEDED' })
  })

  it('E44: a policy of rollback is refused where nothing could be undone', async () => {
    const policy = { rollback: true }
    expect(await house.coordinator.start(input([part('a')], { policy }))).toEqual(cannotUndo())
    expect(await house.coordinator.analyze(input([child('b', part('c'))], { policy }))).toEqual(cannotUndo())
    expect(await house.coordinator.analyze(input([child('b', part('c', undone))], { policy }))).toMatchObject({
      kind: 'ANALYZED',
    })
  })

  it('E96: what has a compensation is undone, and files stay as they are', async () => {
    agent.script = ({ key }) =>
      key === 'b' ? { kind: 'ERROR', error: { class: 'VALIDATION', message: 'no' }, evidence: [], usage: {} } : ok()
    const parts = [part('a', undone), part('b', { dependsOn: ['a'] })]
    const policy = { rollback: true }
    const id = started(await house.coordinator.start(input(parts, { pattern: 'SEQUENTIAL', policy })))
    const state = await house.end(id)
    expect(state).toMatchObject({ status: 'ROLLED_BACK', executions: { a: { status: 'COMPENSATED' } } })
    expect(state).not.toHaveProperty('baseCommit')
    const edits = [{ kind: 'REMOVE' as const, key: 'a' }]
    expect(await house.coordinator.fork({ sessionId: id, edits })).toEqual(cannotUndo())
  })

  it('E44: neither comes in by an edit', async () => {
    const policy = { rollback: true, review: true }
    const id = started(await house.coordinator.start(input([part('a', undone), part('b')], { policy })))
    const removes = house.coordinator.edit(id, [{ kind: 'REMOVE', key: 'a' }], 'me')
    expect(await removes).toEqual(cannotUndo())
    const replaces = house.coordinator.edit(id, [{ kind: 'REPLACE', key: 'b', changes: { gates: [changed] } }], 'me')
    expect(await replaces).toMatchObject({ kind: 'INVALID', problems: [{ message: cannotCompare('b') }] })
    await say(house, await asked(house, id), { choice: 'REJECT' })
  })

  it('E44: both are taken once it is a repository', async () => {
    execFileSync('git', ['init', '-q'], { cwd: workspace })
    try {
      const policy = { rollback: true }
      expect(await house.coordinator.analyze(input([compares('a')], { policy }))).toMatchObject({ kind: 'ANALYZED' })
    } finally {
      rmSync(join(workspace, '.git'), { recursive: true })
    }
  })
})
