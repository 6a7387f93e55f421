import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import fc from 'fast-check'
import type { Json } from '../../src/core/json.ts'
import { createSandbox } from '../../src/processes/sandbox.ts'
import type { Runtime } from '../../src/runtime.ts'
import { createAcpRuntime } from '../../src/runtimes/acp.ts'
import type { CommandDefinition } from '../../src/runtimes/command.ts'
import { createCommandRuntime } from '../../src/runtimes/command.ts'
import { type Behaviour, isRunning, makeWork, perform, processesOf } from '../contracts/runtime.suite.ts'
import { noSandbox } from '../processes/bubblewrap.ts'
import { behaviours } from './command/behaviours.ts'

/** Attempts that are given up at random moments, and what is left of them. */
export interface Cancels {
  /** How many were canceled, by runtime. */
  canceled: Record<string, number>
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

/** Each makes processes of which the arguments hold `mark`: nothing else of them may be left. */
function localRuntimes(mark: string): LocalRuntime[] {
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
  const open = [command(plain, 'off'), acp('off')]
  return noSandbox === undefined ? [...open, command(enclosed, 'required'), acp('required')] : open
}

/** Begins attempts on all local runtimes in turn, and cancels each at a random moment; some lanes do so at once. */
export async function cancelAtRandom(number: number, seed: number): Promise<Cancels> {
  const mark = `mark-${process.pid}-${seed}`
  const folder = mkdtempSync(join(tmpdir(), 'tutti-cancels-'))
  const runtimes = localRuntimes(mark)
  const plan = fc.record({ agent: fc.nat(), afterMs: fc.integer({ min: 0, max: LONGEST_MS }) })
  const cancels = fc.sample(plan, { seed, numRuns: number })
  const result: Cancels = { canceled: {}, left: [], otherwise: {}, tookMs: [] }

  const cancelOne = async ({ agent, afterMs }: (typeof cancels)[number], index: number): Promise<void> => {
    const { name, runtime, agents } = runtimes[index % runtimes.length] as LocalRuntime
    const runtimeConfig = agents[agent % agents.length] as Json
    const work = { ...makeWork(folder), runtimeConfig }
    const controller = new AbortController()
    let at = performance.now()
    const moment = delay(afterMs).then(() => {
      at = performance.now()
      controller.abort()
    })
    const { outcome } = await perform(runtime, work, controller.signal)
    const tookMs = performance.now() - at
    await moment
    for (const pid of processesOf(work)) {
      if (isRunning(pid)) result.left.push(`${name} ${JSON.stringify(runtimeConfig)}: ${argumentsOf(pid)}`)
    }
    if (outcome.kind === 'CANCELED') {
      result.canceled[name] = (result.canceled[name] ?? 0) + 1
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
  // Those that hid even where they are.
  const hidden = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && isRunning(Number(name)))
    .map((pid) => argumentsOf(Number(pid)))
  result.left.push(...hidden.filter((words) => words.includes(mark)))
  rmSync(folder, { recursive: true, force: true })
  result.tookMs.sort((a, b) => a - b)
  return result
}

function argumentsOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
  } catch {
    return ''
  }
}
