import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import fc from 'fast-check'
import type { Json } from '../../src/core/json.ts'
import { createSandbox } from '../../src/processes/sandbox.ts'
import type { Activity, Runtime } from '../../src/runtime.ts'
import { createAcpRuntime } from '../../src/runtimes/acp.ts'
import type { CommandDefinition } from '../../src/runtimes/command.ts'
import { createCommandRuntime } from '../../src/runtimes/command.ts'
import { createModelRuntime } from '../../src/runtimes/model.ts'
import type { ModelDefinitionInput } from '../../src/runtimes/model/definition.ts'
import { type Behaviour, isRunning, makeWork, processesOf } from '../contracts/runtime.suite.ts'
import { startModelStub } from '../fixtures/model/stub.ts'
import { noSandbox } from '../processes/bubblewrap.ts'
import { behaviours } from './command/behaviours.ts'

/** Attempts that are given up at random moments, and what is left of them. */
export interface Cancels {
  /** How many were canceled, by runtime. */
  canceled: Record<string, number>
  /** How many of those had shown something by then, so that what they had started was running. */
  atWork: Record<string, number>
  /** Processes that were still there when their attempt had ended, with what they were. */
  left: string[]
  /** Outcomes other than CANCELED, by what they were. */
  otherwise: Record<string, number>
  /** From the cancel to the end of the attempt, in milliseconds, in ascending order. */
  tookMs: number[]
}

/** A runtime that starts programs on this machine, and configurations of agents that would go on for ever. */
interface LocalRuntime {
  name: string
  runtime: Runtime
  agents: Json[]
}

const LASTING = ['sleep', 'ignore SIGTERM', 'spawn grandchildren', 'double fork daemon', 'flood'] as const
const LANES = 8
const LONGEST_MS = 800
const environment = { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8' }
const limits = { killGraceMs: 300, lines: 3_000 }
const CODING_AGENT = join(import.meta.dirname, '../fixtures/acp/agent.js')

/**
 * Each makes processes of which the arguments hold `mark`: nothing else of them may be left.
 *
 * @param baseURL of a model that has each of its programs run
 */
function localRuntimes(mark: string, baseURL: string): LocalRuntime[] {
  const commandsOf = (names: readonly Behaviour[]): Record<string, CommandDefinition> =>
    Object.fromEntries(names.map((name) => [name, behaviours[name]]))
  // In a session of its own, without its parent, its environment, its folder or its output.
  const daemon = `cd /; exec env -i setsid sh -c 'sleep 600; echo ${mark}' <&- >&- 2>&-`
  const escape: CommandDefinition = { argv: ['sh', '-c', `(sh -c "${daemon}" &); echo ready; exec sleep 600`] }
  const plain = commandsOf(LASTING)
  const enclosed = { ...plain, escape }
  // A clone below /tmp would be hidden, and with it the libraries of the coding agent.
  const read = [join(import.meta.dirname, '../..')]
  const sandboxOf = (mode: 'required' | 'off') => createSandbox({ environment, hidden: [], defaults: { mode, read } })
  const command = (commands: Record<string, CommandDefinition>, mode: 'required' | 'off'): LocalRuntime => ({
    name: `command, sandbox ${mode}`,
    runtime: createCommandRuntime({ commands, environment, limits, sandbox: sandboxOf(mode) }),
    agents: Object.keys(commands).map((name) => ({ command: name })),
  })
  const acp = (mode: 'required' | 'off'): LocalRuntime => {
    const definitions = Object.fromEntries(
      LASTING.map((name) => [name, { argv: [process.execPath, CODING_AGENT, name] as [string, ...string[]] }]),
    )
    const patience = { ...limits, cancelGraceMs: 300 }
    return {
      name: `acp, sandbox ${mode}`,
      runtime: createAcpRuntime({ definitions, environment, limits: patience, sandbox: sandboxOf(mode) }),
      agents: LASTING.map((name) => ({ acp: name })),
    }
  }
  const model = (commands: Record<string, CommandDefinition>, mode: 'required' | 'off'): LocalRuntime => {
    const models = Object.fromEntries(
      Object.entries(commands).map(([name, { argv }]): [string, ModelDefinitionInput] => [
        name,
        { provider: 'openai-compatible', model: 'stub', baseURL, tools: ['run'], commands: { it: { argv } } },
      ]),
    )
    return {
      name: `model, sandbox ${mode}`,
      runtime: createModelRuntime({ models, environment, limits, sandbox: sandboxOf(mode) }),
      agents: Object.keys(models).map((name) => ({ model: name })),
    }
  }
  const open = [command(plain, 'off'), model(plain, 'off'), acp('off')]
  if (noSandbox !== undefined) return open
  return [...open, command(enclosed, 'required'), model(enclosed, 'required'), acp('required')]
}

/** Begins attempts on all local runtimes in turn, and cancels each at a random moment; some lanes do so at once. */
export async function cancelAtRandom(number: number, seed: number): Promise<Cancels> {
  const mark = `mark-${process.pid}-${seed}`
  const folder = mkdtempSync(join(tmpdir(), 'tutti-cancels-'))
  const stub = await startModelStub([{ calls: [{ name: 'run', arguments: { command: 'it' } }] }])
  const runtimes = localRuntimes(mark, stub.baseURL)
  const afterMs = fc.integer({ min: 0, max: LONGEST_MS })
  // From the beginning of the attempt, when much has still to start, or from the first thing that it shows.
  const plan = fc.record({ agent: fc.nat(), afterMs, whileAtWork: fc.boolean() })
  const cancels = fc.sample(plan, { seed, numRuns: number })
  const result: Cancels = { canceled: {}, atWork: {}, left: [], otherwise: {}, tookMs: [] }

  const cancelOne = async ({ agent, afterMs, whileAtWork }: (typeof cancels)[number], index: number): Promise<void> => {
    const { name, runtime, agents } = runtimes[index % runtimes.length] as LocalRuntime
    const runtimeConfig = agents[agent % agents.length] as Json
    const work = { ...makeWork(folder), runtimeConfig }
    const controller = new AbortController()
    let at = performance.now()
    let moment: Promise<void> | undefined
    const cancelLater = (): void => {
      moment ??= delay(afterMs).then(() => {
        at = performance.now()
        controller.abort()
      })
    }
    if (!whileAtWork) cancelLater()
    let isAtWork = false
    const attempt = runtime.run(work, controller.signal)
    let told = await attempt.next()
    for (; !told.done; told = await attempt.next()) {
      if (!isShown(told.value)) continue
      isAtWork = true
      cancelLater()
    }
    const outcome = told.value
    const tookMs = performance.now() - at
    await moment
    for (const pid of processesOf(work)) {
      if (isRunning(pid)) result.left.push(`${name} ${JSON.stringify(runtimeConfig)}: ${argumentsOf(pid)}`)
    }
    if (outcome.kind === 'CANCELED') {
      result.canceled[name] = (result.canceled[name] ?? 0) + 1
      if (isAtWork) result.atWork[name] = (result.atWork[name] ?? 0) + 1
      result.tookMs.push(tookMs)
    } else {
      const what = `${name} ${outcome.kind === 'ERROR' ? outcome.error.message : outcome.kind}`
      result.otherwise[what] = (result.otherwise[what] ?? 0) + 1
    }
    rmSync(join(work.outputDir, '..'), { recursive: true, force: true })
  }
  let next = 0
  const lane = async (): Promise<void> => {
    for (let index = next++; index < cancels.length; index = next++) {
      await cancelOne(cancels[index] as (typeof cancels)[number], index)
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  await stub.stop()
  // Those that hid even where they are.
  const hidden = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && isRunning(Number(name)))
    .map((pid) => argumentsOf(Number(pid)))
  result.left.push(...hidden.filter((words) => words.includes(mark)))
  rmSync(folder, { recursive: true, force: true })
  result.tookMs.sort((a, b) => a - b)
  return result
}

/** Whether it comes from a program: what programs print is OUTPUT, what coding agents say is a MESSAGE. */
const isShown = ({ kind }: Activity): boolean => kind === 'OUTPUT' || kind === 'MESSAGE'

function argumentsOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
  } catch {
    return ''
  }
}
