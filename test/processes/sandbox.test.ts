import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync } from 'node:fs'
import { symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, describe, expect, it } from 'vitest'
import { createSandbox } from '../../src/processes/sandbox.ts'
import type { SandboxConfig } from '../../src/processes/sandbox/settings.ts'
import type { Work } from '../../src/runtime.ts'
import type { CommandDefinition } from '../../src/runtimes/command.ts'
import { createCommandRuntime } from '../../src/runtimes/command.ts'
import {
  drain,
  isRunning,
  makeWork,
  perform,
  processesOf,
  readUntilReady,
  waitFor,
} from '../contracts/runtime.suite.ts'
import { behaviours } from '../runtimes/command/behaviours.ts'
import { noSandbox } from './bubblewrap.ts'

const folder = mkdtempSync(join(tmpdir(), 'tutti-sandbox-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A person's home, the server's own folder with an attempt in it, and a folder of somebody else. */
const home = join(folder, 'home')
const dataDir = join(folder, 'data')
const elsewhere = join(folder, 'elsewhere')
for (const path of [join(home, '.ssh'), join(dataDir, 'artifacts'), elsewhere]) mkdirSync(path, { recursive: true })
writeFileSync(join(home, '.ssh/id_test'), 'the key')
writeFileSync(join(home, '.netrc'), 'a password')
writeFileSync(join(home, 'notes'), 'no secret')
writeFileSync(join(dataDir, 'house-key'), 'of the house')
writeFileSync(join(dataDir, 'artifacts/of-another'), 'a result')

const environment = { PATH: process.env['PATH'], HOME: home }

/** Runs a program as an agent in the sandbox, in which the folders above would be readable but for what is hidden. */
async function run(
  argv: CommandDefinition['argv'],
  own: SandboxConfig = {},
  change: { env?: Record<string, string>; work?: Partial<Work>; prepare?: (work: Work) => void } = {},
) {
  const work: Work = { ...makeWork(join(dataDir, 'work')), runtimeConfig: { command: 'it' }, ...change.work }
  change.prepare?.(work)
  const defaults: SandboxConfig = { mode: 'required', read: [folder] }
  const runtime = createCommandRuntime({
    commands: { it: { argv, env: { DATA: dataDir, ELSEWHERE: elsewhere, ...change.env }, sandbox: own } },
    environment,
    sandbox: createSandbox({ environment, hidden: [dataDir], defaults }),
    limits: { killGraceMs: 300 },
  })
  const { outcome, activities } = await perform(runtime, work)
  const lines = activities.map(({ text }) => text)
  return { work, outcome, lines, error: outcome.kind === 'ERROR' ? outcome.error : undefined }
}

/** Each line is tried, and told as `yes` or `no` in its order. */
const attempts = (...lines: string[]): CommandDefinition['argv'] => [
  'sh',
  '-c',
  lines.map((line) => `if (${line}) >/dev/null 2>&1; then echo yes; else echo no; fi`).join('\n'),
]

const script = (text: string): CommandDefinition['argv'] => [process.execPath, '-e', text]

/** What tells processes of one sandbox from all others, seen from outside. */
const OWN_NAMESPACE = 'echo "in $(readlink /proc/self/ns/pid)"'
function livingIn(lines: string[]): string[] {
  const namespace = lines.find((line) => line.startsWith('in pid:'))?.slice(3)
  if (namespace === undefined) throw new Error(`no namespace was told: ${lines.join('\n')}`)
  return readdirSync('/proc').filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/ns/pid`) === namespace && isRunning(Number(pid))
    } catch {
      return false
    }
  })
}

describe.skipIf(noSandbox !== undefined)('a program in the sandbox', () => {
  it('has its arguments and its work taken as they are: no shell reads them', async () => {
    const words = '$(touch broken) `touch broken`; touch broken | touch broken && touch broken > broken'
    const { work, lines } = await run(['printf', '%s\\n', words], {}, { work: { title: words, key: words } })
    expect(lines).toEqual([words])
    expect(readdirSync(work.workspace)).toEqual([])
  })

  it('writes where it works and leaves results, and nowhere else, also not through links', async () => {
    const tries = [
      'echo x > here',
      'echo x > "$TUTTI_OUTPUT_DIR/result"',
      'echo x > "$ELSEWHERE/there"',
      'echo x > link',
      'echo x > folder/there',
      'ln -s "$ELSEWHERE" own && echo x > own/there',
      'echo x > "$HOME/there"',
      'echo x > /etc/there',
      'echo x > /dev/there',
    ]
    const { work, lines } = await run(
      attempts(...tries),
      {},
      {
        prepare: ({ workspace }) => {
          symlinkSync(join(elsewhere, 'there'), join(workspace, 'link'))
          symlinkSync(elsewhere, join(workspace, 'folder'))
        },
      },
    )
    expect(lines).toEqual(['yes', 'yes', 'no', 'no', 'no', 'no', 'no', 'no', 'no'])
    expect(readdirSync(elsewhere)).toEqual([])
    expect(existsSync(join(work.workspace, 'here'))).toBe(true)
  })

  it('writes nothing where it works if it may only read there, and where else it may if that is said', async () => {
    const tries = ['echo x > here', 'echo x > "$TUTTI_OUTPUT_DIR/result"', 'echo x > "$ELSEWHERE/said"']
    const { lines } = await run(attempts(...tries), { workspace: 'read', write: [elsewhere] })
    expect(lines).toEqual(['no', 'yes', 'yes'])
    rmSync(join(elsewhere, 'said'))
  })

  it("sees neither a person's keys nor the server's own files, but its own results and those that it is given", async () => {
    const given = join(dataDir, 'artifacts/given')
    writeFileSync(given, 'for it')
    const artifact = { id: '1', name: 'a', kind: 'FILE', mediaType: 'text/plain', size: 6, sha256: '', path: given }
    const upstream = [
      {
        key: 'a',
        title: 'a',
        agent: null,
        status: 'ACCEPTED',
        summary: '',
        output: null,
        error: null,
        artifacts: [artifact],
      },
    ]
    const tries = [
      'cat "$HOME/notes"',
      `cat ${given}`,
      'ls "$TUTTI_OUTPUT_DIR"',
      'grep . "$HOME/.ssh/id_test"',
      'grep . "$HOME/.netrc"',
      'grep . "$DATA/house-key"',
      'grep . "$DATA/artifacts/of-another"',
      'ls "$DATA" | grep house',
      'grep . /etc/shadow',
      'ls /run | grep .',
      `test -d /proc/${process.pid}`,
      'grep "PATH=" /proc/1/environ | grep -v TUTTI_ATTEMPT_ID',
      'test -e /dev/sda || test -e /dev/vda || test -e /dev/kmsg',
    ]
    const { lines } = await run(attempts(...tries), {}, { work: { upstream } })
    expect(lines).toEqual(['yes', 'yes', 'yes', ...Array.from({ length: 10 }, () => 'no')])
  })

  it('sees of what is hidden what the operator shows, and not what the operator hides', async () => {
    const tries = ['grep . "$HOME/.ssh/id_test"', 'grep . "$HOME/.netrc"', 'grep . "$HOME/notes"']
    const { lines } = await run(attempts(...tries), { read: ['~/.ssh'], hide: ['~/notes'] })
    expect(lines).toEqual(['yes', 'no', 'no'])
  })

  it('has a /tmp of its own, which goes with it and holds no more than it may', async () => {
    const name = join('/tmp', `tutti-${process.pid}-mine`)
    const tries = [
      `echo x > ${name}`,
      'head -c 3000000 /dev/zero > /tmp/big',
      'head -c 3000000 /dev/zero > /dev/shm/big',
    ]
    const { lines } = await run(attempts(...tries), { limits: { tmpBytes: 1_000_000 } })
    expect(lines).toEqual(['yes', 'no', 'no'])
    expect(existsSync(name)).toBe(false)
  })

  it('has a network of its own: its own servers answer, those of the machine do not unless that is said', async () => {
    const server = createServer((socket) => socket.on('error', () => {}).end('hello')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const connect = `const net = require('node:net')
      const reach = (port) => new Promise((resolve) => {
        net.connect(port, '127.0.0.1', () => resolve('reached')).on('error', ({ code }) => resolve(code))
      })
      const own = net.createServer((socket) => socket.end()).listen(0, '127.0.0.1', async () => {
        console.log(await reach(own.address().port), await reach(${port}))
        process.exit(0)
      })`
    try {
      expect((await run(script(connect))).lines).toEqual(['reached ECONNREFUSED'])
      expect((await run(script(connect), { network: true })).lines).toEqual(['reached reached'])
    } finally {
      server.close()
    }
  })

  it('takes everything with it: what left its session, lost its parents, cleared its environment and went away', async () => {
    const daemon = 'cd /; exec env -i setsid sleep 600 <&- >&- 2>&-'
    const { lines, outcome } = await run(['sh', '-c', `${OWN_NAMESPACE}; (setsid sh -c '${daemon}' &) ; echo done`])
    expect(outcome).toMatchObject({ kind: 'OK', evidence: [{ kind: 'EXIT_CODE', detail: { sandboxed: true } }] })
    expect(livingIn(lines)).toEqual([])
  })

  it('takes everything with it as well when it is canceled, though it ignores being asked', async () => {
    const daemon = 'trap "" TERM; cd /; while :; do env -i sleep 0.05; done'
    const work = { ...makeWork(folder), runtimeConfig: { command: 'it' } }
    const runtime = createCommandRuntime({
      commands: { it: { argv: ['sh', '-c', `${OWN_NAMESPACE}; setsid sh -c '${daemon}' & echo ready; wait`] } },
      environment,
      sandbox: createSandbox({ environment, hidden: [] }),
      limits: { killGraceMs: 300 },
    })
    const controller = new AbortController()
    const attempt = runtime.run(work, controller.signal)
    const lines = (await readUntilReady(attempt)).map(({ text }) => text)
    expect(livingIn(lines).length).toBeGreaterThan(2)
    controller.abort()
    expect((await drain(attempt)).outcome.kind).toBe('CANCELED')
    expect(livingIn(lines)).toEqual([])
  })

  it('is asked to end before it is ended', async () => {
    const work = { ...makeWork(folder), runtimeConfig: { command: 'it' } }
    const polite = 'trap "echo bye > said; exit" TERM; echo ready; while :; do sleep 0.05; done'
    const runtime = createCommandRuntime({
      commands: { it: { argv: ['sh', '-c', polite] } },
      environment,
      sandbox: createSandbox({ environment, hidden: [] }),
      limits: { killGraceMs: 60_000 },
    })
    const controller = new AbortController()
    const attempt = runtime.run(work, controller.signal)
    await readUntilReady(attempt)
    controller.abort()
    await drain(attempt)
    expect(readFileSync(join(work.workspace, 'said'), 'utf8')).toBe('bye\n')
  })

  it('ends with its server, however that ends', async () => {
    const work = { ...makeWork(folder), runtimeConfig: { command: 'double fork daemon' } }
    const host = join(import.meta.dirname, '../fixtures/runtime-host.ts')
    const given = JSON.stringify({ commands: behaviours, work, sandboxed: true })
    const server = spawn(process.execPath, [host, given], { stdio: ['ignore', 'pipe', 'inherit'] })
    for await (const line of createInterface(server.stdout)) if (line === 'ready') break
    expect(processesOf(work).length).toBeGreaterThan(2)
    server.kill('SIGKILL')
    await once(server, 'exit')
    await waitFor(() => processesOf(work).length === 0)
  })
})

describe.skipIf(noSandbox !== undefined)(
  'what a program uses beyond its limits ends it, and nobody tries again',
  () => {
    const limited = async (argv: CommandDefinition['argv'], limits: SandboxConfig['limits'] & object) => {
      const { error, lines, work } = await run(argv, { limits })
      expect(error?.class).toBe('TOO_LARGE')
      expect(error?.message).toMatch(
        new RegExp(`sandbox\\.limits\\.${Object.keys(limits)[0]} is \\d+\\. Let it use less`),
      )
      return { lines, work }
    }

    it('processes, as many as a fork bomb makes', async () => {
      // It would stop at a thousand by itself: this machine has other things to do.
      const bomb = `${OWN_NAMESPACE} > "$TUTTI_OUTPUT_DIR/namespace"; bomb() { [ $1 -gt 0 ] && bomb $(($1 - 1)) & [ $1 -gt 0 ] && bomb $(($1 - 1)) & sleep 5; }; bomb 9`
      const { work } = await limited(['sh', '-c', bomb], { processes: 20 })
      // What a program prints just before it is ended may be counted only.
      expect(livingIn([readFileSync(join(work.outputDir, 'namespace'), 'utf8').trim()])).toEqual([])
    })

    it('memory, of all its processes together', async () => {
      const eat = `const kept = []; setInterval(() => kept.push(Buffer.alloc(4_000_000, 1)), 5)`
      const two = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(eat)}]); ${eat}`
      await limited(script(two), { memoryBytes: 300_000_000 })
    })

    it('CPU time, of all its processes together', async () => {
      await limited(['sh', '-c', '(while :; do :; done) & while :; do :; done'], { cpuSeconds: 1 })
    })

    it('output', async () => {
      await limited(['yes'], { outputBytes: 10_000_000 })
    })

    it('the size of a file', async () => {
      const { work } = await limited(['sh', '-c', 'exec head -c 10000000 /dev/zero > big'], { fileBytes: 1_000_000 })
      expect(statSync(join(work.workspace, 'big')).size).toBe(1_000_000)
    })
  },
)

describe.skipIf(noSandbox !== undefined)('git in the sandbox', () => {
  const git = (cwd: string, ...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=Somebody', '-c', 'user.email=somebody@example.org', ...args], {
      cwd,
      encoding: 'utf8',
      stdio: 'pipe',
    })
  const repository = (path: string): string => {
    mkdirSync(path, { recursive: true })
    git(path, 'init', '-q')
    git(path, 'commit', '-q', '--allow-empty', '-m', 'the first')
    return path
  }
  const trusting = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'safe.directory', GIT_CONFIG_VALUE_0: '*' }
  const who = { GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a' }
  // As it is in general: nothing of /tmp is there but what is shown.
  const inTmp = async (argv: CommandDefinition['argv'], workspace: string) => {
    const runtime = createCommandRuntime({
      commands: { it: { argv, env: { ...trusting, ...who, ELSEWHERE: elsewhere } } },
      environment,
      sandbox: createSandbox({ environment, hidden: [dataDir], defaults: { mode: 'required' } }),
    })
    const { activities } = await perform(runtime, { ...makeWork(folder), workspace, runtimeConfig: { command: 'it' } })
    return activities.map(({ text }) => text)
  }

  it('commits in the workspace, and changes neither hooks nor settings, which run programs outside', async () => {
    const workspace = repository(join(folder, 'plain'))
    const tries = [
      'git commit --allow-empty -m second',
      'echo "echo broken" > .git/hooks/pre-commit',
      'git config core.fsmonitor broken',
      'mv .git away',
    ]
    expect(await inTmp(attempts(...tries), workspace)).toEqual(['yes', 'no', 'no', 'no'])
    expect(git(workspace, 'log', '--format=%s')).toBe('second\nthe first\n')
  })

  it('reads the history of a worktree, and of a folder deep in a repository, and writes to neither', async () => {
    const main = repository(join(folder, 'main'))
    const worktree = join(folder, 'a-worktree')
    git(main, 'worktree', 'add', '-q', '--detach', worktree)
    const deep = join(main, 'packages/deep')
    mkdirSync(deep, { recursive: true })
    for (const workspace of [worktree, deep]) {
      const tries = ['git log --format=%s | grep first', 'git status', 'git branch broken', `echo x > ${main}/broken`]
      expect(await inTmp(attempts(...tries), workspace)).toEqual(['yes', 'yes', 'no', 'no'])
    }
  })

  it('is shown nothing for a forged link', async () => {
    const workspace = join(folder, 'forged')
    mkdirSync(workspace)
    mkdirSync(join(elsewhere, 'worktrees/x'), { recursive: true })
    mkdirSync(join(elsewhere, 'objects'))
    writeFileSync(join(workspace, '.git'), `gitdir: ${elsewhere}/worktrees/x\n`)
    expect(await inTmp(attempts('ls "$ELSEWHERE/objects"', 'ls'), workspace)).toEqual(['no', 'yes'])
    rmSync(join(elsewhere, 'worktrees'), { recursive: true })
    rmSync(join(elsewhere, 'objects'), { recursive: true })
  })
})

describe('where there is no sandbox', () => {
  const without = { ...environment, PATH: join(folder, 'no-programs') }
  const runtimeIn = (mode: 'auto' | 'required' | 'off') =>
    createCommandRuntime({
      commands: { it: { argv: ['/bin/echo', 'hello'], sandbox: { mode } } },
      environment: without,
      sandbox: createSandbox({ environment: without, hidden: [] }),
    })
  const work = () => ({ ...makeWork(folder), runtimeConfig: { command: 'it' } })

  it('a program that needs one is refused, with what to do', async () => {
    const words =
      /Command "it": It is to run in the sandbox alone .* but (bubblewrap is not installed: install it|there is none)/
    expect(await runtimeIn('required').check({ command: 'it' })).toMatch(words)
    expect((await perform(runtimeIn('required'), work())).outcome).toMatchObject({
      kind: 'ERROR',
      error: { class: 'UNAVAILABLE', message: expect.stringMatching(words) },
    })
  })

  it.each(['auto', 'off'] as const)('others run with the mode %s, and their evidence says so', async (mode) => {
    expect(await runtimeIn(mode).check({ command: 'it' })).toBeUndefined()
    expect((await perform(runtimeIn(mode), work())).outcome).toMatchObject({
      kind: 'OK',
      output: { stdout: 'hello\n' },
      evidence: [{ kind: 'EXIT_CODE', passed: true, detail: { sandboxed: false } }],
    })
  })
})
