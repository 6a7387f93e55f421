import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { BUILTIN_AGENTS } from '../../src/agents/builtin.ts'
import { builtinCommands } from '../../src/openRuntimes.ts'
import { createSandbox } from '../../src/processes/sandbox.ts'
import { BUILTIN_PREFIX } from '../../src/registrations.ts'
import { createCommandRuntime } from '../../src/runtimes/command.ts'
import { makeWork, perform } from '../contracts/runtime.suite.ts'
import { noSandbox } from '../processes/bubblewrap.ts'
import { committed, fixture, git, temporaryFolder } from './run.ts'

const SERVES = `import { test } from 'node:test'
import { createServer } from 'node:http'
test('a server on this machine answers', async () => {
  const server = createServer((_, response) => response.end('hello')).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const answer = await fetch('http://127.0.0.1:' + server.address().port)
  if ((await answer.text()) !== 'hello') throw new Error('no answer')
  server.close()
})
`

/** What an agent found, without how long it took. */
const found = (output: unknown): unknown =>
  JSON.parse(JSON.stringify(output, (name, value) => (/Ms$|seconds/i.test(name) ? undefined : value)))

describe.skipIf(noSandbox !== undefined)('the agents that come with Tutti', () => {
  const environment = { PATH: process.env['PATH'], HOME: process.env['HOME'] }

  const openWorktree = (): string => {
    const main = fixture('shop')
    writeFileSync(join(main, 'test/serves.test.ts'), SERVES)
    committed(main)
    const worktree = join(temporaryFolder(), 'worktree')
    git(main, 'worktree', 'add', '-q', '--detach', worktree)
    return worktree
  }

  const outcomeOf = async (name: string, workspace: string, mode: 'required' | 'off') => {
    const dataDir = temporaryFolder()
    const runtime = createCommandRuntime({
      commands: builtinCommands({ builtinAgents: true, dataDir }),
      environment,
      sandbox: createSandbox({ environment, hidden: [dataDir], defaults: { mode } }),
    })
    const runtimeConfig = { command: `${BUILTIN_PREFIX}${name}` }
    const { outcome } = await perform(runtime, { ...makeWork(dataDir), workspace, runtimeConfig })
    if (outcome.kind !== 'OK') throw new Error(JSON.stringify(outcome))
    expect(outcome.evidence[0]).toMatchObject({ kind: 'EXIT_CODE', detail: { sandboxed: mode === 'required' } })
    return {
      summary: outcome.summary.replace(/in [\d.]+ m?s/, ''),
      output: found(outcome.output),
      files: outcome.files,
    }
  }

  it.each(BUILTIN_AGENTS.map(({ name }) => name))(
    'find in the sandbox, on a worktree, what they find outside: %s',
    async (name) => {
      const worktree = openWorktree()
      expect(await outcomeOf(name, worktree, 'required')).toEqual(await outcomeOf(name, worktree, 'off'))
    },
    120_000,
  )
})
