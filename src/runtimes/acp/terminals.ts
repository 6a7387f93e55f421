import type { CreateTerminalRequest, TerminalExitStatus } from '@agentclientprotocol/sdk'
import { Refused } from '../../files/confined.ts'
import { findExecutable } from '../../processes/environment.ts'
import { createTail } from '../../processes/lines.ts'
import type { Tail } from '../../processes/lines.ts'
import type { OutputLimits } from '../../processes/output.ts'
import { startProgram } from '../../processes/program.ts'
import type { Program } from '../../processes/program.ts'
import type { Command, Enclosed } from '../../processes/sandbox.ts'
import type { Activity } from '../../runtime.ts'
import type { Place } from './place.ts'

/** Commands that an agent has the server run. Their processes carry the attempt's marker and end with it. */
export interface Terminals {
  /** @throws Refused */
  create(params: CreateTerminalRequest): Promise<{ terminalId: string }>
  output(id: string): Promise<{ output: string; truncated: boolean; exitStatus?: TerminalExitStatus }>
  exit(id: string): Promise<TerminalExitStatus>
  kill(id: string): Promise<object>
  release(id: string): Promise<object>
  /** Ends all of them. */
  close(): Promise<void>
}

interface Terminal {
  program: Program
  tail: Tail
  exited: Promise<TerminalExitStatus>
  status?: TerminalExitStatus
}

/** At the same time, in one attempt. */
const TERMINALS = 8
const OUTPUT_BYTES = 64 * 1024

export function openTerminals(options: {
  workspace: string
  place: Place
  env: Readonly<Record<string, string>>
  marker: string
  enclose(command: Command): Promise<Enclosed | undefined>
  attemptMs: number
  limits: OutputLimits & { killGraceMs: number }
  show(activity: Activity): void
}): Terminals {
  const { workspace, place, env, marker, enclose, attemptMs, limits, show } = options
  const terminals = new Map<string, Terminal>()
  let count = 0

  const find = (id: string): Terminal => {
    const terminal = terminals.get(id)
    if (!terminal) throw new Refused('NOT_FOUND', `there is no terminal ${JSON.stringify(id)}`)
    return terminal
  }
  const end = async ({ program }: Terminal): Promise<void> => {
    program.stop('CANCELED')
    await program.ended
  }

  async function start({ command, args = [], env: own = [], cwd }: CreateTerminalRequest): Promise<Program> {
    const folder = cwd ?? workspace
    if (!(await place.isWithin([folder], false))) {
      throw new Refused('OUTSIDE', `${JSON.stringify(folder)} is not in the workspace`)
    }
    const named = Object.fromEntries(own.map(({ name, value }) => [name, value]))
    // Some agents give a whole line for a shell, and some a program with its arguments.
    const [name, ...rest] = args.length > 0 ? [command, ...args] : ['sh', '-c', command]
    const file = await findExecutable(name as string, env['PATH'] ?? '', folder)
    if (file === undefined) throw new Refused('NOT_FOUND', `there is no program ${JSON.stringify(name)}`)
    const timeouts = { attemptMs, idleMs: attemptMs }
    const plain = { file, args: rest, env: { ...named, ...env } }
    const enclosed = await enclose(plain)
    const what = { ...(enclosed ?? plain), enclosed, cwd: folder }
    const program = await startProgram({ ...what, marker, stdin: '', timeouts, limits })
    if ('failure' in program) throw new Refused('FAILED', `${JSON.stringify(name)} cannot be started`)
    return program
  }

  return {
    async create(params) {
      if (terminals.size >= TERMINALS) throw new Refused('FAILED', `release one of ${TERMINALS} terminals first`)
      const id = `terminal-${++count}`
      const program = await start(params)
      const tail = createTail(Math.min(params.outputByteLimit ?? OUTPUT_BYTES, OUTPUT_BYTES))
      const read = async (): Promise<TerminalExitStatus> => {
        for (let line = await program.output.next(); line; line = await program.output.next()) {
          tail.push(Buffer.from(`${line.text}\n`))
          show(line)
        }
        const { exitCode, signal } = await program.ended
        return { exitCode, signal }
      }
      const terminal: Terminal = { program, tail, exited: read() }
      void terminal.exited.then((status) => (terminal.status = status))
      terminals.set(id, terminal)
      return { terminalId: id }
    },
    async output(id) {
      const { tail, status } = find(id)
      return { output: tail.text(), truncated: tail.omittedBytes() > 0, ...(status && { exitStatus: status }) }
    },
    exit: async (id) => find(id).exited,
    async kill(id) {
      await end(find(id))
      return {}
    },
    async release(id) {
      await end(find(id))
      terminals.delete(id)
      return {}
    },
    async close() {
      await Promise.all([...terminals.values()].map(end))
    },
  }
}
