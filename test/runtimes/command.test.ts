import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Work } from '../../src/runtime.ts'
import type { CommandDefinition } from '../../src/runtimes/command.ts'
import { createCommandRuntime } from '../../src/runtimes/command.ts'
import { listProcesses, readProcess } from '../../src/processes/table.ts'
import { processTree } from '../../src/processes/tree.ts'
import type { Behaviour } from '../contracts/runtime.suite.ts'
import {
  expectNothingLeft,
  isRunning,
  makeWork,
  perform,
  processesOf,
  runtimeSuite,
} from '../contracts/runtime.suite.ts'
import { behaviours, node, sh } from './command/behaviours.ts'

const agents = join(import.meta.dirname, '../fixtures/agents')

const environment = { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8', SECRET: 'of the server', WANTED: 'by one' }
const limits = { killGraceMs: 300, lines: 3_000 }

runtimeSuite('command runtime', () => ({
  runtime: createCommandRuntime({ commands: behaviours, environment, limits }),
  agent: (behaviour) => ({ command: behaviour }),
  graceMs: limits.killGraceMs,
  lines: limits.lines,
}))

const folder = mkdtempSync(join(tmpdir(), 'tutti-command-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A process that no attempt has anything to do with; it goes with the test. */
function startSleeper() {
  const sleeper = spawn('sleep', ['600'], { stdio: 'ignore', detached: true })
  onTestFinished(() => void sleeper.kill('SIGKILL'))
  return sleeper
}

/** Runs one program as an agent. */
async function run(command: CommandDefinition, change: { limits?: object; work?: Partial<Work> } = {}) {
  const runtime = createCommandRuntime({
    commands: { it: command },
    environment,
    limits: { ...limits, ...change.limits },
  })
  const work: Work = { ...makeWork(folder), runtimeConfig: { command: 'it' }, ...change.work }
  return { ...(await perform(runtime, work)), work }
}

describe('the environment of a program', () => {
  const environmentOf = async (change: Partial<CommandDefinition>) => {
    const { outcome, work } = await run({ ...node('ok-with-result.js'), ...change })
    if (outcome.kind !== 'OK') throw new Error(JSON.stringify(outcome))
    return { work, ...(outcome.output as { cwd: string; environment: Record<string, string> }) }
  }

  it('holds the allow-listed names, the attempt, and nothing else of the server', async () => {
    const { environment: seen, work, cwd } = await environmentOf({})
    expect(seen).toEqual({
      PATH: process.env['PATH'],
      LC_ALL: 'C.UTF-8',
      TERM: 'dumb',
      TUTTI_OUTPUT_DIR: work.outputDir,
      TUTTI_SESSION_ID: work.sessionId,
      TUTTI_EXECUTION_ID: work.executionId,
      TUTTI_ATTEMPT: '1',
      TUTTI_ATTEMPT_ID: work.attemptId,
    })
    expect(cwd).toBe(work.workspace)
  })

  it('is what its definition adds, but for the names of the runtime', async () => {
    const { environment: seen, work } = await environmentOf({
      env: { MODE: 'quick', TUTTI_ATTEMPT_ID: 'forged' },
      allowEnv: ['WANTED', 'ABSENT'],
    })
    expect(seen).toMatchObject({ MODE: 'quick', WANTED: 'by one', TUTTI_ATTEMPT_ID: work.attemptId })
    expect(seen).not.toHaveProperty('SECRET')
    expect(seen).not.toHaveProperty('ABSENT')
  })
})

describe('check', () => {
  const check = async (definition: CommandDefinition, name = 'it') =>
    createCommandRuntime({ commands: { it: definition }, environment }).check({ command: name })

  it('finds a name in PATH and an absolute path', async () => {
    expect(await check({ argv: ['sh'] })).toBeUndefined()
    expect(await check({ argv: [process.execPath] })).toBeUndefined()
  })

  it('leaves a path in the workspace to the attempt', async () => {
    expect(await check({ argv: ['./tool'] })).toBeUndefined()
    const { outcome } = await run({ argv: ['./tool'] })
    expect(outcome).toMatchObject({ kind: 'ERROR', error: { class: 'UNAVAILABLE' } })
  })

  it('says what is missing and what to do', async () => {
    expect(await check({ argv: ['no-such-program'] })).toMatch(/no executable no-such-program in PATH .* Install it/)
    expect(await check({ argv: ['/etc/passwd'] })).toMatch(/no executable \/etc\/passwd/)
    expect(await check({ argv: ['sh'] }, 'other')).toMatch(/no command "other"; there is: it/)
  })
})

describe('a definition', () => {
  it.each([
    ['without a program', { argv: [] }],
    ['with an empty program', { argv: [''] }],
    ['with a shell line', { argv: 'rm -rf /' }],
    ['with an unknown key', { argv: ['sh'], shell: true }],
    ['with an impossible exit code', { argv: ['sh'], okCodes: [256] }],
  ])('%s is refused', (_, definition) => {
    const commands = { it: definition as unknown as CommandDefinition }
    expect(() => createCommandRuntime({ commands, environment })).toThrow()
  })
})

describe('what cannot be run', () => {
  it('is VALIDATION without a workspace', async () => {
    const { outcome } = await run(sh('sleep.sh'), { work: { workspace: join(folder, 'gone') } })
    expect(outcome).toMatchObject({ kind: 'ERROR', error: { class: 'VALIDATION' } })
  })

  it('is UNAVAILABLE without a program, with the next step', async () => {
    const { outcome } = await run({ argv: ['no-such-program'] })
    expect(outcome).toMatchObject({
      kind: 'ERROR',
      error: { class: 'UNAVAILABLE', message: expect.stringContaining('Install it') },
    })
  })

  it('is UNAVAILABLE when the interpreter of a script is missing, and leaves no record', async () => {
    const script = join(folder, 'script')
    writeFileSync(script, '#!/no/such/interpreter\n', { mode: 0o755 })
    const { outcome, work } = await run({ argv: [script] })
    expect(outcome).toMatchObject({
      kind: 'ERROR',
      error: { class: 'UNAVAILABLE', message: expect.stringContaining('first line') },
    })
    expect(existsSync(`${work.outputDir}.process.json`)).toBe(false)
  })
})

describe('exit codes', () => {
  it('are failures beyond 0, with the evidence', async () => {
    const { outcome } = await run(sh('exit-3.sh'))
    expect(outcome).toMatchObject({
      kind: 'ERROR',
      error: { class: 'AGENT', message: 'Command "it" ended with exit code 3: the license is missing' },
      evidence: [{ name: 'exit code', kind: 'EXIT_CODE', passed: false, detail: { exitCode: 3, command: 'it' } }],
    })
  })

  it('are findings if the definition says so: done, but not passed', async () => {
    const { outcome } = await run({ ...sh('exit-3.sh'), findingsCodes: [3] })
    expect(outcome).toMatchObject({
      kind: 'OK',
      summary: 'some progress',
      output: { exitCode: 3, stdout: 'some progress\n' },
      evidence: [{ kind: 'EXIT_CODE', passed: false }],
    })
  })

  it.each([
    ['nothing', 'exit 0', { summary: '', output: { exitCode: 0, stdout: '' } }],
    ['words on stderr alone', 'echo 3 files >&2', { summary: '3 files', output: { exitCode: 0, stdout: '' } }],
    [
      'an empty output',
      `echo '{"summary": "renamed", "output": {}}' > "$TUTTI_OUTPUT_DIR/result.json"`,
      { summary: 'renamed', output: {} },
    ],
  ])(
    'E114: that count as done with %s are nothing, unless files of the workspace have changed',
    async (_, script, ifChanged) => {
      const { outcome } = await run({ argv: ['sh', '-c', script] })
      expect(outcome).toMatchObject({
        kind: 'NOTHING',
        why: expect.stringMatching(/^it ended with exit code 0/),
        ifChanged,
      })
    },
  )

  it('are told by the server alone: no program says that it has passed', async () => {
    const evidence = [{ name: 'exit code', kind: 'EXIT_CODE', passed: true }]
    const script = `printf %s "$1" > "$TUTTI_OUTPUT_DIR/result.json"; exit 3`
    const result = JSON.stringify({ summary: 'done', output: 1, evidence })
    const { outcome } = await run({ argv: ['sh', '-c', script, 'sh', result], findingsCodes: [3] })
    expect(outcome).toMatchObject({
      kind: 'ERROR',
      error: { class: 'AGENT', message: expect.stringContaining('evidence[0].kind: is told by the server alone') },
      evidence: [{ kind: 'EXIT_CODE', passed: false }],
    })
  })

  it('are fine if the definition says so, and 0 is not if it does not', async () => {
    const { outcome } = await run({ ...sh('exit-3.sh'), okCodes: [3] })
    expect(outcome).toMatchObject({ kind: 'OK', evidence: [{ kind: 'EXIT_CODE', passed: true }] })
    const { outcome: other } = await run({ ...sh('never-reads-stdin.sh'), okCodes: [3] })
    expect(other).toMatchObject({ kind: 'ERROR', error: { class: 'AGENT' } })
  })
})

describe('output', () => {
  it('becomes plain text, and long lines are cut with a note', async () => {
    const { activities } = await run(node('garbled.js'))
    expect(activities.map(({ text }) => text)).toEqual([
      'abc\td red \ufffd',
      `${'ä'.repeat(4_096)} … (31808 bytes of this line left out)`,
      '10%',
      '20%',
      'end',
    ])
  })

  it('names its stream', async () => {
    const { activities } = await run(sh('exit-3.sh'))
    expect(activities).toContainEqual({ kind: 'OUTPUT', stream: 'stdout', text: 'some progress' })
    expect(activities).toContainEqual({ kind: 'OUTPUT', stream: 'stderr', text: 'the license is missing' })
  })

  it('of 100 MB is counted to the last byte, shown to the limit and kept to the last 64 KiB', async () => {
    const bytes = 100_000_000
    const { activities, outcome } = await run(sh('flood.sh', `${bytes}`))
    expect(activities).toHaveLength(limits.lines + 1)
    if (outcome.kind !== 'OK') throw new Error(JSON.stringify(outcome))
    const [, counted] = outcome.evidence
    expect(counted).toMatchObject({ kind: 'COUNT', detail: { bytes, shown: limits.lines } })
    const { stdout, omittedBytes } = outcome.output as { stdout: string; omittedBytes: number }
    expect(stdout).toHaveLength(64 * 1024)
    expect(omittedBytes).toBe(bytes - 64 * 1024)
  })
})

describe('files', () => {
  const twoFiles: CommandDefinition = { argv: ['sh', '-c', 'cd "$TUTTI_OUTPUT_DIR"; echo 12345 > a; echo 12345 > b'] }

  it('are enough of a result', async () => {
    const { outcome } = await run(twoFiles)
    expect(outcome).toMatchObject({ kind: 'OK', summary: '2 files', files: [{ name: 'a' }, { name: 'b' }] })
  })

  it.each([{ files: 1 }, { fileBytes: 11 }])('beyond the limit %j are TOO_LARGE', async (tight) => {
    const { outcome } = await run(twoFiles, { limits: tight })
    expect(outcome).toMatchObject({ kind: 'ERROR', error: { class: 'TOO_LARGE' } })
  })

  const result = (text: string): CommandDefinition => ({
    argv: ['sh', '-c', `cd "$TUTTI_OUTPUT_DIR"; echo x > a.txt; printf %s "$1" > result.json`, 'sh', text],
  })

  it('are described by result.json beyond what their names say', async () => {
    const artifacts = [{ name: 'a.txt', kind: 'REPORT', mediaType: 'text/csv' }]
    const { outcome } = await run(result(JSON.stringify({ summary: 'ok', output: null, artifacts })))
    expect(outcome).toMatchObject({ kind: 'OK', files: artifacts })
  })

  it.each([
    ['names a file that is not there', { summary: 'ok', output: 1, artifacts: [{ name: '../a.txt' }] }, /regular file/],
    ['has no output', { summary: 'ok' }, /output: is missing/],
    ['has an unknown key', { summary: 'ok', output: 1, artefacts: [] }, /artefacts/],
    ['is no object', [], /the document:/],
  ])('and a result.json that %s is the fault of the agent', async (_, document, message) => {
    const { outcome } = await run(result(JSON.stringify(document)))
    expect(outcome).toMatchObject({ kind: 'ERROR', error: { class: 'AGENT', message: expect.stringMatching(message) } })
  })

  it.each([
    ['no JSON', '{"summary": ', /not JSON/],
    ['too deep', `{"summary":"s","output":${'['.repeat(500)}${']'.repeat(500)}}`, /deeper than 100/],
    ['a number without end', '{"summary":"s","output":1e999}', /too large/],
  ])('and a result.json that is %s as well', async (_, text, message) => {
    const { outcome } = await run(result(text))
    expect(outcome).toMatchObject({ kind: 'ERROR', error: { class: 'AGENT', message: expect.stringMatching(message) } })
  })

  it('keep out what a database cannot store', async () => {
    const { outcome } = await run(result('{"summary":"a\\nb\\u0000c","output":{"k\\u0000":"\\ud800 \\u0000x"}}'))
    expect(outcome).toMatchObject({ kind: 'OK', summary: 'a bc', output: { k: '\ufffd x' } })
  })

  it('are nothing if the folder was replaced by a link', async () => {
    const link = 'rm -r "$TUTTI_OUTPUT_DIR"; ln -s /etc "$TUTTI_OUTPUT_DIR"; echo done'
    const { outcome } = await run({ argv: ['sh', '-c', link] })
    expect(outcome).toMatchObject({ kind: 'OK', files: [] })
  })

  it('never come through a linked result.json', async () => {
    const { outcome } = await run({ argv: ['sh', '-c', 'ln -s /etc/passwd "$TUTTI_OUTPUT_DIR/result.json"'] })
    expect(outcome).toMatchObject({
      kind: 'ERROR',
      error: { class: 'AGENT', message: expect.stringContaining('symbolic link') },
    })
  })
})

describe.runIf(process.platform === 'linux')('usage', () => {
  it('is the CPU time of the program and its children', async () => {
    const { outcome } = await run(node('burn-cpu.js'))
    expect(outcome.usage.cpuMs).toBeGreaterThanOrEqual(400)
    expect(outcome.usage.cpuMs).toBeLessThan(5_000)
  })
})

describe('a killed server', () => {
  const host = join(import.meta.dirname, '../fixtures/runtime-host.ts')
  const runtime = createCommandRuntime({ commands: behaviours, environment, limits })

  /** Starts an attempt in a server of its own, kills that server and gives the attempt's work. */
  async function killServerDuring(behaviour: Behaviour): Promise<Work> {
    const work = { ...makeWork(folder), runtimeConfig: { command: behaviour } }
    const server = spawn(process.execPath, [host, JSON.stringify({ commands: behaviours, work })], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    for await (const line of createInterface(server.stdout)) if (line === 'ready') break
    server.kill('SIGKILL')
    await once(server, 'exit')
    return work
  }

  it.each(['ignore SIGTERM', 'spawn grandchildren', 'double fork daemon'] as const)(
    'leaves "%s" running until the next one reaps it, and nothing else',
    async (behaviour) => {
      const bystander = startSleeper()
      const work = await killServerDuring(behaviour)
      expect(processesOf(work).length).toBeGreaterThan(0)
      await runtime.reap(work.outputDir)
      expectNothingLeft(work, [])
      expect(existsSync(`${work.outputDir}.process.json`)).toBe(false)
      await runtime.reap(work.outputDir)
      expect(isRunning(bystander.pid ?? 0)).toBe(true)
    },
  )

  describe.runIf(process.platform === 'linux')('and a record', () => {
    const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
    const record = async (change: object) => {
      const stranger = startSleeper()
      const pid = stranger.pid ?? 0
      const started = (await readProcess(pid))?.started
      const { outputDir, attemptId } = makeWork(folder)
      const text = JSON.stringify({ attemptId, bootId, root: { pid, started }, ...change })
      writeFileSync(`${outputDir}.process.json`, text)
      return { stranger, pid, outputDir }
    }

    it('that fits is trusted: this process is ended', async () => {
      const { stranger, outputDir } = await record({})
      const exit = once(stranger, 'exit')
      await runtime.reap(outputDir)
      expect(await exit).toEqual([null, 'SIGTERM'])
    })

    it('of an earlier start of the machine ends nothing', async () => {
      const { pid, outputDir } = await record({ bootId: 'another' })
      await runtime.reap(outputDir)
      expect(isRunning(pid)).toBe(true)
    })

    it('whose pid has been given to another process ends nothing', async () => {
      const { pid, outputDir } = await record({})
      const file = `${outputDir}.process.json`
      writeFileSync(file, readFileSync(file, 'utf8').replace(/"started":"\d/, '"started":"'))
      await runtime.reap(outputDir)
      expect(isRunning(pid)).toBe(true)
    })

    it('that was cut short ends nothing and is removed', async () => {
      const { pid, outputDir } = await record({ root: 'torn' })
      await runtime.reap(outputDir)
      expect(isRunning(pid)).toBe(true)
      expect(existsSync(`${outputDir}.process.json`)).toBe(false)
    })
  })
})

describe('the record of a running attempt', () => {
  it('stands beside the output folder and goes with the attempt', async () => {
    const runtime = createCommandRuntime({ commands: behaviours, environment, limits })
    const work: Work = { ...makeWork(folder), runtimeConfig: { command: 'sleep' } }
    for await (const { text } of runtime.run(work, new AbortController().signal)) {
      expect(text).toBe('ready')
      const { attemptId, root } = JSON.parse(readFileSync(`${work.outputDir}.process.json`, 'utf8'))
      expect(attemptId).toBe(work.attemptId)
      expect(processesOf(work)).toContain(root.pid)
      break
    }
    expect(existsSync(`${work.outputDir}.process.json`)).toBe(false)
    expect(readdirSync(work.outputDir)).toEqual([])
  })
})

const hasPs = existsSync('/bin/ps') || existsSync('/usr/bin/ps')
describe.runIf(hasPs)('where there is no /proc', () => {
  it('ps tells the same parents and groups', async () => {
    const child = startSleeper()
    const row = (await listProcesses('ps')).find(({ pid }) => pid === child.pid)
    expect(row).toMatchObject({ parent: process.pid, group: child.pid, ended: false })
    expect(await readProcess(child.pid ?? 0, 'ps')).toEqual(row)
  })

  it('a tree is ended with those who left the group but not their parents', async () => {
    const agent = spawn('sh', [join(agents, 'spawn-grandchildren.sh')], {
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    })
    const told: number[] = []
    for await (const line of createInterface(agent.stdout)) {
      if (line === 'ready') break
      told.push(Number(line.split(' ')[1]))
    }
    expect(told.map((pid) => isRunning(pid))).toEqual([true, true, true])
    const pid = agent.pid ?? 0
    const started = (await readProcess(pid, 'ps'))?.started
    const { survivors } = await processTree({ pid, started }, 'TUTTI_ATTEMPT_ID=none', true, 'ps').end(300)
    expect(survivors).toEqual([])
    expect([pid, ...told].filter((each) => isRunning(each))).toEqual([])
  })
})

describe('a workspace', () => {
  it('cannot put its own program in place of one in PATH', async () => {
    const work = makeWork(folder)
    writeFileSync(join(work.workspace, 'seq'), '#!/bin/sh\necho planted\n', { mode: 0o755 })
    const { outcome } = await run(
      { argv: ['seq', '2'], env: { PATH: `.::bin:${process.env['PATH']}` } },
      { work: { workspace: work.workspace } },
    )
    expect(outcome).toMatchObject({ kind: 'OK', output: { stdout: '1\n2\n' } })
  })
})
