import { createHash } from 'node:crypto'
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BUILTIN_AGENTS } from '../../src/agents/builtin.ts'
import { committed, fill, fixture, folderWith, git, runAgent, temporaryFolder } from './run.ts'

const AGENTS = BUILTIN_AGENTS.map(({ name }) => name)

/** Everything that goes wrong in repositories, in one. */
function hostile(folder: string): string {
  const nested = `${'['.repeat(5_000)}${']'.repeat(5_000)}`
  fill(folder, {
    'package.json': '{ "name": "broken", ',
    'pyproject.toml': '[project\nname =',
    'tsconfig.json': '{ "compilerOptions": { "paths": { "@/*": ["./src/*"',
    Dockerfile: 'FORM node\n\u0000',
    'src/syntax.ts': 'export function (((\nimport { from\n',
    'src/syntax.py': 'def f(:\n',
    'src/deep.js': `export const deep = ${nested}\n`,
    'src/binary.ts': Buffer.from([0, 1, 2, 255, 254, 0, 10]),
    'src/latin1.py': Buffer.from([0x23, 0xe9, 0xff, 0x0a, 0x78, 0x3d, 0x31, 0x0a]),
    'src/long-line.js': `export const data = "${'x'.repeat(500_000)}"\n`,
    'src/empty.ts': '',
    'src/bom.ts': '\uFEFFexport const bom = 1\n',
    'src/crlf.ts': '/** Windows. */\r\nexport const crlf = 1\r\n',
    'src/self.ts': "import './self.ts'\nimport '@/nothing'\nimport './folder'\nconst x = require(`./${name}`)\n",
    'src/name with spaces ünd | `strange` [chars].ts': '/** Named. */\nexport const strange = 1\n',
    'src/ünï.ts': "export * from './name with spaces ünd | `strange` [chars].ts'\n",
    'x.schema.json': '{ "$schema": "http://json-schema.org/draft-07/schema#", "$ref": "#/definitions/nowhere" }',
    'loop.schema.json': '{ "$schema": "http://json-schema.org/draft-07/schema#", "$ref": "#" }',
    'schema.graphql': 'type Query { a: ',
    'node_modules/left/index.js': 'debugger\n',
    'dist/out.js': 'debugger\n',
    'a/b/c/.gitignore': 'hidden/\n',
    'a/b/c/hidden/secret.js': 'debugger\n',
  })
  // A hundred megabytes that take no room on the disk.
  writeFileSync(join(folder, 'src/huge.ts'), 'export const a = 1\n')
  truncateSync(join(folder, 'src/huge.ts'), 100_000_000)
  symlinkSync('..', join(folder, 'src/loop'))
  symlinkSync('nowhere', join(folder, 'src/dangling.ts'))
  symlinkSync('/etc/hostname', join(folder, 'src/outside.ts'))
  mkdirSync(join(folder, 'src/folder.ts'))
  return folder
}

/** Everything below a folder. No link is followed: how many in a row are too many is not the same every time. */
function pathsIn(folder: string, below: string): string[] {
  return readdirSync(join(folder, below), { withFileTypes: true }).flatMap((entry) => {
    const path = join(below, entry.name)
    return entry.isDirectory() ? [path, ...pathsIn(folder, path)] : [path]
  })
}

/** Names, sizes and contents of all that is in a folder. */
function fingerprint(folder: string): string {
  const all = pathsIn(folder, '').toSorted()
  const hash = createHash('sha256')
  for (const path of all) {
    const stat = lstatSync(join(folder, path))
    hash.update(`${path} ${stat.mode} ${stat.size} ${stat.mtimeMs}\n`)
    if (stat.isFile() && stat.size < 1_000_000) hash.update(readFileSync(join(folder, path)))
  }
  return hash.digest('hex')
}

describe('every built-in agent', () => {
  // One for all: nobody may change it anyway.
  let folder = ''
  beforeAll(() => {
    folder = hostile(mkdtempSync(join(tmpdir(), 'tutti-hostile-')))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it.each(AGENTS)('%s copes with a repository in which everything is broken, and leaves it as it is', async (name) => {
    const before = fingerprint(folder)
    const ran = await runAgent(name, folder)
    expect(ran.stderr).toBe('')
    expect(ran.exitCode).toBe(0)
    expect(ran.summary).not.toBe('')
    expect(ran.summary).not.toContain('\n')
    expect(ran.evidence.length).toBeGreaterThan(0)
    expect(ran.stdout).toMatch(/\S/)
    expect(JSON.stringify(ran.output)).not.toMatch(/left\/index|dist\/out|hidden\/secret/)
    expect(fingerprint(folder)).toBe(before)
  })

  it.each(AGENTS)('%s says that there is nothing to do in an empty folder', async (name) => {
    const ran = await runAgent(name, folderWith({}))
    expect(ran.exitCode).toBe(0)
    expect(ran.stderr).toBe('')
    expect(ran.summary).toMatch(/no files|No tests|[Nn]othing|no JSON Schema/)
  })
})

describe('an agent whose time is up', () => {
  it.each(['analysis', 'review', 'documentation', 'testing'])(
    '%s hands back what it has, and says that it is not all',
    async (name) => {
      const ran = await runAgent(name, fixture('shop'), { timeouts: { attemptMs: 1, idleMs: 1_000 } })
      expect(ran.exitCode).toBe(0)
      expect(JSON.stringify(ran.output.notes ?? ran.output.reason)).toMatch(
        /limit of time|too short|took too long|were stopped|size or time/,
      )
    },
  )
})

describe('the list of files', () => {
  it('leaves out what is too big, with a note, and what is a link', async () => {
    const { output } = await runAgent('analysis', hostile(temporaryFolder()))
    expect(output.skipped).toContainEqual({ path: 'src/huge.ts', reason: '100.0 MB, not read (limit 2.0 MB)' })
    expect(output.skipped).toContainEqual({ path: 'src/loop', reason: 'symbolic link' })
    expect(output.dependencies.syntaxErrors.map(({ file }: { file: string }) => file)).toEqual(['src/syntax.ts'])
  })

  it('is the same with git and without', async () => {
    const files = {
      '.gitignore': 'ignored/\n*.log\n',
      'a.ts': 'export {}\n',
      'ignored/b.ts': '',
      'c.log': '',
      'new/d.ts': 'export {}\n',
    }
    const [plain, tracked] = [folderWith(files), committed(folderWith(files))]
    writeFileSync(join(tracked, 'new/e.ts'), 'export {}\n')
    writeFileSync(join(plain, 'new/e.ts'), 'export {}\n')
    const outputs = [await runAgent('analysis', plain), await runAgent('analysis', tracked)].map(({ output }) => output)
    expect(outputs[0].structure).toEqual(outputs[1].structure)
    expect(outputs[0].structure.files).toBe(4)
    expect(git(tracked, 'status', '--porcelain')).toBe('?? new/e.ts\n')
  })

  it('tells what tests are made with from what a repository is made of', async () => {
    const broken = {
      'test/fixtures/a.ts': "import './b.ts'\ndebugger\n",
      'test/fixtures/b.ts': "import './a.ts'\n",
      'testdata/x.graphql': 'type {',
    }
    const folder = folderWith(broken)
    const [analysis, review, codegen] = [
      await runAgent('analysis', folder),
      await runAgent('review', folder),
      await runAgent('codegen', folder),
    ]
    expect(analysis.output.structure.files).toBe(3)
    expect(analysis.output.dependencies.cycles).toEqual([])
    expect(review.output.total).toBe(0)
    expect(codegen.output.failed).toEqual([])
  })
})
