import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { createGitWorkspaces, forgetSnapshots } from '../../src/workspaces/git.ts'
import '../core/seed.ts'
import { scratch } from '../servers/process.ts'
import { createRepository, type TestRepository } from './repository.ts'

const folder = scratch('workspaces')
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const workspaces = createGitWorkspaces()
let count = 0
const fresh = (files?: Record<string, string>): TestRepository => createRepository(join(folder, `${count++}`), files)
const kept = async ({ folder: workspace }: { folder: string }, name = 's/1'): Promise<string> =>
  (await workspaces.snapshot(workspace, name)) as string

describe('a workspace', () => {
  it('is kept where it is under version control, which is told without writing anything', async () => {
    const repository = fresh({ a: 'a', '.gitignore': 'ignored\n' })
    repository.write('ignored/deep/a', 'a')
    repository.write('below/a', 'a')
    expect(await workspaces.keeps(repository.folder)).toBe(true)
    expect(await workspaces.keeps(join(repository.folder, 'below'))).toBe(true)
    expect(existsSync(join(repository.folder, '.git/tutti'))).toBe(false)
    expect(await workspaces.keeps(join(repository.folder, 'ignored/deep'))).toBe(false)
    expect(await workspaces.keeps(join(repository.folder, '.git'))).toBe(false)
    expect(await workspaces.keeps(join(repository.folder, 'a'))).toBe(false)
    const plain = join(folder, `${count++}`)
    mkdirSync(plain)
    expect(await workspaces.keeps(plain)).toBe(false)
    expect(await workspaces.keeps(join(folder, 'nowhere'))).toBe(false)
    repository.write('.git/config', 'nonsense [')
    await expect(workspaces.keeps(repository.folder)).rejects.toThrow('git')
  })
})

describe('a snapshot', () => {
  it('is forgotten with its session, and no other', async () => {
    const repository = fresh({ a: 'a' })
    await kept(repository, 's/1')
    await kept(repository, 's/2')
    await kept(repository, 's2/1')
    const persons = repository.persons()
    expect(await forgetSnapshots(repository.folder, 's')).toBe(2)
    expect(repository.git('for-each-ref', '--format=%(refname)', 'refs/tutti/')).toBe('refs/tutti/s2/1\n')
    expect(repository.persons()).toEqual(persons)
    expect(await forgetSnapshots(repository.folder, 's')).toBe(0)
    await expect(forgetSnapshots(repository.folder, 'backup/x')).rejects.toThrow('no name')
    const plain = join(folder, `${count++}`)
    mkdirSync(plain)
    expect(await forgetSnapshots(plain, 's')).toBe(0)
  })

  it('holds tracked and untracked files, not ignored ones, in a commit on HEAD', async () => {
    const repository = fresh({ a: 'a', 'b/c': 'c', '.gitignore': '*.log\n' })
    repository.write('a', 'changed')
    repository.write('new', 'new', 0o755)
    repository.write('noise.log', 'noise')
    rmSync(join(repository.folder, 'b'), { recursive: true })
    symlinkSync('a', join(repository.folder, 'link'))
    const commit = await kept(repository, 'session-1/7')
    expect(repository.git('ls-tree', '-r', '--name-only', commit)).toBe('.gitignore\na\nlink\nnew\n')
    expect(repository.git('show', `${commit}:a`)).toBe('changed')
    expect(repository.git('rev-parse', `${commit}^`, 'refs/tutti/session-1/7')).toBe(
      `${repository.git('rev-parse', 'HEAD')}${commit}\n`,
    )
    expect(repository.git('log', '-1', '--format=%an %cn', commit)).toBe('Tutti Tutti\n')
  })

  it('touches nothing of the person: no branch, no index, no setting, no file', async () => {
    const repository = fresh({ a: 'a', b: 'b' })
    repository.write('a', 'staged')
    repository.git('add', 'a')
    repository.write('a', 'and changed again')
    const before = [repository.persons(), repository.files()]
    await kept(repository)
    await kept(repository, 's/2')
    expect([repository.persons(), repository.files()]).toEqual(before)
  })

  it('runs nothing that the repository names, and asks nobody', async () => {
    const repository = fresh({ a: 'a', '.gitattributes': '* filter=evil\n' })
    const proof = join(repository.folder, '.git', 'proof')
    for (const hook of ['post-index-change', 'reference-transaction', 'post-checkout', 'pre-commit'])
      repository.write(`.git/hooks/${hook}`, `#!/bin/sh\necho ${hook} >> ${proof}\n`, 0o755)
    for (const key of ['core.fsmonitor', 'filter.evil.clean', 'filter.evil.smudge', 'filter.evil.process'])
      repository.git('config', key, `echo ${key} >> ${proof}; cat`)
    repository.git('config', 'commit.gpgSign', 'true')
    repository.git('config', 'gpg.program', `echo gpg >> ${proof}; false`)
    rmSync(proof, { force: true })
    const commit = await kept(repository)
    repository.write('a', 'b')
    await workspaces.restore(repository.folder, commit)
    expect(repository.files()['a']).toBe('a')
    expect(() => readFileSync(proof)).toThrow('ENOENT')
  })

  it('is of a repository without any commit, too', async () => {
    const path = join(folder, `${count++}`)
    mkdirSync(path)
    execFileSync('git', ['init', '--quiet', path])
    writeFileSync(join(path, 'a'), 'a')
    const commit = await kept({ folder: path })
    writeFileSync(join(path, 'a'), 'b')
    await workspaces.restore(path, commit)
    expect(readFileSync(join(path, 'a'), 'utf8')).toBe('a')
  })

  it('is none where there is no version control, or none of this folder', async () => {
    const plain = join(folder, `${count++}`)
    mkdirSync(plain)
    expect(await workspaces.snapshot(plain, 's/1')).toBeUndefined()
    const repository = fresh({ '.gitignore': 'ignored\n' })
    repository.write('ignored/deep/a', 'a')
    expect(await workspaces.snapshot(join(repository.folder, 'ignored/deep'), 's/1')).toBeUndefined()
    expect(await workspaces.snapshot(join(repository.folder, '.git'), 's/1')).toBeUndefined()
    await expect(workspaces.snapshot(join(folder, 'nowhere'), 's/1')).rejects.toThrow('ENOENT')
  })

  it.each(['', 's', 's/1/2', '../1', 's/..', 'backup/1', '-s/1', 's/1.lock', 's /1', 's/1\n'])(
    'cannot be called %j',
    async (name) => {
      const repository = fresh()
      await expect(workspaces.snapshot(repository.folder, name)).rejects.toThrow('is no name for a snapshot')
      expect(repository.git('for-each-ref', 'refs/tutti')).toBe('')
    },
  )

  it('is made while other programs write, and two are made at once', async () => {
    const repository = fresh(Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`still/${n}`, `${n}`])))
    const over = new AbortController()
    const writing = (async () => {
      for (let n = 0; !over.signal.aborted; n++) {
        const path = join(repository.folder, `busy-${n % 50}`)
        await (n % 3 === 0 ? rm(path, { force: true }) : writeFile(path, 'x'.repeat(n % 10_000)))
      }
    })()
    const commits = await Promise.all(Array.from({ length: 6 }, (_, n) => kept(repository, `s/${n}`)))
    over.abort()
    await writing
    for (const commit of commits) {
      const names = repository.git('ls-tree', '-r', '--name-only', commit).split('\n')
      expect(names.filter((name) => name.startsWith('still/'))).toHaveLength(200)
    }
    expect(repository.git('fsck', '--no-dangling', '--strict')).toBe('')
  })

  it('goes on without what git cannot read: a repository inside that has no commit', async () => {
    const repository = fresh({ a: 'a' })
    repository.write('b', 'b')
    mkdirSync(join(repository.folder, 'inner'))
    execFileSync('git', ['init', '--quiet', join(repository.folder, 'inner')])
    repository.write('inner/file', 'not ours')
    const commit = await kept(repository)
    expect(repository.git('ls-tree', '-r', '--name-only', commit)).toBe('a\nb\n')
    repository.write('b', 'c')
    await workspaces.restore(repository.folder, commit)
    expect(repository.files()).toEqual({ a: 'a', b: 'b', 'inner/file': 'not ours' })
  })

  it('is made anew when what was remembered of the last one is damaged', async () => {
    const repository = fresh({ a: 'a' })
    const tree = repository.git('rev-parse', `${await kept(repository)}^{tree}`)
    const index = execFileSync('find', ['.git/tutti', '-name', 'index'], { cwd: repository.folder, encoding: 'utf8' })
    writeFileSync(join(repository.folder, index.trim()), 'damaged')
    expect(repository.git('rev-parse', `${await kept(repository, 's/2')}^{tree}`)).toBe(tree)
  })
})

describe('restoring', () => {
  it('puts back what was changed or removed, and removes what was added, but nothing ignored', async () => {
    const repository = fresh({ a: 'a', 'b/c': 'c', '.gitignore': '*.log\n', kind: 'file' })
    repository.write('run', 'run', 0o755)
    symlinkSync('a', join(repository.folder, 'link'))
    const before = repository.files()
    const commit = await kept(repository)
    repository.write('a', 'changed')
    rmSync(join(repository.folder, 'b'), { recursive: true })
    rmSync(join(repository.folder, 'kind'))
    repository.write('kind/is/folder', 'now')
    repository.write('added/deep/file', 'added')
    chmodSync(join(repository.folder, 'run'), 0o644)
    rmSync(join(repository.folder, 'link'))
    repository.write('link', 'a file now')
    repository.write('noise.log', 'noise')
    const persons = repository.persons()
    await workspaces.restore(repository.folder, commit)
    expect(repository.files()).toEqual({ ...before, 'noise.log': 'noise' })
    expect(repository.persons()).toEqual(persons)
  })

  it('keeps what it finds under refs/tutti/backup, which can be restored in its turn', async () => {
    const repository = fresh({ a: 'a' })
    const commit = await kept(repository)
    repository.write('a', 'work of an hour')
    repository.write('b', 'and another')
    const before = repository.files()
    await workspaces.restore(repository.folder, commit)
    const backup = repository.git('for-each-ref', '--format=%(objectname)', 'refs/tutti/backup').trim()
    await workspaces.restore(repository.folder, backup)
    expect(repository.files()).toEqual(before)
    await workspaces.restore(repository.folder, backup)
    expect(repository.git('for-each-ref', 'refs/tutti/backup').trim().split('\n')).toHaveLength(2)
  })

  it('works after commits, switches of branches and a new HEAD, and moves none of them', async () => {
    const repository = fresh({ a: 'a' })
    const commit = await kept(repository)
    repository.git('checkout', '--quiet', '-b', 'other')
    repository.write('a', 'b')
    repository.git('commit', '--quiet', '--all', '--message=second')
    const persons = repository.persons()
    await workspaces.restore(repository.folder, commit)
    expect([repository.files(), repository.persons()]).toEqual([{ a: 'a' }, persons])
  })

  it('is exact to the byte, whatever attributes and settings say of line ends', async () => {
    const repository = fresh({ '.gitattributes': '* text=auto eol=lf\n*.u text working-tree-encoding=UTF-16\n' })
    repository.git('config', 'core.autocrlf', 'true')
    const files = { crlf: 'a\r\nb\r\n', lf: 'a\nb\n', 'mixed.u': 'a\r\nb\n$Id$\0' }
    for (const [path, text] of Object.entries(files)) repository.write(path, text)
    repository.write('binary', Buffer.from(Array.from({ length: 256 }, (_, n) => n)))
    const before = repository.files()
    const commit = await kept(repository)
    for (const path of [...Object.keys(files), 'binary']) repository.write(path, 'x')
    await workspaces.restore(repository.folder, commit)
    expect(repository.files()).toEqual(before)
  })

  it('puts back tracked files that are ignored, and those that are ignored only since', async () => {
    const repository = fresh({ '.gitignore': '*.log\n' })
    repository.write('tracked.log', 'one')
    repository.git('add', '--force', 'tracked.log')
    repository.write('later', 'one')
    const before = repository.files()
    const commit = await kept(repository)
    repository.write('.gitignore', '*.log\nlater\n')
    repository.write('tracked.log', 'two')
    repository.write('later', 'two')
    const changed = repository.files()
    expect(await workspaces.changed(repository.folder, commit)).toEqual(['.gitignore', 'later', 'tracked.log'])
    await workspaces.restore(repository.folder, commit)
    expect(repository.files()).toEqual(before)
    const backup = repository.git('for-each-ref', '--format=%(objectname)', 'refs/tutti/backup').trim()
    await workspaces.restore(repository.folder, backup)
    expect(repository.files()).toEqual(changed)
  })

  it.each([
    ['a folder of ignored files', 'way', 'way/precious.log'],
    ['an ignored file', 'precious.log/below', 'precious.log'],
  ])('refuses to remove %s that stands in the way, and changes nothing', async (_what, path, precious) => {
    const repository = fresh({ '.gitignore': '*.log\n', other: 'one' })
    repository.write(path, 'was here')
    repository.git('add', '--force', path)
    const commit = await kept(repository)
    rmSync(join(repository.folder, path.split('/')[0] as string), { recursive: true })
    repository.git('rm', '--quiet', '--cached', path)
    repository.write(precious, 'precious')
    repository.write('other', 'two')
    const before = repository.files()
    await expect(workspaces.restore(repository.folder, commit)).rejects.toThrow(`${precious} would be lost`)
    expect(repository.files()).toEqual(before)
  })

  it('refuses what is no snapshot of this workspace', async () => {
    const [repository, other] = [fresh({ a: 'a', 'sub/b': 'b' }), fresh({ a: 'a', x: 'x' })]
    const head = repository.git('rev-parse', 'HEAD').trim()
    const foreign = await kept(other)
    const sub = await kept({ folder: join(repository.folder, 'sub') })
    for (const commit of [head, foreign, sub, 'HEAD', 'refs/tutti/s/1', '--all', '', `${head}^{tree}`]) {
      await expect(workspaces.restore(repository.folder, commit)).rejects.toThrow('is no snapshot of')
      await expect(workspaces.changed(repository.folder, commit)).rejects.toThrow('is no snapshot of')
    }
    expect(repository.files()).toEqual({ a: 'a', 'sub/b': 'b' })
  })

  it('of a folder within a repository leaves the rest alone', async () => {
    const repository = fresh({ a: 'a', 'sub/b': 'b', 'sub/c/d': 'd', '.gitignore': 'sub/*.log\n' })
    const workspace = join(repository.folder, 'sub')
    const commit = await kept({ folder: workspace })
    repository.write('a', 'changed')
    repository.write('new', 'new')
    repository.write('sub/b', 'changed')
    repository.write('sub/noise.log', 'noise')
    repository.write('sub/new', 'new')
    expect(await workspaces.changed(workspace, commit)).toEqual(['b', 'new'])
    await workspaces.restore(workspace, commit)
    expect(repository.files()).toEqual({
      '.gitignore': 'sub/*.log\n',
      a: 'changed',
      new: 'new',
      'sub/b': 'b',
      'sub/c/d': 'd',
      'sub/noise.log': 'noise',
    })
  })

  it('in a second worktree leaves the first alone', async () => {
    const repository = fresh({ a: 'a' })
    const workspace = `${repository.folder}-tree`
    repository.git('worktree', 'add', '--quiet', '-b', 'two', workspace)
    const commit = await kept({ folder: workspace })
    writeFileSync(join(workspace, 'a'), 'changed')
    repository.write('a', 'changed')
    await workspaces.restore(workspace, commit)
    expect([readFileSync(join(workspace, 'a'), 'utf8'), repository.files()['a']]).toEqual(['a', 'changed'])
  })

  it('gets back any content after any change, and any change from its backup', async () => {
    const names = fc.constantFrom(
      'a',
      'b',
      'a/b',
      'b/a',
      'a/b/c',
      'ö ü',
      '"q"',
      '-x',
      ':(top)',
      '*',
      '.hidden',
      'x.log',
    )
    const content = fc.dictionary(names, fc.constantFrom('', 'one', 'two', 'three\r\n'), { maxKeys: 8 })
    await fc.assert(
      fc.asyncProperty(content, content, async (one, two) => {
        const repository = fresh({ '.gitignore': '*.log\n' })
        fill(repository, one)
        const before = seen(repository)
        const commit = await kept(repository)
        for (const path of Object.keys(before)) if (path !== '.gitignore') rmSync(join(repository.folder, path))
        fill(repository, two)
        const after = seen(repository)
        const differing = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
          (path) => before[path] !== after[path],
        )
        expect(await workspaces.changed(repository.folder, commit)).toEqual(differing.toSorted())
        await workspaces.restore(repository.folder, commit)
        expect(seen(repository)).toEqual(before)
        expect(await workspaces.changed(repository.folder, commit)).toEqual([])
        const backup = repository.git('for-each-ref', '--format=%(objectname)', 'refs/tutti/backup').trim()
        expect(backup === '').toBe(differing.length === 0)
        await workspaces.restore(repository.folder, backup === '' ? commit : backup)
        expect(seen(repository)).toEqual(after)
      }),
      { numRuns: 8 },
    )
  })
})

/** Writes what fits: a name that is a folder by now is left out. */
function fill(repository: TestRepository, content: Record<string, string>): void {
  for (const [path, text] of Object.entries(content)) {
    try {
      repository.write(path, text)
    } catch (error) {
      if (!['EISDIR', 'ENOTDIR', 'EEXIST'].includes((error as NodeJS.ErrnoException).code as string)) throw error
    }
  }
}

const seen = (repository: TestRepository): Record<string, string> =>
  Object.fromEntries(Object.entries(repository.files()).filter(([path]) => !path.endsWith('.log')))

describe('what has changed', () => {
  it('are files that came, went, moved, or are of another kind, with any name', async () => {
    const repository = fresh({ a: 'a', b: 'b', c: 'c', d: 'd', same: 'same' })
    const commit = await kept(repository)
    repository.write('a', 'changed')
    rmSync(join(repository.folder, 'b'))
    renameSync(join(repository.folder, 'c'), join(repository.folder, 'é "moved"'))
    chmodSync(join(repository.folder, 'd'), 0o755)
    repository.write('same', 'same')
    expect(await workspaces.changed(repository.folder, commit)).toEqual(['a', 'b', 'c', 'd', 'é "moved"'])
  })

  it('is nothing known where nothing was kept', async () => {
    expect(await workspaces.changed(fresh({ a: 'a' }).folder, undefined)).toEqual([])
  })
})
