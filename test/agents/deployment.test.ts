import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { committed, fixture, folderWith, git, runAgent } from './run.ts'
import type { Ran } from './run.ts'

type Check = { name: string; passed: boolean; severity: string; detail: string; file?: string; line?: number }

const failed = (ran: Ran, severity: string): string[] =>
  ran.output.checks
    .filter((check: Check) => !check.passed && check.severity === severity)
    .map((check: Check) => check.name)

const GOOD = {
  'package.json': JSON.stringify({
    name: 'good',
    version: '1.0.0',
    license: 'MIT',
    description: 'Good',
    main: 'index.js',
    files: ['index.js'],
    repository: 'a/b',
    engines: { node: '>=20' },
  }),
  'index.js': 'module.exports = 1\n',
  LICENSE: 'MIT',
  'CHANGELOG.md': '# 1.0.0\n',
  'README.md': `# Good\n\n${'It is good. '.repeat(20)}\n`,
}

describe('the deployment agent', () => {
  it('finds what stands in the way of a release', async () => {
    const shop = committed(fixture('shop'))
    const ran = await runAgent('deployment', shop)
    expect(ran.exitCode).toBe(0)
    expect(ran.output.releasable).toBe(false)
    expect(failed(ran, 'error')).toEqual(['main exists', 'no secrets in the image'])
    expect(failed(ran, 'warning')).toEqual([
      'licence named',
      'repository',
      'files listed',
      'ships no tests',
      'image does not run as root',
      '.dockerignore',
      'LICENSE',
    ])
    expect(ran.output.checks).toContainEqual({
      name: 'no secrets in the image',
      passed: false,
      severity: 'error',
      detail: expect.any(String),
      file: 'Dockerfile',
      line: 2,
    })
    expect(ran.output.checks).toContainEqual(
      expect.objectContaining({ name: 'Dockerfile', detail: expect.stringContaining('latest'), line: 1 }),
    )
    // Newer than the linter, and right.
    expect(ran.output.checks).not.toContainEqual(expect.objectContaining({ name: 'Dockerfile', line: 5 }))
    expect(ran.output.package).toMatchObject({ name: 'shop', version: '1.2.0', files: 16 })
    expect(ran.evidence).toEqual([expect.objectContaining({ passed: false })])
    expect(git(shop, 'status', '--porcelain')).toBe('')
  })

  it('has nothing to say against a package that is ready', async () => {
    const workspace = committed(folderWith(GOOD))
    git(workspace, 'tag', 'v1.0.0')
    const ran = await runAgent('deployment', workspace)
    expect(ran.output.checks.filter((check: Check) => !check.passed)).toEqual([])
    expect(ran.output.releasable).toBe(true)
    expect(ran.summary).toMatch(/^Can be released: \d+ checks\.$/)
  })

  it('refuses a version that is tagged elsewhere, a lock file of another day, and secrets in the package', async () => {
    const workspace = committed(
      folderWith({
        ...GOOD,
        'package.json': JSON.stringify({
          ...JSON.parse(GOOD['package.json']),
          files: undefined,
          dependencies: { a: '^2.0.0' },
        }),
        'package-lock.json': JSON.stringify({
          lockfileVersion: 3,
          packages: { '': { dependencies: { a: '^1.0.0' } } },
        }),
        '.env': 'X=1\n',
      }),
    )
    git(workspace, 'tag', 'v1.0.0')
    rmSync(join(workspace, 'CHANGELOG.md'))
    git(workspace, 'commit', '-qam', 'Drop the changelog')
    const ran = await runAgent('deployment', workspace)
    expect(failed(ran, 'error')).toEqual(['lock file in sync', 'ships no secrets', 'version is new'])
    expect(ran.output.checks).toContainEqual(
      expect.objectContaining({ name: 'ships no secrets', detail: 'would ship .env', file: '.env' }),
    )
  })

  it("checks a Python project's metadata", async () => {
    const ran = await runAgent('deployment', fixture('ledger'))
    expect(ran.output.releasable).toBe(false)
    expect(ran.output.checks).toContainEqual({
      name: 'readme exists',
      passed: false,
      severity: 'error',
      detail: 'README.rst does not exist',
      file: 'pyproject.toml',
      line: 8,
    })
  })

  it('checks what Go and Cargo ask for', async () => {
    const workspace = folderWith({
      'go.mod': 'module example.org/shop\n\nreplace example.org/till => ../till\n',
      'Cargo.toml':
        '[package]\nname = "shop"\nversion = "0.1.0"\nlicense = "MIT"\n\n[dependencies]\ndescription = "1"\n',
    })
    const ran = await runAgent('deployment', workspace)
    expect(failed(ran, 'error')).toEqual(['description'])
    expect(failed(ran, 'warning')).toContain('no local replacements')
  })

  it('says that there is nothing to release, and why', async () => {
    const ran = await runAgent('deployment', folderWith({ 'notes.txt': 'hello' }))
    expect(ran.output).toMatchObject({
      releasable: false,
      reason: expect.stringContaining('nothing that could be released'),
    })
  })
})
