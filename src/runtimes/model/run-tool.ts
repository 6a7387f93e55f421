import { z } from 'zod'
import { type Environment, agentEnvironment, findExecutable } from '../../processes/environment.ts'
import { attemptVariables, markerOf } from '../../processes/attempt.ts'
import type { OutputLimits } from '../../processes/output.ts'
import { type Ending, startProgram } from '../../processes/program.ts'
import { removeRecord, writeRecord } from '../../processes/record.ts'
import type { Sandbox } from '../../processes/sandbox.ts'
import { bootId } from '../../processes/table.ts'
import type { Activity, Work } from '../../runtime.ts'
import type { AllowedCommand } from './definition.ts'
import { defineTool, type Hands, type Tool, type ToolResult } from './tool.ts'

/** Limits of a program that a model runs. */
export type RunLimits = OutputLimits & { killGraceMs: number }

/** Arguments that a model may add. */
const MAX_ARGUMENTS = 50

/**
 * Runs programs that the operator has named, in the workspace, as the command runtime does: no shell, an environment of
 * its own, and the whole process tree ends with the attempt.
 *
 * @param commands what may be run
 * @param parts.sandbox where programs run; without one they can do whatever the server's user can
 */
export function runTool(
  commands: Readonly<Record<string, AllowedCommand>>,
  { environment, sandbox, limits }: { environment: Environment; sandbox: Sandbox | undefined; limits: RunLimits },
): Tool {
  const names = Object.keys(commands)
  const told = Object.entries(commands).map(([name, { description, arguments: patterns }]) => {
    const allowed = patterns.length === 0 ? 'no arguments' : `arguments that match ${patterns.join(' or ')}`
    return `- ${name}: ${description || 'a program'}; ${allowed}`
  })
  return defineTool({
    name: 'run',
    right: 'run',
    description: `Runs a program in the workspace. No shell reads the arguments.\n${told.join('\n')}`,
    input: z.object({
      command: z.enum(names as [string, ...string[]]),
      arguments: z.array(z.string().max(4_000)).max(MAX_ARGUMENTS).default([]),
    }),
    async *perform(hands, { command, arguments: args }) {
      const definition = commands[command] as AllowedCommand
      const wrong = args.find((arg) => arg.includes('\0') || !isAllowed(arg, definition.arguments))
      if (wrong !== undefined) {
        const text = `${command} does not take the argument ${JSON.stringify(wrong)}`
        return { ok: false, text, detail: { command, refused: 'ARGUMENT' } }
      }
      return yield* run(hands, command, definition, args)
    },
  })

  async function* run(
    { work, signal }: Hands,
    name: string,
    definition: AllowedCommand,
    args: readonly string[],
  ): AsyncGenerator<Activity, ToolResult> {
    const refused = (text: string): ToolResult => ({ ok: false, text, detail: { command: name, refused: 'START' } })
    const env = agentEnvironment(environment, definition, attemptVariables(work))
    const [argv0, ...first] = definition.argv
    const file = await findExecutable(argv0, env['PATH'] ?? '', work.workspace)
    if (file === undefined) return refused(`there is no executable ${argv0} for ${name}: tell the operator`)
    const reason = await sandbox?.check(definition.sandbox)
    if (reason !== undefined) return refused(`${name} cannot be run: ${reason}`)
    const record = { attemptId: work.attemptId, bootId: bootId() }
    await writeRecord(work.outputDir, { ...record, root: null })
    const plain = { file, args: [...first, ...args], env }
    const place = { workspace: work.workspace, write: [work.outputDir], read: artifactsOf(work) }
    const enclosed = await sandbox?.enclose(plain, place, definition.sandbox)
    const program = await startProgram({
      ...(enclosed ?? plain),
      enclosed,
      cwd: work.workspace,
      marker: markerOf(work.attemptId),
      stdin: '',
      timeouts: work.timeouts,
      limits,
    })
    if ('failure' in program) {
      await removeRecord(work.outputDir)
      return refused(`${name} cannot be started: ${program.failure}`)
    }
    const cancel = (): void => program.stop('CANCELED')
    signal.addEventListener('abort', cancel)
    if (signal.aborted) cancel()
    try {
      await writeRecord(work.outputDir, { ...record, root: { pid: program.pid, started: program.started } })
      for (let line = await program.output.next(); line; line = await program.output.next()) yield line
      const ending = await program.ended
      const { exitCode, signal: killedBy, cause, durationMs } = ending
      const ok = cause === 'EXIT' && exitCode === 0
      const text = `${endingOf(ending)}\n${outputOf(program.output)}`
      const sandboxed = enclosed?.sandboxed ?? false
      return { ok, text, detail: { command: name, exitCode, signal: killedBy, durationMs, sandboxed } }
    } finally {
      // Also reached when the reader leaves early: nothing may stay behind then either.
      cancel()
      const { survivors } = await program.ended
      signal.removeEventListener('abort', cancel)
      if (survivors.length === 0) await removeRecord(work.outputDir)
    }
  }
}

/** Patterns are the operator's own; each has to match the whole of an argument. */
function isAllowed(arg: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => new RegExp(`^(?:${pattern})$`, 'v').test(arg))
}

function artifactsOf({ upstream }: Work): string[] {
  return upstream.flatMap(({ artifacts }) => artifacts.map(({ path }) => path))
}

function endingOf({ cause, exitCode, signal, excess }: Ending): string {
  if (cause === 'EXIT')
    return exitCode === null ? `It was killed by ${signal}.` : `It ended with exit code ${exitCode}.`
  if (cause === 'EXCESS') return `It was ended: ${excess}.`
  return cause === 'IDLE' ? 'It was ended: it showed nothing for too long.' : 'It was ended: it took too long.'
}

function outputOf({ stdout, stderr }: { stdout(): { text: string; omittedBytes: number }; stderr(): string }): string {
  const { text, omittedBytes } = stdout()
  const cutAway = omittedBytes > 0 ? ` (without the first ${omittedBytes} bytes)` : ''
  return `stdout${cutAway}:\n${text.trim() || '(nothing)'}\nstderr:\n${stderr().trim() || '(nothing)'}`
}
