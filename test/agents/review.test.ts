import { describe, expect, it } from 'vitest'
import { committed, fixture, folderWith, runAgent } from './run.ts'

type Finding = { file: string; line: number; severity: string; rule: string; message: string }

const brief = ({ file, line, severity, rule }: Finding): string => `${severity} ${rule} ${file}:${line}`

// Put together here, so that no secret stands in this repository.
const TOKEN = `ghp_${'aB3dE5fG7hJ9'.repeat(3)}`
const [PASSWORD, HIDDEN, LOCAL] = [
  ['9fK2', 'mQ7x', 'Lw4z'],
  ['v3ry', 'h1dden'],
  ['0ther', 'w1se'],
].map((parts) => parts.join('-'))
const KEY = ['-----BEGIN', 'PRIVATE KEY-----'].join(' ')

describe('the review agent', () => {
  it('lints, and finds what was left behind', async () => {
    const ran = await runAgent('review', committed(fixture('shop')))
    expect(ran.exitCode).toBe(0)
    expect(ran.output.findings.map(brief)).toEqual([
      'warning eslint(no-debugger) src/price.ts:11',
      'info fixme src/price.ts:4',
    ])
    expect(ran.output).toMatchObject({ rules: 'built-in', total: 2, bySeverity: { error: 0, warning: 1, info: 1 } })
    expect(ran.summary).toBe('0 errors, 1 warning and 1 remark in 16 files.')
    expect(ran.evidence.every(({ passed }) => passed)).toBe(true)
    expect(JSON.parse(ran.read('findings.json'))).toHaveLength(2)
  })

  it("follows the repository's own rules", async () => {
    const workspace = folderWith({
      '.oxlintrc.json': JSON.stringify({ rules: { 'no-debugger': 'off', eqeqeq: 'error' } }),
      'a.js': 'debugger\nexport const same = (a, b) => a == b\n',
    })
    const ran = await runAgent('review', workspace)
    expect(ran.output.rules).toBe('repository')
    expect(ran.output.findings.map(brief)).toEqual(['error eslint(eqeqeq) a.js:2'])
  })

  it('falls back to its own rules when those of the repository do not parse, and says so', async () => {
    const ran = await runAgent('review', folderWith({ '.oxlintrc.json': '{ "rules": [', 'a.js': 'debugger\n' }))
    expect(ran.output.rules).toBe('built-in')
    expect(ran.output.findings.map(brief)).toEqual(['warning eslint(no-debugger) a.js:1'])
    expect(ran.output.notes).toContainEqual(expect.stringContaining("could not use the repository's own configuration"))
  })

  it('finds secrets and never repeats them', async () => {
    const workspace = folderWith({
      'deploy.sh': `export TOKEN=${TOKEN}\n`,
      'key.txt': `${KEY}\n`,
      'config.py': `password = "${PASSWORD}"\nhint = "password"\nsecret = "\${SECRET_FROM_VAULT}"\n`,
      'test/fake.py': `TOKEN = "${TOKEN}"\n`,
      'url.yaml': `db: postgres://shop:${HIDDEN}@db.internal/shop\nsame: postgres://shopper:shopper@db/x\nlocal: postgres://shop:${LOCAL}@localhost/x\n`,
    })
    const ran = await runAgent('review', workspace)
    expect(ran.output.findings.filter(({ rule }: Finding) => rule === 'secret').map(brief)).toEqual([
      'error secret deploy.sh:1',
      'error secret key.txt:1',
      'warning secret config.py:1',
      'warning secret url.yaml:1',
      'warning secret test/fake.py:1',
      'info secret url.yaml:3',
    ])
    const all = [ran.stdout, JSON.stringify(ran.output), ...ran.files.map(ran.read)].join('\n')
    for (const secret of [TOKEN, PASSWORD, HIDDEN, LOCAL]) expect(all).not.toContain(secret)
    expect(ran.evidence).toContainEqual(
      expect.objectContaining({ name: 'no secrets', passed: false, detail: { secrets: 5 } }),
    )
  })

  it('sees in any language what a merge, a debugger or a hurried test leaves', async () => {
    const conflict = `${'<'.repeat(7)} HEAD\na\n${'='.repeat(7)}\nb\n${'>'.repeat(7)} other\n`
    const workspace = folderWith({
      'a.rb': `x = 1\n${conflict}binding.pry\n`,
      'README.md': 'Title\n=======\n\nNothing is in conflict.\n',
      'a.py': 'def f(:\n  pass\n',
      'test/a.test.js': `import { it } from 'vitest'\nit.only('runs alone', () => {})\n`,
      'b.go': `package b\n\nfunc Long() {\n${'\tx()\n'.repeat(120)}}\n`,
    })
    const ran = await runAgent('review', workspace)
    expect(ran.output.findings.map(brief)).toEqual([
      'error python-syntax a.py:1',
      'error merge-conflict a.rb:2',
      'error focused-test test/a.test.js:2',
      'warning debugging a.rb:7',
      'info long-function b.go:3',
    ])
    expect(ran.evidence.map(({ passed }) => passed)).toEqual([false, true, false])
  })

  it('notes a file that cannot be linted, and goes on with the others', async () => {
    const workspace = folderWith({ 'a.js': 'debugger\n', 'noise.js': Buffer.from([0xff, 0xfe, 0xfd, 0x00, 0x41]) })
    const ran = await runAgent('review', workspace)
    expect(ran.output).toMatchObject({ total: 1, filesLinted: 1 })
    expect(ran.output.notes).toContainEqual(expect.stringMatching(/^1 file could not be linted: .*noise\.js/))
  })
})
