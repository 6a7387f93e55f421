import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Evidence, ProducedFile, Work } from '../../runtime.ts'

/** Taken off an attempt's time, so that the result is written before the runtime ends the attempt: a tenth, at most this. */
const MAX_RESERVE_MS = 10_000

/** Characters of an output in result.json; a longer one is left as a file. The command runtime takes 1 MB in all. */
const MAX_OUTPUT = 400_000

/** What an agent leaves behind as result.json. */
export interface AgentResult {
  /** One line for a person. */
  summary: string
  /** Anything that survives JSON. Its `format` says to readers such as the report what shape it has. */
  output: object
  evidence: Evidence[]
}

/** What an agent's program is given. */
export interface Job {
  work: Work
  /** Shows one line to whoever watches. */
  say: (line: string) => void
  /** Writes an artifact into the output folder. The name is relative, with `/`. */
  keep: (name: string, content: string, kind: ProducedFile['kind'], mediaType: string) => Promise<void>
  /** Milliseconds left for the work, with enough set aside to write the result. Never negative. */
  timeLeft: () => number
}

/** stdin as Work; what a person who tries the program by hand may leave out is filled in. */
function readWork(): Work {
  let text = ''
  try {
    text = process.stdin.isTTY ? '' : readFileSync(0, 'utf8')
  } catch {
    // A closed stdin is an empty one.
  }
  let given: Partial<Work>
  try {
    given = text.trim() === '' ? {} : (JSON.parse(text) as Partial<Work>)
  } catch (error) {
    throw new Error(
      `stdin is not one JSON document (${(error as Error).message}); send the work as JSON, see docs/agents.md`,
      { cause: error },
    )
  }
  const outputDir = given.outputDir ?? process.env.TUTTI_OUTPUT_DIR
  if (!outputDir) throw new Error('no output folder: set TUTTI_OUTPUT_DIR or send outputDir in the work on stdin')
  const defaults = {
    sessionId: '',
    executionId: '',
    attemptId: '',
    attempt: 1,
    fence: 0,
    key: '',
    title: '',
    description: '',
    task: { title: '', description: '' },
    agent: { id: '', name: '', type: 'GENERAL' as const },
    input: null,
    upstream: [],
    feedback: [],
    replies: [],
    notes: [],
    allowance: { tokens: null, cost: null },
    workspace: process.cwd(),
    timeouts: { attemptMs: 600_000, idleMs: 600_000 },
    runtimeConfig: null,
  }
  return { ...defaults, ...given, outputDir }
}

/**
 * Runs an agent's program: reads the work from stdin, hands it over, writes result.json and ends the process.
 * Exit code 0 with a result; 1 with the reason as the last line of stderr when `program` throws.
 */
export async function runAgent(program: (job: Job) => Promise<AgentResult>): Promise<void> {
  const started = performance.now()
  try {
    const work = readWork()
    const budget = work.timeouts.attemptMs - Math.min(MAX_RESERVE_MS, work.timeouts.attemptMs / 10)
    const artifacts: ProducedFile[] = []
    const result = await program({
      work,
      say: (line) => process.stdout.write(`${line}\n`),
      keep: async (name, content, kind, mediaType) => {
        const path = join(work.outputDir, name)
        await mkdir(dirname(path), { recursive: true })
        await writeFile(path, content)
        artifacts.push({ name, kind, mediaType })
      },
      timeLeft: () => Math.max(0, budget - (performance.now() - started)),
    })
    const output = JSON.stringify(result.output)
    if (output.length > MAX_OUTPUT) {
      await writeFile(join(work.outputDir, 'output.json'), output)
      const format = 'format' in result.output ? { format: result.output.format } : {}
      result.output = { ...format, reason: 'The output is too long to be handed on; it is in output.json.' }
    }
    await writeFile(join(work.outputDir, 'result.json'), `${JSON.stringify({ ...result, artifacts }, null, 1)}\n`)
    process.stdout.write(`${result.summary}\n`)
    process.exitCode = 0
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
    process.stderr.write(`${error instanceof Error ? error.message.split('\n')[0] : String(error)}\n`)
    process.exitCode = 1
  }
}
