import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { Worktree } from '../../src/workspace.ts'
import { forgetSnapshots } from '../../src/workspaces/git.ts'
import { createWorktrees } from '../../src/workspaces/worktrees.ts'
import { scratch } from '../servers/process.ts'
import { createRepository, type TestRepository } from './repository.ts'

const folder = scratch('worktrees')
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const worktrees = createWorktrees({ home: join(folder, 'copies') })
let count = 0
const place = (): string => join(folder, `place${count++}.worktree`)
const fresh = (files?: Record<string, string>): TestRepository => createRepository(place(), files)
const write = ({ path }: Worktree, name: string, text: string): void => writeFileSync(join(path, name), text)
const text = (path: string, name: string): string => readFileSync(join(path, name), 'utf8')

const patchOf = async (workspace: string, from: string, to: string): Promise<string> =>
  Buffer.from(await worktrees.patch(workspace, from, to)).toString()

/** What an attempt that begins with a commit makes of it. */
async function change(workspace: string, commit: string, files: Record<string, string>): Promise<string> {
  const worktree = await worktrees.open(workspace, commit, place())
  for (const [name, content] of Object.entries(files)) write(worktree, name, content)
  const made = await worktree.keep('s', `attempt-${count++}`)
  await worktree.close()
  return made as string
}

describe('a worktree', () => {
  it("holds the workspace as it is, what is not committed included, and touches nothing of the person's", async () => {
    const repository = fresh({ a: 'a\r\n', '.gitignore': '*.log\n', '.gitattributes': '* text=auto eol=lf\n' })
    repository.write('a', 'changed\r\n')
    repository.write('new', 'new', 0o755)
    repository.write('x.log', 'ignored')
    const [persons, files] = [repository.persons(), repository.files()]
    const base = await worktrees.begin(repository.folder, 's')
    const worktree = await worktrees.open(repository.folder, base, place())
    expect(readdirSync(worktree.path).toSorted()).toEqual(['.git', '.gitattributes', '.gitignore', 'a', 'new'])
    expect(text(worktree.path, 'a')).toBe('changed\r\n')
    expect(await worktree.keep('s', 'nothing')).toBeUndefined()
    write(worktree, 'a', 'by an agent')
    write(worktree, 'y.log', 'ignored too')
    rmSync(join(worktree.path, 'new'))
    const commit = (await worktree.keep('s', 'something')) as string
    await worktree.close()
    await worktree.close()
    expect(repository.files()).toEqual(files)
    expect(repository.persons()).toEqual(persons)
    expect(await worktrees.changes(repository.folder, base, commit)).toEqual([
      { path: 'a', status: 'CHANGED' },
      { path: 'new', status: 'REMOVED' },
    ])
    expect(await patchOf(repository.folder, base, commit)).toContain('+by an agent')
    expect(repository.git('worktree', 'list').trim().split('\n')).toHaveLength(1)
  })

  it('is one for git too: agents see what they have changed, and may commit without moving anything', async () => {
    const repository = fresh({ a: 'a' })
    const persons = repository.persons()
    const worktree = await worktrees.open(repository.folder, await worktrees.begin(repository.folder, 's'), place())
    write(worktree, 'a', 'b')
    const git = (...args: string[]): string => execFileSync('git', args, { cwd: worktree.path, encoding: 'utf8' })
    expect(git('status', '--porcelain')).toBe(' M a\n')
    git('-c', 'user.name=Agent', '-c', 'user.email=agent@example.org', 'commit', '--all', '--message=mine')
    const commit = (await worktree.keep('s', 'committed')) as string
    await worktree.close()
    expect(repository.git('show', `${commit}:a`)).toBe('b')
    const { logs: _, ...before } = persons as { logs: string }
    expect(repository.persons()).toMatchObject(before)
  })

  it('of a folder of a repository has the whole repository around it', async () => {
    const repository = fresh({ top: 't', 'packages/ä b/a': 'a', 'packages/c/c': 'c' })
    const workspace = join(repository.folder, 'packages/ä b')
    repository.write('packages/ä b/new', 'new')
    repository.write('packages/c/c', 'not of the workspace')
    const base = await worktrees.begin(workspace, 's')
    const worktree = await worktrees.open(workspace, base, place())
    expect(readdirSync(worktree.path).toSorted()).toEqual(['a', 'new'])
    expect(text(worktree.path, '../../top')).toBe('t')
    expect(text(worktree.path, '../c/c')).toBe('c')
    write(worktree, 'a', 'changed')
    const commit = (await worktree.keep('s', 'deep')) as string
    await worktree.close()
    expect(await worktrees.changes(workspace, base, commit)).toEqual([{ path: 'a', status: 'CHANGED' }])
  })

  it('of a folder that is under no version control is a copy, and the folder gets nothing', async () => {
    const workspace = place()
    mkdirSync(workspace)
    writeFileSync(join(workspace, 'a'), 'a')
    const base = await worktrees.begin(workspace, 's')
    const commit = await change(workspace, base, { b: 'b' })
    const worktree = await worktrees.open(workspace, commit, place())
    expect([text(worktree.path, 'a'), text(worktree.path, 'b')]).toEqual(['a', 'b'])
    await worktree.close()
    expect(readdirSync(workspace)).toEqual(['a'])
    expect(await worktrees.publish(workspace, 's', commit)).toBeUndefined()
    expect(await patchOf(workspace, base, commit)).toContain('+b')
  })

  it('of a new repository without a commit begins all the same', async () => {
    const workspace = place()
    mkdirSync(workspace)
    execFileSync('git', ['init', '--quiet'], { cwd: workspace })
    writeFileSync(join(workspace, 'a'), 'a')
    const base = await worktrees.begin(workspace, 's')
    const worktree = await worktrees.open(workspace, base, place())
    expect(text(worktree.path, 'a')).toBe('a')
    await worktree.close()
  })

  it('has links to what programs need and git ignores, which are no part of the result', async () => {
    const repository = fresh({ a: 'a', '.gitignore': 'node_modules/\n' })
    repository.write('node_modules/x/index.js', 'x')
    const base = await worktrees.begin(repository.folder, 's')
    const worktree = await worktrees.open(repository.folder, base, place())
    expect(realpathSync(join(worktree.path, 'node_modules'))).toBe(
      join(realpathSync(repository.folder), 'node_modules'),
    )
    expect(await worktree.keep('s', 'links')).toBeUndefined()
    await worktree.close()
    expect(text(repository.folder, 'node_modules/x/index.js')).toBe('x')
  })

  it('does not follow where an agent leads git: its .git, its hooks, its links', async () => {
    const repository = fresh({ a: 'a' })
    const base = await worktrees.begin(repository.folder, 's')
    const worktree = await worktrees.open(repository.folder, base, place())
    const trap = place()
    mkdirSync(join(trap, 'hooks'), { recursive: true })
    writeFileSync(join(trap, 'secret'), 'secret')
    writeFileSync(join(worktree.path, '.git'), `gitdir: ${trap}\n`)
    symlinkSync(join(trap, 'secret'), join(worktree.path, 'link'))
    write(worktree, 'a', 'b')
    const commit = (await worktree.keep('s', 'trapped')) as string
    await worktree.close()
    expect(repository.git('show', `${commit}:a`)).toBe('b')
    // A link is kept as a link: what it leads to is not read.
    expect(repository.git('show', `${commit}:link`)).toBe(join(trap, 'secret'))
    expect(existsSync(join(trap, 'secret'))).toBe(true)
  })

  it('is refused beyond the limits, with what to do about it', async () => {
    const repository = fresh({ a: 'a'.repeat(100), b: 'b' })
    const few = createWorktrees({ home: folder, files: 1 })
    await expect(few.begin(repository.folder, 's')).rejects.toThrow('2 files, and worktrees may have 1')
    const small = createWorktrees({ home: folder, bytes: 100 })
    await expect(small.begin(repository.folder, 's')).rejects.toThrow('101 bytes, and worktrees may have 100')
    const base = await worktrees.begin(repository.folder, 's')
    const at = place()
    await expect(small.open(repository.folder, base, at)).rejects.toThrow('worktrees.bytes')
    expect(existsSync(at)).toBe(false)
  })

  it('whose server died is cleaned up by removing its folder', async () => {
    const repository = fresh({ a: 'a' })
    const base = await worktrees.begin(repository.folder, 's')
    const left = place()
    await worktrees.open(repository.folder, base, left)
    rmSync(left, { recursive: true })
    await (await worktrees.open(repository.folder, base, left)).close()
    expect(repository.git('worktree', 'list').trim().split('\n')).toHaveLength(1)
  })
})

describe('what is kept', () => {
  it("is forgotten with its session; the person's own worktrees stay, be their folders gone or not", async () => {
    const repository = fresh({ a: 'a' })
    const own = join(folder, 'of-the-person')
    repository.git('worktree', 'add', '--quiet', own)
    rmSync(own, { recursive: true })
    const base = await worktrees.begin(repository.folder, 's')
    await change(repository.folder, base, { a: 'b' })
    expect(repository.git('worktree', 'list')).toContain('of-the-person')
    expect(await forgetSnapshots(repository.folder, 's', join(folder, 'copies'))).toBe(2)
    expect(repository.git('for-each-ref', 'refs/tutti')).toBe('')
  })

  it('of a copied workspace is forgotten too, and goes with the workspace', async () => {
    const [workspace, home] = [place(), join(folder, 'other-copies')]
    mkdirSync(workspace)
    writeFileSync(join(workspace, 'a'), 'a')
    const copying = createWorktrees({ home })
    await copying.begin(workspace, 's')
    await copying.begin(workspace, 't')
    expect(await forgetSnapshots(workspace, 's', home)).toBe(1)
    expect(await forgetSnapshots(workspace, 's', home)).toBe(0)
    expect(readdirSync(home)).toHaveLength(1)
    rmSync(workspace, { recursive: true })
    expect(await forgetSnapshots(workspace, 't', home)).toBe(0)
    expect(readdirSync(home)).toEqual([])
  })
})

describe('a patch', () => {
  it('brings what is no UTF-8 and what is no text at all byte for byte to another clone', async () => {
    const repository = fresh({ a: 'a' })
    const base = await worktrees.begin(repository.folder, 's')
    const worktree = await worktrees.open(repository.folder, base, place())
    const [latin1, binary] = [Buffer.from('caf\xe9\n', 'latin1'), Buffer.from([0, 255, 10, 13, 0])]
    writeFileSync(join(worktree.path, 'latin1'), latin1)
    writeFileSync(join(worktree.path, 'binary'), binary)
    const commit = (await worktree.keep('s', 'bytes')) as string
    await worktree.close()
    const file = place()
    writeFileSync(file, await worktrees.patch(repository.folder, base, commit))
    repository.git('apply', file)
    expect(readFileSync(join(repository.folder, 'latin1'))).toEqual(latin1)
    expect(readFileSync(join(repository.folder, 'binary'))).toEqual(binary)
  })
})

describe('commits', () => {
  it('are brought together in the order in which they are given', async () => {
    const { folder: workspace, git } = fresh({ a: '1\n2\n3\n4\n5\n' })
    const base = await worktrees.begin(workspace, 's')
    const first = await change(workspace, base, { a: 'one\n2\n3\n4\n5\n' })
    const second = await change(workspace, base, { a: '1\n2\n3\n4\nfive\n', b: 'b' })
    const merged = await worktrees.merge(workspace, 's', [base, first, second])
    expect(merged.kind).toBe('MERGED')
    expect(git('show', `${merged.commit}:a`)).toBe('one\n2\n3\n4\nfive\n')
    expect(git('log', '--format=%P', '-1', merged.commit).trim()).toBe(`${first} ${second}`)
    expect(await worktrees.merge(workspace, 's', [merged.commit, first])).toEqual(merged)
    expect(await worktrees.merge(workspace, 's', [first, merged.commit])).toEqual(merged)
  })

  it('that change the same lines are a conflict, told by its paths', async () => {
    const { folder: workspace } = fresh({ a: 'a', b: 'b' })
    const base = await worktrees.begin(workspace, 's')
    const first = await change(workspace, base, { a: 'first', b: 'B' })
    const second = await change(workspace, base, { a: 'second' })
    expect(await worktrees.merge(workspace, 's', [base, first, second])).toEqual({
      kind: 'CONFLICT',
      commit: second,
      paths: ['a'],
    })
  })

  it('are shown to the person as a branch, which is theirs once they have gone on with it', async () => {
    const { folder: workspace, git } = fresh({ a: 'a' })
    const base = await worktrees.begin(workspace, 's')
    const first = await change(workspace, base, { a: 'first' })
    const second = await change(workspace, first, { a: 'second' })
    expect(await worktrees.publish(workspace, 's', first)).toBe('tutti/s')
    expect(await worktrees.publish(workspace, 's', second)).toBe('tutti/s')
    expect(await worktrees.publish(workspace, 's', second)).toBe('tutti/s')
    expect(git('rev-parse', 'tutti/s').trim()).toBe(second)
    git('checkout', '--quiet', 'tutti/s')
    expect(await worktrees.publish(workspace, 's', first)).toBeUndefined()
    git('commit', '--quiet', '--allow-empty', '--message=mine')
    git('checkout', '--quiet', 'main')
    expect(await worktrees.publish(workspace, 's', first)).toBeUndefined()
    expect(await forgetSnapshots(workspace, 's')).toBeGreaterThan(0)
    expect(git('show', 'tutti/s:a')).toBe('second')
  })
})
