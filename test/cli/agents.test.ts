import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { AgentLine } from '../../src/cli/agents.ts'
import type { ProbeResult } from '../../src/cli/probe-result.ts'
import type { ConfigFile } from '../../src/configFile.ts'
import { endOf, ENTRY, folderWith, start, tutti } from './tutti.ts'

const sh = (script: string) => ({ argv: ['/bin/sh', '-c', script] as [string, string, string] })
const CONFIG: Record<string, string> = {
  'tutti.config.json': JSON.stringify({
    builtinAgents: false,
    commands: {
      coder: sh('echo Hello! > hello.txt; echo written'),
      breaks: sh('echo the pipe is broken >&2; exit 3'),
      says: sh('echo it is about greetings'),
      gone: { argv: ['/nowhere/program'] },
    },
    agents: [
      { name: 'coder', type: 'CODEGEN', command: 'coder', capabilities: ['write-code'], workspace: 'WRITE' },
      { name: 'lost', type: 'REVIEW', command: 'gone', slots: 2 },
      { name: 'talker', type: 'DOCUMENTATION', command: 'says' },
    ],
  } satisfies ConfigFile),
}
const REASON = 'Command "gone": there is no executable /nowhere/program. Install it, or correct argv[0]'

/** One server for most tests of this file, whose projects may have their workspaces in one folder alone. */
let home: string
let work: string
let url: string
beforeAll(async () => {
  home = folderWith(CONFIG)
  work = join(home, 'work')
  mkdirSync(work)
  const args = ['--liftoff-only', ENTRY, 'serve', '--port', '0']
  const server = start(home, process.execPath, args, { TUTTI_WORKSPACES: work })
  await server.says(/Ctrl-C stops the server/)
  url = /listens at (\S+)/.exec(server.stdout())?.[1] ?? ''
})

const ask = async (query: string, variables: object = {}): Promise<Record<string, never>> => {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ query, variables }),
  })
  return ((await response.json()) as { data: Record<string, never> }).data
}
const told = <Told>(stdout: string): Told => JSON.parse(stdout) as Told
const GENERAL = ['--type', 'GENERAL', '--capability', 'talk', '--capability', 'read', '--description', 'It talks.']

describe.concurrent('tutti agents', () => {
  it('lists them with how they are driven, and why some take no work', async () => {
    const { stdout } = await endOf(tutti(home, 'agents', '--type', 'review'), 0)
    expect(stdout).toMatch(
      /^AGENT +TYPE +RUNTIME +VERSION +STATUS +SLOTS +SKILLS\nlost +review +command +1 +offline +2\n/,
    )
    expect(stdout).toContain(`\nlost is offline: ${REASON}`)
    const offline = await endOf(tutti(home, 'agents', 'list', '--offline', '--runtime', 'command', '--json'), 0)
    expect(told<AgentLine[]>(offline.stdout)).toMatchObject([
      { name: 'lost', project: null, runtime: 'command', version: 1, status: 'OFFLINE', origin: 'CONFIGURATION' },
    ])
    const none = await endOf(tutti(home, 'agents', '--type', 'PLANNER'), 0)
    expect(none.stdout).toBe('No agents of type PLANNER. All of them: tutti agents list\n')
  })
})

describe.concurrent('tutti agents add', () => {
  it('registers an agent, then new versions of it, and says what changed', async () => {
    const add = ['agents', 'add', 'new one', ...GENERAL, '--command', 'says']
    const first = await endOf(tutti(home, ...add), 0)
    expect(first.stdout).toBe(
      "new one is registered: new, version 1.\nIt is online.\nTry it: tutti agents test 'new one'\n",
    )
    const second = await endOf(tutti(home, ...add, '--slots', '2', '--workspace', 'read', '--json'), 0)
    expect(told(second.stdout)).toMatchObject({
      name: 'new one',
      version: 2,
      new: false,
      changed: true,
      slots: 2,
      capabilities: ['talk', 'read'],
      status: 'ONLINE',
    })
    const again = await endOf(tutti(home, ...add, '--slots', '2', '--workspace', 'READ'), 0)
    expect(again.stdout).toMatch(/^new one was registered like this already: version 2, nothing has changed\.\n/)
  })

  it('says what it lacks, and registers nothing', async () => {
    const missing = await endOf(tutti(home, 'agents', 'add', 'half', '--description', 'x'), 1)
    expect(missing.stderr).toContain(
      'To register half, also give --type <type>; --capability <skill>; one of --command, --model, --acp, --a2a <name>, or --pull.',
    )
    const unknown = await endOf(tutti(home, 'agents', 'add', 'half', ...GENERAL, '--command', 'nope'), 1)
    expect(unknown.stderr).toContain(
      'half is not registered. runtimeConfig: There is no command "nope"; there is: coder,',
    )
    const kept = await endOf(tutti(home, 'agents', 'add', 'coder', ...GENERAL, '--command', 'says'), 1)
    expect(kept.stderr).toContain("coder is not registered. This agent comes from the operator's configuration")
    const nowhere = await endOf(
      tutti(home, 'agents', 'add', 'half', ...GENERAL, '--command', 'says', '--project', 'p'),
      1,
    )
    expect(nowhere.stderr).toContain('There is no project p.')
  })
})

describe.concurrent('tutti agents test', () => {
  it('has an agent do what fits its type, shows what it changed, and leaves nothing behind', async () => {
    const own = join(work, 'own')
    mkdirSync(own)
    const { stdout } = await endOf(tutti(home, 'agents', 'test', 'coder', '--in', own), 0)
    expect(stdout).toMatch(/probe starts with coder: Write hello\.txt\n[^]*accepted[^]*\ncoder works\.\n/)
    expect(stdout).toMatch(
      /\nAgent: +codegen, runtime command, version 1\nHealth: +online\nSession: +\S+, succeeded in /,
    )
    expect(stdout).toMatch(/\nChanged: +hello\.txt \(added\)\nArtifacts: tutti-changes\.patch/)
    expect(readdirSync(own)).toEqual([])
    expect(JSON.stringify(await ask('{ projects(first: 100) { nodes { workspace } } }'))).not.toContain(own)
  })

  it('says why an agent does not work, and what is next', async () => {
    await endOf(tutti(home, 'agents', 'add', 'breaker', ...GENERAL, '--command', 'breaks'), 0)
    const args = ['agents', 'test', 'breaker', '--in', work, '--task', 'Mend the pipe', '--json']
    const { stdout, stderr } = await endOf(tutti(home, ...args), 1)
    expect(told<ProbeResult>(stdout)).toMatchObject({
      agent: { name: 'breaker', version: 1, status: 'ONLINE' },
      works: false,
      why: 'Command "breaks" ended with exit code 3: the pipe is broken',
      next: expect.stringMatching(/tutti agents add/),
      session: { status: 'FAILED' },
      evidence: [{ kind: 'EXIT_CODE', passed: false }],
    })
    expect(stderr).toContain('probe starts with breaker: Mend the pipe')
    const { id } = told<ProbeResult>(stdout).session ?? {}
    expect(await ask('query ($id: ID!) { session(id: $id) { project { archivedAt } } }', { id })).toMatchObject({
      session: { project: { archivedAt: expect.any(String) } },
    })

    // One that takes no work is not given any.
    const lost = await endOf(tutti(home, 'agents', 'test', 'lost'), 1)
    expect(lost.stdout).toContain(`lost does not work: It is offline: ${REASON}`)
    const nobody = await endOf(tutti(home, 'agents', 'test', 'nobody'), 1)
    expect(nobody.stderr).toMatch(/There is no agent nobody\. There are: .*coder/)
  })

  it('says so where the operator does not allow a folder for temporary files', async () => {
    const { stderr } = await endOf(tutti(home, 'agents', 'test', 'talker', '--json'), 1)
    expect(stderr).toMatch(/The throw-away repository is refused: .*TUTTI_WORKSPACES.*\n.*--in <folder>/)
    const nowhere = await endOf(tutti(home, 'agents', 'test', 'talker', '--in', join(home, 'nowhere')), 1)
    expect(nowhere.stderr).toMatch(/No folder can be made in .*nowhere.*Name another one with --in/)
  })

  it('tries a copy of an agent that is for one project, and notes what is strange about its result', async () => {
    await ask('mutation ($input: CreateProjectInput!) { createProject(input: $input) { __typename } }', {
      input: { name: 'shop', workspace: work },
    })
    const writer = ['--type', 'DOCUMENTATION', '--capability', 'write', '--description', 'It writes.']
    await endOf(tutti(home, 'agents', 'add', 'private', ...writer, '--command', 'says', '--project', 'shop'), 0)
    const { stdout } = await endOf(tutti(home, 'agents', 'test', 'private', '--in', work, '--json', '--quiet'), 0)
    expect(told<ProbeResult>(stdout)).toMatchObject({
      works: true,
      why: null,
      summary: 'it is about greetings',
      changes: [],
      notes: [
        'It was to leave something, and left neither changes nor artifacts.',
        'It is for one project: a copy of its registration was tried.',
      ],
    })
    const list = await endOf(tutti(home, 'agents', 'list', '--type', 'DOCUMENTATION', '--json'), 0)
    expect(told<AgentLine[]>(list.stdout).filter(({ name }) => name === 'private')).toMatchObject([{ project: 'shop' }])
  })

  it('is a server itself where none runs, and gives up when its time is over', async () => {
    const folder = folderWith({
      'tutti.config.json': JSON.stringify({
        builtinAgents: false,
        commands: { sleeper: sh('sleep 60') },
        agents: [{ name: 'sleeper', command: 'sleeper' }],
      } satisfies ConfigFile),
    })
    const { stdout } = await endOf(tutti(folder, 'agents', 'test', 'sleeper', '--timeout', '1s', '--json'), 1)
    expect(told<ProbeResult>(stdout)).toMatchObject({
      works: false,
      next: expect.stringMatching(/--timeout/),
      session: { status: 'TIMED_OUT' },
    })
  })
})
