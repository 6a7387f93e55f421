import { mkdir } from 'node:fs/promises'
import { z } from 'zod'
import type { Json } from '../core/json.ts'
import type { Activity, Evidence, Outcome, Runtime, Usage, Work } from '../runtime.ts'
import { attemptVariables, endedByReader, markerOf, reapAttempt } from '../processes/attempt.ts'
import { agentEnvironment, findExecutable } from '../processes/environment.ts'
import type { Environment } from '../processes/environment.ts'
import { failureOf, REASON_LENGTH } from '../processes/failure.ts'
import type { Failure } from '../processes/failure.ts'
import { lastLine } from '../processes/lines.ts'
import type { OutputLimits } from '../processes/output.ts'
import { removeRecord, writeRecord } from '../processes/record.ts'
import type { Enclosed, Sandbox } from '../processes/sandbox.ts'
import type { Place } from '../processes/sandbox/mounts.ts'
import { sandboxShape } from '../processes/sandbox/settings.ts'
import { bootId } from '../processes/table.ts'
import { listProducedFiles } from './command/produced-files.ts'
import type { FileLimits } from './command/produced-files.ts'
import { startProgram } from '../processes/program.ts'
import type { Ending, Program } from '../processes/program.ts'
import { lackOfWorkspace } from '../processes/folder.ts'
import { BadResult, oneLine, readResultFile } from './command/result-file.ts'

const exitCodes = z.array(z.int().min(0).max(255))

export const commandDefinition = z.strictObject({
  /** The program and its arguments. No shell reads them. */
  argv: z.tuple([z.string().min(1)], z.string()),
  env: z.record(z.string(), z.string()).optional(),
  /** Names of the server's own environment to pass on, beside PATH, HOME, LANG, LC_*, TZ and TMPDIR. */
  allowEnv: z.array(z.string().min(1)).optional(),
  /** Exit codes that mean "done"; [0] if left out. */
  okCodes: exitCodes.optional(),
  /** Exit codes that mean "done, and there is something to look at", as linters and test runners end. */
  findingsCodes: exitCodes.optional(),
  cwd: z.literal('workspace').optional(),
  /** What it may do on this machine, where it is other than for all programs. */
  sandbox: sandboxShape.optional(),
})

/** A program that the operator allows to be run as an agent. */
export type CommandDefinition = z.infer<typeof commandDefinition>

export interface CommandLimits extends OutputLimits, FileLimits {
  /** Milliseconds from SIGTERM to SIGKILL. */
  killGraceMs: number
  /** Bytes of result.json. */
  resultBytes: number
}

const DEFAULT_COMMAND_LIMITS: CommandLimits = {
  killGraceMs: 5_000,
  lineBytes: 8 * 1024,
  lines: 10_000,
  waitingBytes: 256 * 1024,
  stdoutBytes: 64 * 1024,
  resultBytes: 1024 * 1024,
  files: 1_000,
  fileBytes: 256 * 1024 * 1024,
}

const runtimeConfigShape = z.object({ command: z.string().min(1) })

type Command = { name: string; definition: CommandDefinition; file: string; env: Record<string, string> }

/**
 * Runs programs of this machine as agents. An agent's configuration is `{"command": "<name>"}`; what the name means
 * is the operator's alone, so no caller of the API can choose a program or its arguments.
 *
 * A program gets the Work as JSON on stdin, runs in the workspace, and leaves its result in TUTTI_OUTPUT_DIR:
 * result.json and any other files, or a result.json that asks a person. Works on Linux and macOS; on macOS, processes that leave their group and lose
 * their parent are not found.
 *
 * @param options.environment the server's own environment, of which only allow-listed names are passed on
 * @param options.sandbox where programs run; without one they can do whatever the server's user can
 * @throws ZodError if a definition is not valid
 */
export function createCommandRuntime(options: {
  commands: Readonly<Record<string, CommandDefinition>>
  environment: Environment
  sandbox?: Sandbox
  limits?: Partial<CommandLimits>
}): Runtime {
  const commands = new Map(Object.entries(z.record(z.string(), commandDefinition).parse(options.commands)))
  const limits: CommandLimits = { ...DEFAULT_COMMAND_LIMITS, ...options.limits }

  /** `folder` is where a relative argv[0] starts; undefined leaves it unchecked, for it is not known before the work. */
  async function findCommand(
    runtimeConfig: Json,
    folder: string | undefined,
    own: Record<string, string> = {},
  ): Promise<Command | Failure> {
    const parsed = runtimeConfigShape.safeParse(runtimeConfig)
    if (!parsed.success) {
      return { class: 'VALIDATION', message: 'The runtime configuration must be {"command": "<name of a command>"}.' }
    }
    const name = parsed.data.command
    const definition = commands.get(name)
    if (!definition) {
      const names = [...commands.keys()].join(', ') || 'none'
      const advice = 'Use one of these, or ask the operator to add it to the configuration.'
      return { class: 'VALIDATION', message: `There is no command "${name}"; there is: ${names}. ${advice}` }
    }
    const reason = await options.sandbox?.check(definition.sandbox)
    if (reason !== undefined) return { class: 'UNAVAILABLE', message: `Command "${name}": ${reason}` }
    const env = agentEnvironment(options.environment, definition, own)
    const [program] = definition.argv
    const isRelative = program.includes('/') && !program.startsWith('/')
    if (isRelative && folder === undefined) return { name, definition, file: program, env }
    const file = await findExecutable(program, env['PATH'] ?? '', folder ?? '/')
    if (file !== undefined) return { name, definition, file, env }
    const where = program.includes('/') ? (isRelative ? 'in the workspace' : '') : `in PATH (${env['PATH']})`
    const message = `Command "${name}": there is no executable ${program} ${where}`.trim()
    return { class: 'UNAVAILABLE', message: `${message}. Install it, or correct argv[0] in the configuration.` }
  }

  async function* perform(work: Work, signal: AbortSignal): AsyncGenerator<Activity, Outcome> {
    if (signal.aborted) return { kind: 'CANCELED', usage: {} }
    const failed = (error: Failure): Outcome => ({ kind: 'ERROR', error, evidence: [], usage: {} })
    const lack = await lackOfWorkspace(work.workspace)
    if (lack) return failed(lack)
    const command = await findCommand(work.runtimeConfig, work.workspace, attemptVariables(work))
    if ('class' in command) return failed(command)

    await mkdir(work.outputDir, { recursive: true })
    const record = { attemptId: work.attemptId, bootId: bootId() }
    await writeRecord(work.outputDir, { ...record, root: null })
    const { definition, file, env } = command
    const plain = { file, args: definition.argv.slice(1), env }
    const enclosed = await options.sandbox?.enclose(plain, placeOf(work), definition.sandbox)
    const program = await startProgram({
      ...(enclosed ?? plain),
      enclosed,
      cwd: work.workspace,
      marker: markerOf(work.attemptId),
      stdin: JSON.stringify(work),
      timeouts: work.timeouts,
      limits,
    })
    if ('failure' in program) {
      await removeRecord(work.outputDir)
      const message = `Command "${command.name}": ${command.file} cannot be started: ${program.failure}`
      return failed({ class: 'UNAVAILABLE', message: `${message}. Check the file and the first line of a script.` })
    }

    const cancel = (): void => program.stop('CANCELED')
    signal.addEventListener('abort', cancel)
    if (signal.aborted) cancel()
    try {
      await writeRecord(work.outputDir, { ...record, root: { pid: program.pid, started: program.started } })
      for (let line = await program.output.next(); line; line = await program.output.next()) yield line
      const ending = await program.ended
      const usage: Usage = ending.cpuMs === undefined ? {} : { cpuMs: ending.cpuMs }
      const outcome =
        ending.cause === 'ATTEMPT' || ending.cause === 'IDLE'
          ? ({ kind: 'TIMEOUT', timeout: ending.cause, usage } as const)
          : await judge(work, command, program, { ...ending, enclosed }, usage)
      return signal.aborted ? { kind: 'CANCELED', usage } : outcome
    } finally {
      // Also reached when the reader leaves early: nothing may stay behind then either.
      cancel()
      const { survivors } = await program.ended
      signal.removeEventListener('abort', cancel)
      if (survivors.length === 0) await removeRecord(work.outputDir)
    }
  }

  /** What the end of a program means. Its exit code decides, then what it left. */
  async function judge(
    work: Work,
    { name, definition }: Command,
    program: Program,
    ending: Ending & { enclosed: Enclosed | undefined },
    usage: Usage,
  ): Promise<Outcome> {
    const { exitCode, signal, durationMs, excess } = ending
    const sandboxed = ending.enclosed?.sandboxed ?? false
    const isIn = (codes: number[]): boolean => excess === undefined && exitCode !== null && codes.includes(exitCode)
    const passed = isIn(definition.okCodes ?? [0])
    const done = passed || isIn(definition.findingsCodes ?? [])
    const detail = { exitCode, signal, command: name, durationMs, sandboxed }
    const evidence: Evidence[] = [{ name: 'exit code', kind: 'EXIT_CODE', passed, detail }]
    const counts = program.output.counts()
    if (counts.lines > counts.shown) {
      evidence.push({ name: 'lines of output', kind: 'COUNT', passed: true, detail: counts })
    }
    if (!done) return { kind: 'ERROR', error: failureOf(`Command "${name}"`, program, ending), evidence, usage }
    try {
      const result = await readResultFile(work.outputDir, limits.resultBytes)
      if (result && 'ask' in result) return { kind: 'ASK', ask: result.ask, usage: { ...usage, ...result.usage } }
      const files = await listProducedFiles(work.outputDir, result?.artifacts ?? [], limits)
      const stdout = program.output.stdout()
      const line = lastLine(stdout.text, REASON_LENGTH) ?? lastLine(program.output.stderr(), REASON_LENGTH)
      const { text, omittedBytes } = stdout
      const output = { exitCode, stdout: text, ...(omittedBytes > 0 && { omittedBytes }) }
      const used = { ...usage, ...result?.usage }
      const isEmpty = result ? isBlank(result.output) && result.evidence.length === 0 : isBlank(text)
      if (isEmpty && files.length === 0) {
        const what = result ? 'an empty output in result.json' : 'nothing on stdout'
        const advice = 'Write result.json or other files into TUTTI_OUTPUT_DIR, print the result, or change files.'
        const why = `it ended with exit code ${exitCode} and left ${what} and no files. ${advice}`
        const ifChanged = { summary: oneLine(result?.summary ?? line ?? ''), output: result?.output ?? output }
        return { kind: 'NOTHING', why, evidence, usage: used, ifChanged }
      }
      if (result) {
        const { summary } = result
        return {
          kind: 'OK',
          summary,
          output: result.output,
          files,
          evidence: [...evidence, ...result.evidence],
          usage: used,
        }
      }
      const summary = oneLine(line ?? `${files.length} ${files.length === 1 ? 'file' : 'files'}`)
      return { kind: 'OK', summary, output, files, evidence, usage }
    } catch (error) {
      if (!(error instanceof BadResult)) throw error
      const message = `Command "${name}": ${error.message}`
      return { kind: 'ERROR', error: { class: error.errorClass, message }, evidence, usage }
    }
  }

  return {
    name: 'command',
    run: endedByReader(perform),
    reap: (outputDir) => reapAttempt(outputDir, limits.killGraceMs),
    async check(runtimeConfig) {
      const command = await findCommand(runtimeConfig, undefined)
      return 'class' in command ? command.message : undefined
    },
  }
}

/** Where it works and leaves its results, and the results that it is given. */
function placeOf({ workspace, outputDir, upstream }: Work): Place {
  const given = upstream.flatMap(({ artifacts }) => artifacts.map(({ path }) => path))
  return { workspace, write: [outputDir], read: given }
}

function isBlank(output: Json): boolean {
  if (output === null) return true
  if (typeof output === 'string') return output.trim() === ''
  return typeof output === 'object' && Object.keys(output).length === 0
}
