import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createArtifactStore } from '../../src/store/artifacts.ts'
import { scratch } from '../servers/process.ts'

const sha256 = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex')

describe('artifacts', () => {
  const dataDir = scratch('artifacts')
  afterAll(() => rmSync(dataDir, { recursive: true, force: true }))
  const store = createArtifactStore(dataDir)
  const file = (name: string, bytes: string | Buffer): string => {
    const path = join(dataDir, name)
    writeFileSync(path, bytes)
    return path
  }
  const work = (): string[] => (existsSync(join(dataDir, 'work')) ? readdirSync(join(dataDir, 'work')) : [])

  it('are kept under the hash of what they hold, and outlive the file', async () => {
    const path = file('a', 'some bytes')
    expect(await store.keep(path)).toEqual({ sha256: sha256('some bytes'), size: 10 })
    rmSync(path)
    expect(readFileSync(store.path(sha256('some bytes')), 'utf8')).toBe('some bytes')
  })

  it('are kept when they hold nothing', async () => {
    expect(await store.keep(file('empty', ''))).toEqual({ sha256: sha256(''), size: 0 })
    expect(readFileSync(store.path(sha256('')))).toHaveLength(0)
  })

  it('are kept once, however many keep the same at once, and nothing half is left', async () => {
    const bytes = Buffer.alloc(3_000_000, 'x')
    const paths = Array.from({ length: 8 }, (_, index) => file(`same-${index}`, bytes))
    const kept = await Promise.all(paths.map((path) => store.keep(path)))
    expect(new Set(kept.map((one) => one.sha256))).toEqual(new Set([sha256(bytes)]))
    expect(sha256(readFileSync(store.path(sha256(bytes))))).toBe(sha256(bytes))
    expect(work()).toEqual([])
  })

  it('hold what their hash says, even if somebody writes to the file meanwhile', async () => {
    for (let round = 0; round < 20; round++) {
      const path = file('growing', Buffer.alloc(1_000_000, `${round}`))
      const keeping = store.keep(path)
      const writing = setInterval(() => appendFileSync(path, 'more'), 0)
      const kept = await keeping.finally(() => clearInterval(writing))
      const bytes = readFileSync(store.path(kept.sha256))
      expect([sha256(bytes), bytes.length]).toEqual([kept.sha256, kept.size])
    }
  })

  it('are regular files and nothing else: no link is followed, no pipe waited for', async () => {
    symlinkSync('/etc/hostname', join(dataDir, 'link'))
    execFileSync('mkfifo', [join(dataDir, 'pipe')])
    mkdirSync(join(dataDir, 'folder'))
    await expect(store.keep(join(dataDir, 'link'))).rejects.toThrow('ELOOP')
    await expect(store.keep(join(dataDir, 'pipe'))).rejects.toThrow('not a regular file')
    await expect(store.keep(join(dataDir, 'folder'))).rejects.toThrow('not a regular file')
    await expect(store.keep(join(dataDir, 'gone'))).rejects.toThrow('ENOENT')
    expect(work()).toEqual([])
  })

  it('are put into a folder per attempt, and what a killed server left of them can be found', async () => {
    expect(await store.leftovers()).toEqual([])
    const folder = await store.openFolder('one')
    writeFileSync(`${folder}.process.json`, '{}')
    writeFileSync(`${store.folder('two')}.process.json`, '{}')
    await store.openFolder('three')
    writeFileSync(join(dataDir, 'work', 'half.part'), 'hal')
    expect((await store.leftovers()).toSorted()).toEqual(['one', 'three', 'two'])
    await store.closeFolder('one')
    expect(work().toSorted()).toEqual(['one.process.json', 'three', 'two.process.json'])
  })
})
