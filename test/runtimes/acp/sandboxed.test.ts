import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSandbox } from '../../../src/processes/sandbox.ts'
import type { SandboxConfig } from '../../../src/processes/sandbox/settings.ts'
import { createAcpRuntime } from '../../../src/runtimes/acp.ts'
import { drain, makeWork, readUntilReady, runtimeSuite } from '../../contracts/runtime.suite.ts'
import { noSandbox } from '../../processes/bubblewrap.ts'
import { agentThat, BEHAVIOURS, environment, fixture, folder, limits } from './agentThat.ts'
import type { Step } from './agentThat.ts'

/** The server's own folder, with the work of others beside the attempt's own. */
const dataDir = join(folder, 'data')
mkdirSync(join(dataDir, 'artifacts'), { recursive: true })
writeFileSync(join(dataDir, 'house-key'), 'of the house')
writeFileSync(join(dataDir, 'artifacts/of-another'), 'a result')

// A clone below /tmp would be hidden, and with it the libraries of the agent. All of the folder could be read, if only
// what is the server's were not hidden.
const read = [join(import.meta.dirname, '../../..'), folder]
const sandbox = createSandbox({ environment, hidden: [dataDir], defaults: { mode: 'required', read } })

/** What a coding agent in the sandbox says line by line. */
async function lines(steps: Step[], own: SandboxConfig = {}) {
  const { work, runtime } = agentThat(steps, {
    work: makeWork(join(dataDir, 'work')),
    definition: { sandbox: own, permissions: { execute: 'allow' } },
    options: { sandbox },
  })
  const { activities, outcome } = await drain(
    runtime.run({ ...work, runtimeConfig: { acp: 'it' } }, new AbortController().signal),
  )
  return { work, outcome, lines: activities.filter(({ kind }) => kind === 'MESSAGE').map(({ text }) => text) }
}

/** A shell that tries each line and tells `yes` or `no` in its order. */
const tries = (...scripts: string[]): string =>
  scripts.map((line) => `if (${line}) >/dev/null 2>&1; then echo yes; else echo no; fi`).join('\n')

describe.skipIf(noSandbox !== undefined)('in the sandbox', () => {
  runtimeSuite('acp runtime', () => ({
    runtime: createAcpRuntime({
      definitions: Object.fromEntries(
        BEHAVIOURS.map((name) => [name, { argv: [process.execPath, fixture, name] as [string, ...string[]] }]),
      ),
      environment,
      limits,
      sandbox,
    }),
    agent: (behaviour) => (BEHAVIOURS.includes(behaviour) ? { acp: behaviour } : undefined),
    graceMs: limits.cancelGraceMs + limits.killGraceMs,
    lines: limits.lines,
    startMs: 3_000,
    cancels: 24,
    ownPids: true,
  }))

  const FILES = tries(
    'echo x > here',
    `cat ${dataDir}/house-key`,
    `cat ${dataDir}/artifacts/of-another`,
    `echo x > ${dataDir}/there`,
    `echo x > ${folder}/there`,
  )

  it('a coding agent changes files where it works, and neither sees nor changes what the server has', async () => {
    const said = await lines([{ shell: FILES }])
    expect(said.lines).toEqual(['yes', 'no', 'no', 'no', 'no'])
    expect(readFileSync(join(said.work.workspace, 'here'), 'utf8')).toBe('x\n')
    expect(said.outcome).toMatchObject({ kind: 'OK', output: { changed: [{ path: 'here' }] } })
    expect(readdirSync(dataDir).toSorted()).toEqual(['artifacts', 'house-key', 'work'])
  })

  it('what it has the server run is held as well', async () => {
    const said = await lines([{ run: { command: 'sh', args: ['-c', FILES] } }])
    const [result] = said.lines.map((line) => JSON.parse(line) as { output: string; exitCode: number })
    expect(result).toMatchObject({ exitCode: 0, output: 'yes\nno\nno\nno\nno\n' })
  })

  describe('the network', () => {
    const server = createServer((socket) => socket.end())
    beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)))
    afterAll(() => server.close())
    const connect = (): Step => {
      const { port } = server.address() as AddressInfo
      const script = `require("net").connect(${port}, "127.0.0.1").on("error", () => process.exit(1)).on("close", () => {})`
      return { shell: tries(`'${process.execPath}' -e '${script}'`) }
    }

    it('is open to a coding agent, whose model is there, unless its definition closes it', async () => {
      expect((await lines([connect()])).lines).toEqual(['yes'])
      expect((await lines([connect()], { network: false })).lines).toEqual(['no'])
    })
  })

  it('a coding agent that is canceled ends with all that it has started, also where that hides', async () => {
    const mark = `60.${process.pid}${Math.floor(performance.now())}`
    const hiding = `(setsid env -i sleep ${mark} <&- >&- 2>&- &); sleep ${mark} & echo ready; wait`
    const { work, runtime } = agentThat([{ shell: hiding }], {
      work: makeWork(join(dataDir, 'work')),
      options: { sandbox },
    })
    const sleeping = (): string[] => readdirSync('/proc').filter((pid) => argumentsOf(pid).includes(`sleep\0${mark}\0`))
    const controller = new AbortController()
    const attempt = runtime.run({ ...work, runtimeConfig: { acp: 'it' } }, controller.signal)
    await readUntilReady(attempt)
    await expect.poll(sleeping).toHaveLength(2)
    controller.abort()
    expect((await drain(attempt)).outcome.kind).toBe('CANCELED')
    expect(sleeping()).toEqual([])
  })
})

function argumentsOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}
