import { rmSync, symlinkSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fixture, folderWith, runAgent } from './run.ts'

const MODULES = resolve(import.meta.dirname, '../../node_modules')

describe('the testing agent', () => {
  it("runs Node's tests behind a script that calls a script", async () => {
    const ran = await runAgent('testing', fixture('shop'))
    expect(ran.exitCode).toBe(0)
    expect(ran.output).toMatchObject({
      framework: 'node:test',
      command: 'npm run test',
      exitCode: 1,
      total: 3,
      passed: 1,
      failed: 1,
      skipped: 1,
    })
    expect(ran.output.failures).toEqual([
      {
        name: 'a cart costs nothing when it is empty',
        file: 'test/cart.test.ts',
        line: 11,
        message: expect.stringContaining('0 !== 1'),
      },
    ])
    expect(ran.evidence).toEqual([expect.objectContaining({ kind: 'TEST_REPORT', passed: false })])
    expect(ran.stdout).toContain('running npm run test')
    expect(ran.stdout).toContain('✔ costs what its items cost')
    expect(ran.files).toEqual(['1-javaScript-report.xml', '1-node-test.log'])
  })

  it('runs Vitest, and the script that tutti.testScript names before any other', async () => {
    const workspace = folderWith({
      'package.json': JSON.stringify({
        type: 'module',
        scripts: { test: 'exit 7', 'test:quick': 'vitest' },
        tutti: { testScript: 'test:quick' },
        devDependencies: { vitest: '*' },
      }),
      'a.test.js':
        "import { expect, it } from 'vitest'\nit('adds', () => {\n  expect(1 + 1).toBe(3)\n})\nit('knows', () => {})\n",
      'broken.test.js': "import './not-there.js'\n",
    })
    symlinkSync(MODULES, join(workspace, 'node_modules'))
    const ran = await runAgent('testing', workspace)
    expect(ran.output).toMatchObject({
      framework: 'vitest',
      command: 'npm run test:quick',
      total: 3,
      passed: 1,
      failed: 2,
    })
    expect(ran.output.failures).toEqual([
      { name: 'adds', file: 'a.test.js', line: 3, message: expect.stringContaining('expected 2 to be 3') },
      { name: 'broken.test.js', file: 'broken.test.js', line: null, message: expect.stringContaining('not-there.js') },
    ])
  })

  it('says that dependencies are not installed, which is no failure of the agent', async () => {
    const workspace = folderWith({
      'package.json': JSON.stringify({
        scripts: { test: 'vitest run' },
        devDependencies: { vitest: '*', 'not-there': '1' },
      }),
    })
    const ran = await runAgent('testing', workspace)
    expect(ran.exitCode).toBe(0)
    expect(ran.output).toMatchObject({
      total: 0,
      exitCode: null,
      reason: expect.stringContaining('not installed (vitest is missing)'),
    })
    expect(ran.evidence).toEqual([expect.objectContaining({ passed: false })])
  })

  it('counts what a script prints whose reporter it cannot choose', async () => {
    const workspace = folderWith({
      'package.json': JSON.stringify({ scripts: { test: 'node run.js' } }),
      'run.js': "console.log('# pass 3\\n# fail 1\\n# skipped 2')\nprocess.exit(1)\n",
    })
    const ran = await runAgent('testing', workspace)
    expect(ran.output).toMatchObject({
      framework: 'npm run test',
      exitCode: 1,
      total: 6,
      passed: 3,
      failed: 1,
      skipped: 2,
    })
  })

  it('does not wait for what the tests left running', async () => {
    const workspace = folderWith({
      'package.json': JSON.stringify({ scripts: { test: 'node begin.js' } }),
      'begin.js': `const { spawn } = require('node:child_process')
const child = spawn(process.execPath, ['-e', 'setInterval(() => console.log("still here"), 100)'], { detached: true, stdio: 'inherit' })
child.unref()
require('node:fs').writeFileSync('pid', String(child.pid))
console.log('Tests: 1 passed, 1 total')\n`,
    })
    const ran = await runAgent('testing', workspace, { timeouts: { attemptMs: 600_000, idleMs: 600_000 } })
    process.kill(Number(readFileSync(join(workspace, 'pid'), 'utf8')), 'SIGKILL')
    expect(ran.output).toMatchObject({ exitCode: 0, total: 1, passed: 1 })
    expect(ran.output.durationMs).toBeLessThan(20_000)
  })

  it('ends tests that hang, and what they said before still counts', async () => {
    const workspace = folderWith({
      'package.json': JSON.stringify({ scripts: { test: 'node hang.js' } }),
      'hang.js': "console.log('Tests: 1 passed, 1 total'); setInterval(() => {}, 1000)\n",
    })
    const ran = await runAgent('testing', workspace, { timeouts: { attemptMs: 600_000, idleMs: 2_000 } })
    expect(ran.exitCode).toBe(0)
    expect(ran.summary).toMatch(/: The tests were stopped after \d+ s: they hang/)
    expect(ran.output).toMatchObject({ exitCode: null, passed: 1, reason: expect.stringContaining('they hang') })
    expect(ran.evidence[0]).toMatchObject({ passed: false })
  })

  it('says once that there are no tests', async () => {
    const ran = await runAgent('testing', folderWith({ 'README.md': '# Only this\n' }))
    expect(ran.summary).toBe('No tests were found: no test script, no known framework and no test files.')
  })

  it('says where the tests of several projects are', async () => {
    const project = {
      'package.json': JSON.stringify({ scripts: { test: 'node run.js' } }),
      'run.js': 'console.log("1 passing")\n',
    }
    const files = ['a', 'b'].flatMap((name) =>
      Object.entries(project).map(([file, text]) => [`packages/${name}/${file}`, text]),
    )
    const ran = await runAgent(
      'testing',
      folderWith({ 'package.json': '{"workspaces":["packages/*"]}', ...Object.fromEntries(files) }),
    )
    expect(ran.output.command).toBe('npm run test in packages/a, npm run test in packages/b')
  })

  it('tells an exit code that no test explains', async () => {
    const workspace = folderWith({
      'package.json': JSON.stringify({ scripts: { test: 'node run.js' } }),
      'run.js': "console.error('the port is taken')\nprocess.exit(3)\n",
    })
    const ran = await runAgent('testing', workspace)
    expect(ran.output).toMatchObject({
      exitCode: 3,
      total: 0,
      reason: expect.stringMatching(/exit code 3 .*the port is taken/s),
    })
    expect(ran.evidence[0]).toMatchObject({ passed: false })
  })

  it('runs the tests of a Python project with pytest or unittest', async () => {
    const ran = await runAgent('testing', fixture('ledger'))
    expect(ran.output.framework).toMatch(/^(pytest|unittest)$/)
    expect(ran.output).toMatchObject({ total: 3, passed: 1, failed: 1, skipped: 1 })
    expect(ran.output.failures).toEqual([
      {
        name: expect.stringContaining('test_begins_at_one'),
        file: 'tests/test_book.py',
        line: 14,
        message: expect.stringContaining('0 != 1'),
      },
    ])
  })

  it('runs unittest by its own runner where pytest is not installed', async () => {
    const workspace = fixture('ledger')
    // A module of this name that cannot be imported stands in front of an installed one.
    writeFileSync(join(workspace, 'pytest.py'), 'raise ImportError("not here")\n')
    const ran = await runAgent('testing', workspace)
    expect(ran.output).toMatchObject({ framework: 'unittest', total: 3, passed: 1, failed: 1, skipped: 1 })
    expect(ran.output.failures).toEqual([
      {
        name: expect.stringContaining('BookTest.test_begins_at_one'),
        file: 'tests/test_book.py',
        line: 14,
        message: 'AssertionError: 0 != 1',
      },
    ])
  })

  it('runs each project of a monorepo that has none at its root', async () => {
    const test = (name: string) => `import { test } from 'node:test'\ntest('${name}', () => {})\n`
    const workspace = folderWith({
      'package.json': JSON.stringify({ workspaces: ['packages/*'] }),
      'packages/a/package.json': JSON.stringify({ type: 'module', scripts: { test: 'node --test' } }),
      'packages/a/a.test.js': test('a'),
      'packages/b/package.json': JSON.stringify({ type: 'module' }),
      'packages/b/test/b.test.js': test('b'),
      'examples/c/package.json': JSON.stringify({ scripts: { test: 'exit 1' } }),
    })
    const ran = await runAgent('testing', workspace)
    expect(ran.output).toMatchObject({ total: 2, passed: 2, failed: 0, exitCode: 0 })
    expect(ran.output.suites.map(({ folder }: { folder: string }) => folder)).toEqual(['packages/a', 'packages/b'])
    expect(ran.evidence.every(({ passed }) => passed)).toBe(true)
  })

  it('stops tests that never end when its own time is nearly up', async () => {
    const workspace = folderWith({
      'package.json': JSON.stringify({ scripts: { test: 'node run.js' } }),
      'run.js': "console.log('waiting')\nsetInterval(() => {}, 1000)\n",
    })
    const ran = await runAgent('testing', workspace, { timeouts: { attemptMs: 2_500, idleMs: 60_000 } })
    expect(ran.exitCode).toBe(0)
    expect(ran.output).toMatchObject({ exitCode: null, reason: expect.stringContaining('stopped after 2 s') })
  })

  it('does not start itself on the same repository again', async () => {
    const workspace = folderWith({
      'package.json': JSON.stringify({ type: 'module', scripts: { test: 'node again.js' } }),
    })
    const agent = resolve(import.meta.dirname, '../../src/agents/testing.ts')
    writeFileSync(
      join(workspace, 'again.js'),
      `import { spawnSync } from 'node:child_process'
const run = spawnSync(process.execPath, [${JSON.stringify(agent)}], { input: JSON.stringify({ workspace: process.cwd(), outputDir: process.cwd() }) })
console.log(String(run.stdout))`,
    )
    const ran = await runAgent('testing', workspace)
    rmSync(join(workspace, 'result.json'))
    expect(ran.stdout).toContain('already running and started this agent')
  })
})
