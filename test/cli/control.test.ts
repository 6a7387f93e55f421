import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ASKING } from './asking.ts'
import { answerIn, endOf, folderWith, type Running, tutti } from './tutti.ts'

describe.concurrent('a session that somebody has in hand', () => {
  const SLOW: Record<string, string> = {
    ...ASKING,
    'say.sh': 'until test -f go; do sleep 0.1; done; echo done',
    'two.json': JSON.stringify({
      task: {
        title: 'Two steps',
        description: '',
        subTasks: [
          { key: 'one', title: 'One', agent: 'sayer' },
          { key: 'two', title: 'Two', agent: 'sayer', dependsOn: ['one'] },
        ],
      },
      pattern: 'SEQUENTIAL',
      policy: { input: 'ENQUEUE' },
    }),
  }
  const idIn = (running: Running): string => /session ([\da-f-]{36})/.exec(running.stdout())?.[1] ?? ''

  it('is paused, told something, resumed, forked at a checkpoint, tried again and rolled back', async () => {
    const home = folderWith(SLOW)
    const serve = tutti(home, 'serve', '--port', '0')
    await serve.says(/Ctrl-C stops the server/)
    const run = tutti(home, 'run', '--task', 'two.json')
    await run.says(/one starts with sayer/)
    const id = idIn(run)
    const paused = await endOf(tutti(home, 'pause', id, '--reason', 'lunch'), 0)
    expect(paused.stdout).toBe(`The session is paused. Next: tutti resume ${id}\n`)
    await run.says(/paused: lunch\. Go on with: tutti resume/)
    const told = await endOf(tutti(home, 'input', id, 'hurry\nup'), 0)
    expect(told.stdout).toBe(
      `"hurry up" is told to whatever has not begun yet. The session is paused. Next: tutti watch ${id}\n`,
    )
    await run.says(/says: hurry up/)
    const toldJson = await endOf(tutti(home, 'input', id, 'be kind', '--json'), 0)
    expect(JSON.parse(toldJson.stdout)).toEqual({
      input: { text: 'be kind', policy: 'ENQUEUE' },
      session: { id, status: 'PAUSED' },
    })
    writeFileSync(join(home, 'go'), '')
    const resumed = await endOf(tutti(home, 'resume', id, '--json'), 0)
    expect(JSON.parse(resumed.stdout)).toEqual({ session: { id, status: 'RUNNING' } })
    await endOf(run, 0)
    expect(run.stdout()).toContain('it goes on')

    // What has ended is not rolled back, but its checkpoints are known.
    const asked = await endOf(tutti(home, 'rollback', id), 1)
    const [, seq = ''] = /\n(\d+) +\S+ \S+ +one +One\n/.exec(asked.stdout) ?? []
    expect(Number(seq)).toBeGreaterThan(0)
    const nothing = /^tutti: Nothing was undone, .*tutti rollback \S+ --to-checkpoint <number>\n$/
    expect(asked.stderr).toMatch(nothing)
    const listed = await endOf(tutti(home, 'rollback', id, '--json'), 1)
    expect(JSON.parse(listed.stdout)).toEqual({
      checkpoints: [
        { checkpoint: Number(seq), createdAt: expect.any(String), execution: { key: 'one', title: 'One' } },
        { checkpoint: expect.any(Number), createdAt: expect.any(String), execution: { key: 'two', title: 'Two' } },
      ],
    })
    expect(listed.stderr).toMatch(nothing)
    const late = await endOf(tutti(home, 'rollback', id, '--to-checkpoint', '0'), 1)
    expect(late.stderr).toMatch(/SUCCEEDED/)

    const fork = await endOf(tutti(home, 'fork', id, '--from-checkpoint', seq, '--json'), 0)
    expect(answerIn(fork.stdout).executions).toMatchObject([
      { key: 'one', status: 'ACCEPTED', attempts: 0 },
      { key: 'two', status: 'ACCEPTED', attempts: 1 },
    ])
    writeFileSync(join(home, 'edits.json'), JSON.stringify([{ replace: { key: 'one', title: 'The first' } }]))
    const edited = await endOf(tutti(home, 'fork', id, '--edits', 'edits.json', '--json'), 0)
    expect(answerIn(edited.stdout).executions[0]).toMatchObject({ title: 'The first', attempts: 1 })
    const retried = await endOf(tutti(home, 'retry', id, '--from-checkpoint', seq, '--json'), 0)
    expect(answerIn(retried.stdout).executions).toMatchObject([{ attempts: 0 }, { attempts: 1 }])
    const refused = await endOf(tutti(home, 'resume', id), 1)
    expect(refused.stderr).toMatch(/^tutti: .*SUCCEEDED/)
  })

  it('is rolled back while it runs, and whoever watches sees it', async () => {
    const home = folderWith(SLOW)
    const run = tutti(home, 'run', '--task', 'two.json')
    await run.says(/one starts with sayer/)
    const { stdout } = await endOf(tutti(home, 'rollback', idIn(run), '--to-checkpoint', '0', '--reason', 'wrong'), 0)
    expect(stdout).toMatch(/^The session is (being rolled back|rolled back)\. Next: tutti watch /)
    const end = await endOf(run, 1)
    expect(end.stdout).toMatch(/rolling back: wrong[^]*ROLLED_BACK in /)
    expect(existsSync(join(home, 'go'))).toBe(false)
  })
})
