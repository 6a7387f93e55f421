import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { findProgram } from '../servers/process.ts'
import { endOf, ENTRY, folderWith, start, tutti } from './tutti.ts'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}
const LAUNCHER = fileURLToPath(new URL('../../bin/tutti.js', import.meta.url))

describe('tutti', () => {
  it.each([
    'serve',
    'run',
    'watch',
    'approve',
    'pause',
    'resume',
    'input',
    'rollback',
    'cancel',
    'retry',
    'fork',
    'sessions',
    'agents',
    'tokens',
  ])('explains %s with examples', async (command) => {
    const { stdout } = await endOf(tutti(folderWith({}), command, '--help'), 0)
    expect(stdout).toContain(`Usage: tutti ${command}`)
    expect(stdout).toMatch(new RegExp(`Examples:\n  \\$ .*tutti ${command}`))
  })

  it('prints its version', async () => {
    expect((await endOf(tutti(folderWith({}), '--version'), 0)).stdout).toBe(`${version}\n`)
  })

  it('loads nothing but the arguments to print its help, so that it is quick', async () => {
    const hook = `import { registerHooks } from 'node:module'
registerHooks({ load(url, context, next) { if (!url.startsWith('node:')) process.stderr.write(url + '\\n'); return next(url, context) } })`
    const loud = `data:text/javascript,${encodeURIComponent(hook)}`
    const help = start(folderWith({}), process.execPath, ['--import', loud, ENTRY, '--help'])
    const { stderr } = await endOf(help, 0)
    const loaded = stderr.trim().split('\n')
    expect(loaded.filter((url) => !url.includes('/commander/')).map((url) => url.replace(/^.*\/src\//, ''))).toEqual([
      'cli/tutti.ts',
      'cli/program.ts',
      'core/interrupt.ts',
      'core/plan.ts',
      'cli/agent-program.ts',
      'core/agent.ts',
      'cli/arguments.ts',
      'cli/options.ts',
      'cli/token-program.ts',
      'core/gate.ts',
    ])
  })

  it.each([
    [['bogus'], "unknown command 'bogus'"],
    [['run'], 'Say what is to be done'],
    [['run', 'work', '--task', 'task.json'], 'not both'],
    [['run', '--task', 'task.json', '--pattern', 'PARALLEL'], "cannot be used with option '--pattern"],
    [['run', '--task', 'nowhere.json'], 'nowhere.json cannot be read: there is no such file.'],
    [['approve', 'x', '--choice', 'MAYBE'], 'APPROVE, REJECT, ANSWER, RAISE, RETRY, SKIP, STOP'],
    [['approve', 'x', '--data', '{'], 'It wants JSON'],
    [['rollback', 'x', '--to-checkpoint', '-1'], 'from 0 to'],
    [['run', 'work', '--timeout', 'soon'], 'such as 90s, 10m or 1h30m'],
    [['run', 'work', '--pattern', 'chaos'], 'AUTO, SEQUENTIAL, PARALLEL, PIPELINE, HIERARCHICAL'],
    [['serve', '--port', '70000'], 'from 0 to 65535'],
    [['agents', 'tset', 'worker'], "unknown command 'tset'"],
  ])('refuses %j and says what would be right', async (args, message) => {
    const { stderr } = await endOf(tutti(folderWith({}), ...args), 1)
    expect(stderr).toContain(message)
  })

  it('finds the Node that it needs when it is started with an older one', async ({ skip }) => {
    const older = olderNode()
    if (older === undefined) return skip('there is no older Node')
    expect((await endOf(start(folderWith({}), older, [LAUNCHER, '--version']), 0)).stdout).toBe(`${version}\n`)
  })

  it('says which Node it needs when there is none', async ({ skip }) => {
    const older = olderNode()
    if (older === undefined) return skip('there is no older Node')
    const alone = folderWith({ 'bin/tutti.js': readFileSync(LAUNCHER, 'utf8'), 'package.json': '{"type":"module"}' })
    const { stderr } = await endOf(start(alone, older, ['bin/tutti.js', '--version']), 1)
    expect(stderr).toContain('tutti needs Node 24 or later')
    expect(stderr).toContain('npm ci')
  })
})

/** A Node of this machine that does not run TypeScript. */
function olderNode(): string | undefined {
  return findProgram('node', ['/usr/bin', '/usr/local/bin'])?.startsWith('/usr') === true
    ? findProgram('node', ['/usr/bin', '/usr/local/bin'])
    : undefined
}
