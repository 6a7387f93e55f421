import { execFile } from 'node:child_process'
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { AgentType } from '../core/agent.ts'
import { Failure } from './failure.ts'

/** What an agent is asked to do to be tried. */
export interface ProbeTask {
  title: string
  description: string
  /** Whether it is to leave something: a changed file or an artifact. */
  leaves: boolean
}

/** A task for each type of agents, on the repository of `makeProbe`. */
const TASKS: Record<AgentType, ProbeTask> = {
  CODEGEN: {
    title: 'Write hello.txt',
    description: 'Write a file hello.txt at the top of the workspace that holds one line: Hello! Change nothing else.',
    leaves: true,
  },
  TESTING: {
    title: 'Run the tests',
    description:
      'Run the tests of this repository and say how many passed and which failed. One is meant to fail: leave it so.',
    leaves: false,
  },
  DOCUMENTATION: {
    title: 'Document greet.js',
    description: 'Write one short page in Markdown that tells how greet.js is used. Change nothing else.',
    leaves: true,
  },
  ANALYSIS: {
    title: 'Analyse the repository',
    description: 'Say what each file of this repository is for and which of them need which. Change nothing.',
    leaves: false,
  },
  REVIEW: {
    title: 'Review greet.js',
    description: 'Review greet.js against what README.md promises, and name the mistake in it. Change nothing.',
    leaves: false,
  },
  DEPLOYMENT: {
    title: 'Check the release',
    description: 'Say whether this repository could be released as it is, and what is missing. Release nothing.',
    leaves: false,
  },
  PLANNER: {
    title: 'Plan a repair',
    description: 'One test of this repository fails. Plan its repair: name the steps in order. Change nothing.',
    leaves: false,
  },
  GENERAL: {
    title: 'Read README.md',
    description: 'Read README.md and say in one sentence what this repository is for. Change nothing.',
    leaves: false,
  },
}

/** Titles are at most this long. */
const TITLE_MAX = 200

/** @param words what is to be done instead of what fits the type */
export function probeTask(type: AgentType, words: string | undefined): ProbeTask {
  if (words === undefined) return TASKS[type]
  const [title = ''] = words.trim().split('\n')
  return { title: title.slice(0, TITLE_MAX).toWellFormed(), description: words.trim(), leaves: false }
}

/** A tiny program with one test that passes and one that fails, and a schema to make types from. */
const FILES: Record<string, string> = {
  'README.md': `# Greetings

\`greet(name)\` says hello to somebody by their name, and to everybody if there is none: "Hello, everybody!"
\`npm test\` runs its tests.
`,
  'package.json': `${JSON.stringify({ name: 'greetings', version: '1.0.0', private: true, type: 'module', scripts: { test: 'node --test' } }, null, 2)}\n`,
  'greet.js': `/** Says hello to somebody by their name. */
export function greet(name) {
  return \`Hello, \${name}!\`
}
`,
  'greet.test.js': `import assert from 'node:assert/strict'
import { test } from 'node:test'
import { greet } from './greet.js'

test('greets somebody by their name', () => assert.equal(greet('Ada'), 'Hello, Ada!'))
test('greets everybody if there is no name', () => assert.equal(greet(''), 'Hello, everybody!'))
`,
  'greeting.schema.json': `${JSON.stringify({ title: 'Greeting', type: 'object', properties: { name: { type: 'string' } } }, null, 2)}\n`,
}

/** A repository that is thrown away. */
export interface Probe {
  /** Absolute path. */
  folder: string
  /** @throws what the operating system says if it cannot be removed */
  remove(): Promise<void>
}

/**
 * Makes a repository to try an agent on.
 *
 * @param parent folder in which it is made
 * @throws Failure if it cannot be made there
 */
export async function makeProbe(parent: string): Promise<Probe> {
  let folder: string
  try {
    // The server, and git, speak of where it really is.
    folder = await realpath(await mkdtemp(join(parent, 'tutti-probe-')))
  } catch (error) {
    throw new Failure(`No folder can be made in ${parent}: ${(error as Error).message}. Name another one with --in.`)
  }
  // The server may still be putting away what the attempt worked on there.
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  try {
    for (const [name, text] of Object.entries(FILES)) await writeFile(join(folder, name), text)
    await commitAll(folder)
    return { folder, remove }
  } catch (error) {
    await remove()
    throw error
  }
}

/** Puts the folder under version control, untouched by the settings and hooks of whoever runs this. */
async function commitAll(folder: string): Promise<void> {
  const nobody = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' }
  const { PATH } = process.env
  const git = (...args: string[]) => promisify(execFile)('git', args, { cwd: folder, env: { PATH, ...nobody } })
  const who = ['-c', 'user.name=tutti', '-c', 'user.email=tutti@localhost']
  try {
    await git('init', '-q', '-b', 'main')
    await git('add', '.')
    await git(...who, 'commit', '-q', '-m', 'Greet')
  } catch (error) {
    // A folder without version control is a workspace too.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
