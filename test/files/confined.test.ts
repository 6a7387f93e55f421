import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Confined, confine } from '../../src/files/confined.ts'
import { list, search } from '../../src/files/look.ts'

let base: string
let workspace: string
let outside: string
let files: Confined

beforeEach(async () => {
  base = mkdtempSync(join(tmpdir(), 'tutti-confined-'))
  workspace = join(base, 'workspace')
  outside = join(base, 'outside')
  mkdirSync(join(workspace, 'src'), { recursive: true })
  mkdirSync(outside)
  writeFileSync(join(outside, 'secret.txt'), 'the key')
  writeFileSync(join(workspace, 'src', 'a.ts'), 'export const a = 1\n')
  files = await confine(workspace)
})
afterEach(() => rmSync(base, { recursive: true, force: true }))

const untouched = (): void => {
  expect(readdirSync(outside)).toEqual(['secret.txt'])
  expect(readFileSync(join(outside, 'secret.txt'), 'utf8')).toBe('the key')
}

describe('a confined folder', () => {
  it('reads a file, with its hash', async () => {
    expect(await files.read('src/a.ts')).toEqual({
      text: 'export const a = 1\n',
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      bytes: 19,
    })
    expect((await files.read(join(workspace, 'src/a.ts'))).bytes).toBe(19)
    expect((await files.read('./src//a.ts')).bytes).toBe(19)
  })

  it('writes a file with the folders above it, tells what was there before, and keeps its mode', async () => {
    const first = await files.write('new/deep/x.txt', 'one')
    expect(first).toMatchObject({ path: 'new/deep/x.txt', before: null, bytes: 3 })
    chmodSync(join(workspace, 'new/deep/x.txt'), 0o755)
    const second = await files.write('new/deep/x.txt', 'two')
    expect(second.before).toBe(first.sha256)
    expect(readFileSync(join(workspace, 'new/deep/x.txt'), 'utf8')).toBe('two')
    expect(statSync(join(workspace, 'new/deep/x.txt')).mode & 0o777).toBe(0o755)
    expect(readdirSync(join(workspace, 'new/deep'))).toEqual(['x.txt'])
  })

  it.each(['../outside/secret.txt', 'src/../../outside/secret.txt', '..', '/etc/passwd', 'src\\..\\..\\x', 'a\0b'])(
    'refuses the path %j',
    async (path) => {
      await expect(files.read(path)).rejects.toMatchObject({ name: 'Refused', reason: 'OUTSIDE' })
      await expect(files.write(path, 'x')).rejects.toMatchObject({ reason: 'OUTSIDE' })
      await expect(list(files, path, 1)).rejects.toMatchObject({ reason: 'OUTSIDE' })
      untouched()
    },
  )

  it('refuses links that lead out, of a file, of a folder, to nothing, and one behind another', async () => {
    symlinkSync(join(outside, 'secret.txt'), join(workspace, 'file'))
    symlinkSync(outside, join(workspace, 'folder'))
    symlinkSync('../outside/new.txt', join(workspace, 'nothing'))
    symlinkSync('folder', join(workspace, 'second'))
    symlinkSync('round', join(workspace, 'round'))
    for (const path of ['file', 'folder/secret.txt', 'nothing', 'second/secret.txt', 'round']) {
      await expect(files.read(path)).rejects.toMatchObject({ reason: 'OUTSIDE' })
      await expect(files.write(path, 'x')).rejects.toMatchObject({ reason: 'OUTSIDE' })
    }
    await expect(list(files, 'folder', 1)).rejects.toMatchObject({ reason: 'OUTSIDE' })
    untouched()
  })

  it('follows links that stay inside', async () => {
    symlinkSync('src', join(workspace, 'lib'))
    symlinkSync(join(workspace, 'src/a.ts'), join(workspace, 'b.ts'))
    expect((await files.read('lib/a.ts')).bytes).toBe(19)
    expect((await files.write('b.ts', 'changed')).path).toBe('src/a.ts')
    expect(readFileSync(join(workspace, 'src/a.ts'), 'utf8')).toBe('changed')
  })

  it('neither reads nor writes what git keeps, under whatever name', async () => {
    mkdirSync(join(workspace, '.git'))
    writeFileSync(join(workspace, '.git/config'), 'password')
    symlinkSync('.git', join(workspace, 'innocent'))
    for (const path of ['.git/config', '.GIT/config', 'innocent/config', '.git', 'src/.git']) {
      await expect(files.read(path)).rejects.toMatchObject({ reason: 'OUTSIDE' })
      await expect(files.write(path, 'x')).rejects.toMatchObject({ reason: 'OUTSIDE' })
    }
    expect((await search(files, { text: 'password', path: '.', ignoreCase: false })).matches).toEqual([])
  })

  it('does not write through a hard link', async () => {
    linkSync(join(outside, 'secret.txt'), join(workspace, 'same'))
    await files.write('same', 'mine')
    untouched()
  })

  it.skipIf(process.platform === 'win32')('refuses a pipe without waiting for its writer', async () => {
    execFileSync('mkfifo', [join(workspace, 'pipe')])
    await expect(files.read('pipe')).rejects.toMatchObject({ reason: 'NOT_TEXT' })
    await expect(files.write('pipe', 'x')).rejects.toMatchObject({ reason: 'OUTSIDE' })
  })

  it('says what is wrong with other files, without paths of the machine', async () => {
    writeFileSync(join(workspace, 'binary'), Buffer.from([1, 0, 2]))
    writeFileSync(join(workspace, 'latin'), Buffer.from([0xe4, 0x20]))
    writeFileSync(join(workspace, 'large'), 'x'.repeat(101))
    const small = await confine(workspace, { readBytes: 100, writeBytes: 100 })
    await expect(small.read('nowhere')).rejects.toThrow('"nowhere" does not exist')
    await expect(small.read('src/a.ts/b')).rejects.toMatchObject({ reason: 'NOT_FOUND' })
    await expect(small.read('src')).rejects.toThrow('"src" is a folder: list it')
    await expect(small.read('binary')).rejects.toMatchObject({ reason: 'NOT_TEXT' })
    await expect(small.read('latin')).rejects.toMatchObject({ reason: 'NOT_TEXT' })
    await expect(small.read('large')).rejects.toThrow('has 101 bytes; at most 100 are read')
    await expect(small.write('x', 'x'.repeat(101))).rejects.toMatchObject({ reason: 'TOO_LARGE' })
    expect(readdirSync(workspace)).not.toContain('x')
  })

  it.skipIf(process.platform !== 'linux')('is not led out by folders that are swapped meanwhile', async () => {
    // Takes away what has the name, and puts a folder or a link that leads out in its place, over and over.
    const stop = new Int32Array(new SharedArrayBuffer(4))
    const swapper = new Worker(
      `const { mkdirSync, renameSync, rmSync, symlinkSync } = require('node:fs')
       const { workerData: { at, outside, stop } } = require('node:worker_threads')
       const attempt = (act) => { try { act() } catch {} }
       for (let turn = 0; Atomics.load(stop, 0) === 0; turn++) {
         attempt(() => renameSync(at, at + turn))
         attempt(() => turn % 2 ? symlinkSync(outside, at) : mkdirSync(at))
         attempt(() => rmSync(at + turn, { recursive: true, force: true }))
       }`,
      { eval: true, workerData: { at: join(workspace, 'victim'), outside, stop } },
    )
    const ended = once(swapper, 'exit')
    const refusals = new Set<string>()
    let read = 0
    for (let turn = 0; turn < 500; turn++) {
      await files.write(`victim/${turn}.txt`, 'x').catch(({ name }: Error) => refusals.add(name))
      await files.read('victim/secret.txt').then(
        () => read++,
        ({ name }: Error) => refusals.add(name),
      )
    }
    Atomics.store(stop, 0, 1)
    expect(await ended).toEqual([0])
    expect([...refusals]).toEqual(['Refused'])
    expect(read).toBe(0)
    untouched()
  })
})

describe('looking into a confined folder', () => {
  beforeEach(() => {
    mkdirSync(join(workspace, 'node_modules/x'), { recursive: true })
    writeFileSync(join(workspace, 'node_modules/x/index.js'), 'const needle = 1')
    writeFileSync(join(workspace, '.gitignore'), 'dist/\n')
    mkdirSync(join(workspace, 'dist'))
    writeFileSync(join(workspace, 'dist/out.js'), 'needle')
    writeFileSync(join(workspace, 'src/b.ts'), 'first\nthe Needle\n')
    symlinkSync(outside, join(workspace, 'out'))
  })

  it('lists what is there, and enters neither links nor what comes from elsewhere', async () => {
    const { entries, isCut } = await list(files, '.', 10)
    expect(entries).toEqual([
      { path: '.gitignore', kind: 'FILE', bytes: 6 },
      { path: 'node_modules', kind: 'FOLDER' },
      { path: 'out', kind: 'LINK' },
      { path: 'src', kind: 'FOLDER' },
      { path: 'src/a.ts', kind: 'FILE', bytes: 19 },
      { path: 'src/b.ts', kind: 'FILE', bytes: 17 },
    ])
    expect(isCut).toBe(false)
    expect((await list(files, 'src', 1)).entries.map(({ path }) => path)).toEqual(['src/a.ts', 'src/b.ts'])
    expect(await list(files, '.', 10, { entries: 2 })).toMatchObject({ entries: { length: 2 }, isCut: true })
  })

  it('finds a text in files, with or without its case, up to a limit', async () => {
    const needle = (ignoreCase: boolean) => search(files, { text: 'needle', path: '.', ignoreCase })
    expect((await needle(false)).matches).toEqual([])
    expect((await needle(true)).matches).toEqual([{ path: 'src/b.ts', line: 2, text: 'the Needle' }])
    expect((await search(files, { text: 'e', path: 'src/b.ts', ignoreCase: false })).searched).toBe(1)
    const limited = await search(files, { text: 'e', path: '.', ignoreCase: false }, { entries: 100, matches: 1 })
    expect(limited).toMatchObject({ matches: { length: 1 }, isCut: true })
    await expect(search(files, { text: 'x', path: 'gone', ignoreCase: false })).rejects.toThrow('does not exist')
  })
})
