import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { BUILTIN_AGENTS } from '../../src/agents/builtin.ts'
import type { Json } from '../../src/core/json.ts'
import type { Evidence, UpstreamResult, Work } from '../../src/runtime.ts'

const FIXTURES = join(import.meta.dirname, '../fixtures/repositories')

/** A folder that is gone when the test is over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tutti-agents-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Writes files into a folder; contents by path. */
export function fill(folder: string, files: Record<string, string | Buffer>): string {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
  return folder
}

/** A folder with these files that is gone when the test is over. */
export function folderWith(files: Record<string, string | Buffer>): string {
  return fill(temporaryFolder(), files)
}

/** A copy of a repository from the fixtures, without history. */
export function fixture(name: 'shop' | 'ledger'): string {
  const folder = temporaryFolder()
  cpSync(join(FIXTURES, name), folder, { recursive: true })
  return folder
}

/** Runs git in a folder as somebody who is always the same. */
export function git(folder: string, ...args: string[]): string {
  const who = ['-c', 'user.name=Somebody', '-c', 'user.email=somebody@example.org', '-c', 'commit.gpgsign=false']
  return execFileSync('git', [...who, '-c', 'init.defaultBranch=main', ...args], { cwd: folder, encoding: 'utf8' })
}

/** Puts all that is in a folder under version control. */
export function committed(folder: string): string {
  git(folder, 'init', '-q')
  git(folder, 'add', '-A')
  git(folder, 'commit', '-q', '-m', 'Begin')
  return folder
}

// The shapes of outputs are the agents' own affair; tests say what they expect of them.
// oxlint-disable-next-line typescript/no-explicit-any
type Any = any

export interface Ran {
  exitCode: number | null
  stdout: string
  stderr: string
  summary: string
  output: Any
  evidence: Evidence[]
  artifacts: { name: string; kind: string; mediaType: string }[]
  /** Names of all files in the output folder but result.json. */
  files: string[]
  read: (name: string) => string
}

export type Given = Partial<Pick<Work, 'upstream' | 'timeouts' | 'task' | 'input'>> & {
  env?: Record<string, string | undefined>
  /** Sent instead of the work. */
  stdin?: string
}

/** The command of a built-in agent, as the command runtime would start it. */
export function commandOf(name: string): [string, ...string[]] {
  const agent = BUILTIN_AGENTS.find((candidate) => candidate.name === name)
  if (!agent) throw new Error(`there is no built-in agent ${name}`)
  return agent.command.argv
}

/** Starts a built-in agent on a workspace. */
export function startAgent(
  name: string,
  workspace: string,
  given: Given = {},
): { child: ChildProcess; outputDir: string } {
  const outputDir = temporaryFolder()
  const [program, ...args] = commandOf(name)
  const env = {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    TUTTI_OUTPUT_DIR: outputDir,
    TUTTI_EXECUTION_ID: 'e1',
    // Half of a short run is compiling the same modules again.
    NODE_COMPILE_CACHE: join(tmpdir(), 'tutti-compile-cache'),
    ...given.env,
  }
  const child = spawn(program, args, { cwd: workspace, env, stdio: 'pipe' })
  child.stdin!.on('error', () => {})
  child.stdin!.end(given.stdin ?? JSON.stringify(work(workspace, outputDir, given)))
  return { child, outputDir }
}

function work(workspace: string, outputDir: string, { upstream = [], timeouts, task, input = null }: Given): Work {
  return {
    sessionId: 's1',
    executionId: 'e1',
    attemptId: 'a1',
    attempt: 1,
    fence: 1,
    key: 'part',
    title: 'A part',
    description: '',
    task: task ?? { title: 'Look at the shop', description: '' },
    agent: { id: 'g1', name: 'agent', type: 'GENERAL' },
    input,
    upstream,
    feedback: [],
    replies: [],
    notes: [],
    allowance: { tokens: null, cost: null },
    workspace,
    outputDir,
    timeouts: timeouts ?? { attemptMs: 50_000, idleMs: 50_000 },
    runtimeConfig: null,
  }
}

/** Runs a built-in agent to its end. */
export async function runAgent(name: string, workspace: string, given: Given = {}): Promise<Ran> {
  const { child, outputDir } = startAgent(name, workspace, given)
  let [stdout, stderr] = ['', '']
  child.stdout!.on('data', (chunk: Buffer) => (stdout += chunk))
  child.stderr!.on('data', (chunk: Buffer) => (stderr += chunk))
  const [exitCode] = (await once(child, 'close')) as [number | null]
  const read = (file: string): string => readFileSync(join(outputDir, file), 'utf8')
  const result = existsSync(join(outputDir, 'result.json')) ? (JSON.parse(read('result.json')) as Partial<Ran>) : {}
  const files = readdirSync(outputDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(outputDir.length + 1))
    .filter((file) => file !== 'result.json')
    .toSorted()
  return {
    exitCode,
    stdout,
    stderr,
    summary: '',
    output: undefined,
    evidence: [],
    artifacts: [],
    ...result,
    files,
    read,
  }
}

/** What an agent's result looks like to the one that comes after it. */
export function upstreamOf(key: string, ran: Pick<Ran, 'summary' | 'output' | 'artifacts'>): UpstreamResult {
  const artifacts = ran.artifacts.map((artifact, index) => ({
    ...artifact,
    id: `${key}-${index}`,
    size: 1,
    sha256: '0',
    path: `/somewhere/${artifact.name}`,
  }))
  return {
    key,
    title: `The ${key}`,
    agent: key,
    status: 'ACCEPTED',
    summary: ran.summary,
    output: ran.output as Json,
    error: null,
    artifacts,
  }
}
