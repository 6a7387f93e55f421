import { beforeAll, describe, expect, it, vi } from 'vitest'
import { findProgram } from '../servers/process.ts'
import { ASKING } from './asking.ts'
import { answerIn, endOf, ENTRY, folderWith, type Running, start, tutti } from './tutti.ts'

/** The command that a running session tells to answer what it asks, without the name of the program. */
const toldBy = async (running: Running, which = 0): Promise<string[]> => {
  await running.says(new RegExp(`(?:Answer with: tutti [^]*){${which + 1}}`))
  const all = [...`${running.stdout()}${running.stderr()}`.matchAll(/Answer with: tutti (.*)/g)]
  return all[which]?.[1]?.split(' ') ?? []
}

/** A session with one below it that asks. */
const part = { key: 'go', title: 'Go there', agent: 'asker' }
const trip = { key: 'trip', title: 'The trip', session: { pattern: 'SEQUENTIAL', parts: [part] } }
const nested = { task: { title: 'A journey', subTasks: [trip] }, pattern: 'SEQUENTIAL' }

/** One server for most tests of this file, in the folder in which they are. */
let home: string
beforeAll(async () => {
  home = folderWith({ ...ASKING, 'nested.json': JSON.stringify(nested) })
  await tutti(home, 'serve', '--port', '0').says(/Ctrl-C stops the server/)
})

describe.concurrent('a person approves an interrupt from a second terminal while the first one watches', () => {
  it('answers a question with the command that the first one tells, and the first one sees its session end', async () => {
    // The server that it finds is the first one.
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

    const empty = await endOf(tutti(home, ...told, '--choice', 'ANSWER'), 1)
    expect(empty.stderr).toBe('tutti: An answer says something: give it with --text or --data.\n')

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
    const run = tutti(home, 'run', '--task', 'approve.json')
    const first = await toldBy(run)
    const listed = await endOf(tutti(home, 'approve'), 0)
    expect(listed.stdout).toMatch(/^INTERRUPT +KIND +SINCE \(UTC\) +CHOICES +QUESTION +TASK\n/)
    expect(listed.stdout).toMatch(
      new RegExp(`\n${first[1]} +approval +\\S+ \\S+ +approve, reject +text: May it be published\\? +A text\n`),
    )
    const sessions = await endOf(tutti(home, 'sessions'), 0)
    expect(sessions.stdout).toContain(' waiting for an answer ')

    await endOf(tutti(home, ...first, '--reject', '--text', 'too short'), 0)
    const second = await toldBy(run, 1)
    expect(second[1]).not.toBe(first[1])
    const json = await endOf(tutti(home, ...second, '--choice', 'approve', '--json'), 0)
    expect(JSON.parse(json.stdout)).toMatchObject({ interrupt: { status: 'ANSWERED', choice: 'APPROVE' } })
    const { stdout } = await endOf(run, 0)
    expect(stdout).toContain('text rejected by its gate PERSON: too short')
    expect(stdout).toMatch(/SUCCEEDED in /)

    // Exactly once, and whoever comes later is told.
    const { interrupt, session } = JSON.parse(json.stdout) as Record<'interrupt' | 'session', { id: string }>
    const { stdout: none } = await endOf(tutti(home, 'approve', '--list', '--json', '--session', session.id), 0)
    expect(JSON.parse(none)).toEqual([])
    const again = await endOf(tutti(home, 'approve', interrupt.id, '--choice', 'REJECT'), 1)
    expect(again.stderr).toMatch(/It waits no longer: it is answered by .*: approve\./)
    const unknown = await endOf(tutti(home, 'approve', 'ffffffff', '--choice', 'REJECT'), 1)
    expect(unknown.stderr).toContain('Nothing that waits for a person begins with ffffffff.')
  })

  it('hears what a session within the session asks', async () => {
    const run = tutti(home, 'run', '--task', 'nested.json')
    const told = await toldBy(run)
    await endOf(tutti(home, ...told, '--choice', 'ANSWER', '--text', 'there'), 0)
    const { stdout } = await endOf(run, 0)
    expect(stdout).toMatch(/trip waits for you: Where to\?[^]*trip answered by .*: answer[^]*trip accepted/)
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
