import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import type { ConfigFile } from '../../src/config.ts'
import { findProgram } from '../servers/process.ts'
import { answerIn, endOf, ENTRY, folderWith, type Running, start, tutti } from './tutti.ts'

// Whole processes, on machines that are busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

/** An agent that asks where to, and one whose result a person has to approve. */
const ASKING: Record<string, string> = {
  'tutti.config.json': JSON.stringify({
    builtinAgents: false,
    commands: { ask: { argv: ['node', 'ask.mjs'] }, say: { argv: ['sh', 'say.sh'] } },
    agents: [
      { name: 'asker', command: 'ask', capabilities: ['ask'] },
      { name: 'sayer', command: 'say', capabilities: ['say'] },
    ],
  } satisfies ConfigFile),
  'ask.mjs': `import { readFileSync, writeFileSync } from 'node:fs'
const work = JSON.parse(readFileSync(0, 'utf8'))
const [reply] = work.replies
const result = reply
  ? { summary: 'went to ' + reply.text, output: { where: reply.text, data: reply.data } }
  : { ask: { kind: 'QUESTION', question: 'Where to?', shown: { places: ['here', 'there'] } } }
writeFileSync(work.outputDir + '/result.json', JSON.stringify(result))
`,
  'say.sh': 'echo done; echo "draft ${TUTTI_ATTEMPT}" > "$TUTTI_OUTPUT_DIR/draft.txt"',
  'ask.json': JSON.stringify({
    task: { title: 'A trip', description: '', subTasks: [{ key: 'go', title: 'Go there', agent: 'asker' }] },
    pattern: 'SEQUENTIAL',
  }),
  'approve.json': JSON.stringify({
    task: {
      title: 'A text',
      description: '',
      subTasks: [
        { key: 'text', title: 'Write it', agent: 'sayer', gates: [{ person: { question: 'May it be published?' } }] },
      ],
    },
    pattern: 'SEQUENTIAL',
  }),
}

/** The command that a running session tells to answer what it asks, without the name of the program. */
const toldBy = async (running: Running, which = 0): Promise<string[]> => {
  await running.says(new RegExp(`(?:Answer with: tutti [^]*){${which + 1}}`))
  const all = [...`${running.stdout()}${running.stderr()}`.matchAll(/Answer with: tutti (.*)/g)]
  return all[which]?.[1]?.split(' ') ?? []
}

describe('a person approves an interrupt from a second terminal while the first one watches', () => {
  it('answers a question with the command that the first one tells, and the first one sees its session end', async () => {
    const home = folderWith(ASKING)
    const run = tutti(home, 'run', '--task', 'ask.json', '--json')
    const told = await toldBy(run)
    expect(told).toEqual(['approve', expect.stringMatching(/^[\da-f]{8}$/)])

    // Without a terminal and without a choice nothing is answered.
    const shown = await endOf(tutti(home, ...told), 1)
    expect(shown.stdout).toMatch(/^Where to\?\nquestion about go, in session [\da-f-]{36} \(A trip\)\n/)
    expect(shown.stdout).toContain('"places": [\n      "here",')
    expect(shown.stderr).toContain('Nothing was answered, since no choice was given.')
    expect(shown.stderr).toContain(`  tutti ${told.join(' ')} --choice ANSWER --text "<answer>"\n`)

    const answered = await endOf(tutti(home, ...told, '--choice', 'ANSWER', '--text', 'there', '--data', '[1]'), 0)
    expect(answered.stdout).toContain('Answered "Where to?": answer.')
    const { stdout, stderr } = await endOf(run, 0)
    expect(answerIn(stdout)).toMatchObject({
      session: { status: 'SUCCEEDED', output: { where: 'there', data: [1] } },
      executions: [{ attempts: 2, summary: 'went to there' }],
    })
    expect(stderr).toMatch(
      /waits for you: Where to\?[^]*nothing is left to do but to wait for 1 answer[^]*answered by .*: answer[^]*it goes on/,
    )
  })

  it('rejects with a reason, then approves what comes next; the list shows what waits in between', async () => {
    const home = folderWith(ASKING)
    const serve = tutti(home, 'serve', '--port', '0')
    await serve.says(/Ctrl-C stops the server/)
    const run = tutti(home, 'run', '--task', 'approve.json')
    const first = await toldBy(run)
    const listed = await endOf(tutti(home, 'approve'), 0)
    expect(listed.stdout).toMatch(/^INTERRUPT +KIND +SINCE \(UTC\) +CHOICES +QUESTION +TASK\n/)
    expect(listed.stdout).toMatch(
      new RegExp(`\n${first[1]} +approval +\\S+ \\S+ +approve, reject +text: May it be published\\? +A text\n`),
    )
    const sessions = await endOf(tutti(home, 'sessions'), 0)
    expect(sessions.stdout).toContain(' waits for an answer ')

    await endOf(tutti(home, ...first, '--reject', '--text', 'too short'), 0)
    const second = await toldBy(run, 1)
    expect(second[1]).not.toBe(first[1])
    const json = await endOf(tutti(home, ...second, '--choice', 'approve', '--json'), 0)
    expect(JSON.parse(json.stdout)).toMatchObject({ interrupt: { status: 'ANSWERED', choice: 'APPROVE' } })
    const { stdout } = await endOf(run, 0)
    expect(stdout).toContain('text rejected by its gate PERSON: too short')
    expect(stdout).toMatch(/SUCCEEDED in /)

    // Exactly once, and whoever comes later is told.
    const { stdout: none } = await endOf(tutti(home, 'approve', '--list', '--json'), 0)
    expect(JSON.parse(none)).toEqual([])
    const { interrupt } = JSON.parse(json.stdout) as { interrupt: { id: string } }
    const again = await endOf(tutti(home, 'approve', interrupt.id, '--choice', 'REJECT'), 1)
    expect(again.stderr).toMatch(/It waits no longer: it is answered by .*: approve\./)
    const unknown = await endOf(tutti(home, 'approve', 'ffffffff', '--choice', 'REJECT'), 1)
    expect(unknown.stderr).toContain('Nothing that waits for a person begins with ffffffff.')
  })

  it('chooses with the keyboard in a terminal, while another one shows what waits', async ({ skip }) => {
    const tmux = findProgram('tmux')
    if (tmux === undefined) return skip('there is no tmux')
    const home = folderWith(ASKING)
    const socket = `tutti-${process.pid}`
    const [node, entry] = [process.execPath, ENTRY]
    const inTmux = (...args: string[]) => endOf(start(home, tmux, ['-L', socket, ...args]), 0)
    const screen = async (window: string): Promise<string> => (await inTmux('capture-pane', '-p', '-t', window)).stdout
    const shows = (window: string, what: RegExp): Promise<void> =>
      vi.waitFor(async () => expect(await screen(window)).toMatch(what), { timeout: 60_000, interval: 200 })
    await inTmux('new-session', '-d', '-s', 'first', '-x', '120', '-y', '40')
    try {
      await inTmux('send-keys', '-t', 'first', `${node} ${entry} run --task ask.json; echo ended $?`, 'Enter')
      await shows('first', /waits for you: tutti approve [\da-f]{8} +go: Where to\?/)
      await inTmux('new-session', '-d', '-s', 'second', '-x', '120', '-y', '40')
      await inTmux('send-keys', '-t', 'second', `${node} ${entry} approve; echo ended $?`, 'Enter')
      await shows('second', /Which one do you want to answer\?/)
      await inTmux('send-keys', '-t', 'second', 'Enter')
      await shows('second', /Your answer[^]*answer/)
      await inTmux('send-keys', '-t', 'second', 'Enter')
      await shows('second', /The answer/)
      await inTmux('send-keys', '-t', 'second', 'there', 'Enter')
      await shows('second', /Answered "Where to\?": answer[^]*ended 0/)
      await shows('first', /SUCCEEDED in [^]*went to there[^]*ended 0/)
      expect(await screen('first')).not.toContain('waits for you')
    } finally {
      await inTmux('kill-server')
    }
  })
})

describe('a session that somebody has in hand', () => {
  const SLOW: Record<string, string> = {
    ...ASKING,
    'say.sh': 'until test -f "$(basename "$TUTTI_OUTPUT_DIR").go" -o -f go; do sleep 0.1; done; echo done',
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
    expect(paused.stdout).toBe(`The session: paused. Next: tutti resume ${id}\n`)
    await run.says(/paused: lunch\. Go on with: tutti resume/)
    await endOf(tutti(home, 'input', id, 'hurry up'), 0)
    await run.says(/says: hurry up/)
    writeFileSync(join(home, 'go'), '')
    const resumed = await endOf(tutti(home, 'resume', id, '--json'), 0)
    expect(JSON.parse(resumed.stdout)).toEqual({ session: { id, status: 'RUNNING' } })
    await endOf(run, 0)
    expect(run.stdout()).toContain('it goes on')

    // What has ended is not rolled back, but its checkpoints are known.
    const asked = await endOf(tutti(home, 'rollback', id), 1)
    const [, seq = ''] = /\n(\d+) +\S+ \S+ +one +One\n/.exec(asked.stderr) ?? []
    expect(Number(seq)).toBeGreaterThan(0)
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
    expect(stdout).toMatch(/^The session: (is being rolled back|rolled back)\. Next: tutti watch /)
    const end = await endOf(run, 1)
    expect(end.stdout).toMatch(/rolling back: wrong[^]*ROLLED_BACK in /)
    expect(existsSync(join(home, 'go'))).toBe(false)
  })
})

describe('a task file', () => {
  it.each([
    ['no JSON', '{', /task\.json is no JSON: /],
    ['an unknown member', '{"task": {"title": "A"}, "patern": "AUTO"}', /task\.json cannot be used:\n.*patern/],
    ['no task', '{"pattern": "CHAOS"}', /task: [^]*pattern: .*SEQUENTIAL/],
    ['a part without a title', '{"task": {"title": "A", "subTasks": [{"key": "a"}]}}', /task\.subTasks\.0\.title: /],
    [
      'what only the server knows to be wrong',
      '{"task": {"title": "A", "subTasks": [{"key": "a", "title": "A", "agent": "nobody"}]}}',
      /task\.json cannot be used:\n.*nobody/,
    ],
    [
      'a field that the API does not have',
      '{"task": {"title": "A", "subTask": []}}',
      /task\.json cannot be used:\n.*subTask/,
    ],
  ])('with %s is refused, and says where', async (_, text, says) => {
    const { stderr, stdout } = await endOf(
      tutti(folderWith({ ...ASKING, 'task.json': text }), 'run', '--task', 'task.json', '-q'),
      1,
    )
    expect(stderr).toMatch(says)
    expect(stderr).not.toContain('    at ')
    expect(stdout).toBe('')
  })
})
