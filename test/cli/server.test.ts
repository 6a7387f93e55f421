import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { findProgram } from '../servers/process.ts'
import { type Answer, answerIn, endOf, ENTRY, folderWith, type Running, start, tutti, unique, WORKER } from './tutti.ts'

/** One server for all tests of this file, and where it listens. */
let home: string
let serve: Running
let url: string

beforeAll(async () => {
  home = folderWith(WORKER)
  serve = tutti(home, 'serve', '--port', '0')
  await serve.says(/Ctrl-C stops the server/)
  url = /listens at (http:\S+)/.exec(serve.stdout())?.[1] ?? ''
})

/** The terminal's control sequences of one kind. */
const sequences = (output: string, kind: RegExp): string[] =>
  output
    .split('\u001B[')
    .slice(1)
    .filter((rest) => kind.test(rest))

/** A folder in which the worker does this. */
const repository = (script: string): string => folderWith({ 'work.sh': script })

describe('tutti serve', () => {
  it('says where it is, what it has, and what to do next', () => {
    expect(serve.stdout()).toMatch(/^tutti \d+\.\d+\.\d+ listens at http:\/\/127\.0\.0\.1:\d+\n/)
    expect(serve.stdout()).toContain(`GraphiQL        ${url}/graphql\n`)
    expect(serve.stdout()).toContain(`data directory  ${join(home, '.tutti')}\n`)
    expect(serve.stdout()).toContain('agents          1 agent ready: worker\n')
    expect(serve.stdout()).toContain(`--server ${url}`)
    expect(serve.stdout()).not.toContain('\u001B')
  })

  it('refuses a data directory that another server has, and says which', async () => {
    const { stderr } = await endOf(tutti(home, 'serve', '--port', '0'), 1)
    expect(stderr).toContain(`process ${serve.child.pid}`)
    expect(stderr).toContain(url)
    expect(stderr).not.toContain('    at ')
  })
})

describe.concurrent('tutti run with a server', () => {
  it('uses the server that has the data directory, and says so', async () => {
    const work = repository('echo all is well; echo all > "$TUTTI_OUTPUT_DIR/all.txt"')
    const { stdout } = await endOf(tutti(home, 'run', 'Do the work', '--no-report', '--repo', work), 0)
    expect(stdout).toContain(`using the server at ${url}`)
    expect(stdout).toMatch(/\+\d+\.\ds +\S+ starts with worker: Do the work\n/)
    expect(stdout).toMatch(/\nSUCCEEDED in .*\n\nEXECUTION .*\n\S+ +worker +accepted +1 +/)
    expect(stdout.trimEnd().split('\n').at(-1)).toContain(join(home, '.tutti/reports'))
  })

  it('makes one project for each folder, also when folders have the same name', async () => {
    const work = folderWith({ 'a/shop/work.sh': 'echo a', 'b/shop/work.sh': 'echo b' })
    for (const repo of ['a/shop', 'b/shop', 'a/shop']) {
      await endOf(tutti(work, 'run', 'Do the work', '--no-report', '-q', '--server', url, '--repo', repo), 0)
    }
    const { stdout } = await endOf(tutti(work, 'sessions', '--json', '--limit', '100', '--server', url), 0)
    const projects = (JSON.parse(stdout) as { project: string }[]).map(({ project }) => project)
    expect(projects.filter((name) => name.startsWith('shop'))).toEqual(['shop', 'shop-2', 'shop'])
  })

  it('keeps what sessions within the session made too, below the keys of who made it, also what is taken over', async () => {
    const part = (key: string, more: object) => ({ key, title: key, description: '', ...more })
    const inner = { pattern: 'SEQUENTIAL', parts: [part('text', { agent: 'worker' })] }
    const book = {
      pattern: 'PARALLEL',
      parts: [part('chapter', { session: inner }), part('cover', { agent: 'worker' })],
    }
    const subTasks = [part('book', { session: book }), part('print', { agent: 'worker', dependsOn: ['book'] })]
    const work = folderWith({
      'work.sh': `key=$(node -p 'JSON.parse(require("fs").readFileSync(0, "utf8")).key')
echo "$key" > "$TUTTI_OUTPUT_DIR/made.txt"
test "$key" != print || test -f ink`,
      'task.json': JSON.stringify({
        task: { title: 'A book', description: '', subTasks },
        pattern: 'SEQUENTIAL',
        limits: { maxAttempts: 1 },
      }),
    })
    const names = ({ executions }: Answer): string[] =>
      (executions[0]?.artifacts ?? []).map(({ name, path }) => {
        expect(path).toContain(join('book', name))
        return `${name}: ${readFileSync(path ?? '', 'utf8').trim()}`
      })
    const expected = ['chapter/text/made.txt: text', 'cover/made.txt: cover']
    const first = await endOf(tutti(work, 'run', '--task', 'task.json', '--json', '--server', url), 1)
    expect(names(answerIn(first.stdout))).toEqual(expected)
    await endOf(start(work, 'touch', ['ink']), 0)
    const { stdout } = await endOf(
      tutti(work, 'retry', answerIn(first.stdout).session.id, '--json', '--server', url),
      0,
    )
    expect(answerIn(stdout).executions[0]).toMatchObject({ attempts: 0, status: 'ACCEPTED' })
    expect(names(answerIn(stdout))).toEqual(expected)
  })

  it('says why a task failed, and tries it again', async () => {
    const work = repository('test -f ready && echo fine || { echo not ready >&2; exit 3; }')
    const first = await endOf(
      tutti(work, 'run', 'Do the work', '--no-report', '--json', '--title', 'Work', '--server', url),
      1,
    )
    const { session, executions } = answerIn(first.stdout)
    expect(session.status).toBe('FAILED')
    expect(executions).toMatchObject([
      { agent: 'worker', status: 'FAILED', attempts: 3, error: expect.stringContaining('not ready') },
    ])
    await endOf(start(work, 'touch', ['ready']), 0)
    const { stdout } = await endOf(tutti(work, 'retry', session.id, '--server', url), 0)
    expect(stdout).toContain('SUCCEEDED')
  })

  it('says where the server finds something wrong with a task file that is beyond its shape', async () => {
    const task = { title: 'A', subTasks: [{ key: 'a', title: 'A', agent: 'nobody' }] }
    const work = folderWith({ 'task.json': JSON.stringify({ task }) })
    const { stderr, stdout } = await endOf(tutti(work, 'run', '--task', 'task.json', '-q', '--server', url), 1)
    expect(stderr).toMatch(/^tutti: task\.json cannot be used:\n.*nobody/m)
    expect(stderr).not.toContain('    at ')
    expect(stdout).toBe('')
  })

  it('gives up after the time that it was given', async () => {
    const work = repository(`sleep ${unique()}`)
    const args = ['--no-report', '--json', '--quiet', '--timeout', '300ms', '--server', url]
    const { stdout, stderr } = await endOf(tutti(work, 'run', 'Do the work', ...args), 1)
    expect(answerIn(stdout).session).toMatchObject({ status: 'TIMED_OUT', reason: expect.stringContaining('300 ms') })
    expect(stderr).toBe('')
  })

  it('draws over itself in a terminal', async ({ skip }) => {
    const script = findProgram('script')
    if (script === undefined) return skip('there is no script (util-linux)')
    const work = repository('echo one; until test -f go; do sleep 0.1; done; echo two')
    const command = `stty cols 90 rows 30; exec "${process.execPath}" "${ENTRY}" run "Do the work" --no-report --server ${url}`
    const terminal = start(work, script, ['-qec', command, '/dev/null'], { TERM: 'xterm-256color' })
    await terminal.says(/└ one/)
    await endOf(start(work, 'touch', ['go']), 0)
    const { stdout } = await endOf(terminal, 0)
    // The cursor is hidden, goes up again and again, and comes back.
    expect(stdout).toContain('\u001B[?25l')
    expect(sequences(stdout, /^\d+A/).length).toBeGreaterThan(3)
    expect(stdout).toMatch(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/)
    expect(stdout).toContain('\u001B[32m✔')
    expect(stdout.lastIndexOf('\u001B[?25h')).toBeGreaterThan(stdout.lastIndexOf('\u001B[?25l'))
    expect(stdout).toContain('SUCCEEDED')
  })

  it('has no colours in a terminal that is not to have any', async ({ skip }) => {
    const script = findProgram('script')
    if (script === undefined) return skip('there is no script (util-linux)')
    const work = repository('echo fine')
    const command = `stty cols 90 rows 30; exec "${process.execPath}" "${ENTRY}" run "Do the work" --no-report --server ${url}`
    const { stdout } = await endOf(
      start(work, script, ['-qec', command, '/dev/null'], { TERM: 'xterm-256color', NO_COLOR: '1' }),
      0,
    )
    expect(stdout).toContain('✔')
    expect(sequences(stdout, /^\d*m/)).toEqual([])
  })
})

describe('the other commands', () => {
  it('watch a session from its beginning; Ctrl-C leaves it alone; cancel stops it', async () => {
    const work = repository(`echo busy; sleep ${unique()}`)
    const run = tutti(work, 'run', 'Do the work', '--no-report', '--server', url)
    await run.says(/\| busy/)
    const [id = ''] = /[\da-f]{8}-[\da-f-]{27}/.exec(run.stdout()) ?? []
    const watching = tutti(work, 'watch', id, '--server', url)
    await watching.says(/starts with worker/)
    watching.child.kill('SIGINT')
    expect((await endOf(watching, 130)).stdout).toContain('The session goes on: running')
    const canceled = await endOf(tutti(work, 'cancel', id, '--reason', 'enough', '--server', url), 0)
    expect(canceled.stdout).toMatch(/^The session is (being stopped|canceled)\. Next: tutti watch /)
    expect((await endOf(run, 1)).stdout).toContain('stopping: enough')
    const again = await endOf(tutti(work, 'watch', id, '--server', url), 1)
    expect(again.stdout).toMatch(/starts with worker[^]*stopping: enough[^]*CANCELED/)
  })

  it('list sessions and agents, for people and for programs', async () => {
    const folder = folderWith({})
    const [sessions, agents, json] = await Promise.all([
      endOf(tutti(folder, 'sessions', '--server', url), 0),
      endOf(tutti(folder, 'agents', '--server', url), 0),
      endOf(tutti(folder, 'agents', '--json', '--server', url), 0),
    ])
    expect(sessions.stdout).toMatch(/^SESSION +STATUS +CREATED \(UTC\) +TIME +PROJECT +TITLE\n[\da-f-]{36} /)
    expect(agents.stdout).toMatch(
      /^AGENT +TYPE +RUNTIME +VERSION +STATUS +SLOTS +SKILLS\nworker +general +command +1 +online +8 +work\n$/,
    )
    expect(JSON.parse(json.stdout)).toMatchObject([{ name: 'worker', status: 'ONLINE' }])
  })

  it.each([
    [['watch', 'nonsense'], 'There is no session nonsense. `tutti sessions` lists the last ones.'],
    [['cancel', '00000000-0000-7000-8000-000000000000'], 'There is no such session.'],
    [['retry', '00000000-0000-7000-8000-000000000000'], 'There is no such session.'],
  ])('say that there is no such session: %j', async (args, message) => {
    const { stderr, stdout } = await endOf(tutti(folderWith({}), ...args, '--server', url), 1)
    expect(stderr).toContain(message)
    expect(stdout).toBe('')
  })

  it.each([
    [['sessions'], 'Start one with `tutti serve`, or name one with --server.'],
    [['sessions', '--server', 'http://127.0.0.1:9'], 'Start one with `tutti serve`.'],
    [['run', ' '], 'The task is empty'],
    [['run', 'work', '--repo', 'nowhere'], 'is no folder'],
    [['run', 'work', '--config', 'nowhere.json'], 'does not exist'],
    [['run', 'work', '--server', 'http://127.0.0.1:9'], 'Start one with `tutti serve`'],
    [['sessions', '--data-dir', 'file'], 'file is a file, or below one. Name a folder with --data-dir'],
    [['run', 'work', '--data-dir', 'file/below'], 'file/below is a file, or below one.'],
    [['serve', '--port', '0', '--data-dir', 'file'], 'file is a file, or below one.'],
    [['run', 'work', '--server', 'http://127.0.0.1:9', '--data-dir', 'file'], 'file is a file, or below one.'],
  ])('say what is wrong and what to do: %j', async (args, says) => {
    const folder = folderWith({ file: 'no folder' })
    const { stdout, stderr } = await endOf(tutti(folder, ...args), 1)
    expect(stderr).toContain(says)
    expect(stderr).not.toContain('    at ')
    expect(stdout).toBe('')
    expect(existsSync(join(folder, '.tutti', 'reports'))).toBe(false)
  })
})

describe('tutti serve, at the end', () => {
  it('stops in order when asked to, with JSON logs outside of a terminal', async () => {
    serve.child.kill('SIGTERM')
    const { stderr } = await endOf(serve, 0)
    const logs = stderr.trim().split('\n')
    expect(JSON.parse(logs.at(-1) ?? '')).toMatchObject({ msg: 'stopped' })
    expect(stderr).not.toMatch(/"level":[56]0/)
  })
})
