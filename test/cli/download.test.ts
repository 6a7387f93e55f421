import fc from 'fast-check'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, sep } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { download, type Offer, placeReport } from '../../src/cli/download.ts'
import { placeIn } from '../../src/cli/place.ts'
import { scratch } from '../servers/process.ts'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** Serves the text that the address names. */
let server: Server
let address: { url: string; headers: Record<string, string> }
let folder: string

beforeAll(async () => {
  server = createServer((request, response) => {
    const text = decodeURIComponent((request.url ?? '').slice(1))
    if (text === 'gone') response.writeHead(404).end()
    // Breaks off in the middle.
    else if (text === 'torn')
      response.writeHead(200, { 'content-length': 1_000 }).write('begin', () => response.destroy())
    else response.end(text)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  address = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, headers: {} }
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})
beforeEach(() => {
  folder = scratch('download')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const offer = (key: string, name: string, text: string): Offer => ({
  key,
  name,
  sha256: sha256(text),
  url: `/${encodeURIComponent(text)}`,
})
const files = (): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .toSorted()

describe('downloading artifacts', () => {
  it('tells what lets us in to our server, and to nobody else', async () => {
    const told: unknown[] = []
    const other = createServer((request, response) => {
      told.push(request.headers.authorization)
      response.end('text')
    }).listen(0, '127.0.0.1')
    await once(other, 'listening')
    const elsewhere = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
    const headers = { authorization: 'Bearer secret' }
    const at = { key: 'a', name: 'x', sha256: sha256('text') }
    await download([{ ...at, url: `${elsewhere}/x` }], folder, { url: address.url, headers })
    await download([{ ...at, url: '/x' }], folder, { url: elsewhere, headers })
    other.close()
    expect(told).toEqual([undefined, 'Bearer secret'])
  })

  it('puts each below the key of its execution, folders and all', async () => {
    const saved = await download(
      [offer('test', 'report.md', 'all passed'), offer('write', 'docs/guide/start.md', 'begin')],
      folder,
      address,
    )
    expect(files()).toEqual(['test/report.md', 'write/docs/guide/start.md'])
    expect(saved.map(({ path }) => readFileSync(path ?? '', 'utf8'))).toEqual(['all passed', 'begin'])
  })

  it('says what could not be saved and why, saves the rest, and leaves no halves', async () => {
    const saved = await download(
      [offer('a', 'gone', 'gone'), offer('a', 'torn', 'torn'), offer('a', 'whole', 'whole')],
      folder,
      address,
    )
    expect(saved.map(({ problem }) => problem)).toEqual(['the server answers 404', expect.stringMatching(/./), null])
    expect(files()).toEqual(['a/whole'])
  })

  it('keeps nothing that is not what the server promised', async () => {
    const [saved] = await download([{ ...offer('a', 'b', 'c'), sha256: sha256('other') }], folder, address)
    expect(saved).toMatchObject({ path: null, problem: expect.stringContaining('SHA-256') })
    expect(files()).toEqual([])
  })

  it('keeps apart what would come to the same place', async () => {
    await download(
      [offer('a', 'x', '1'), offer('a', './x', '2'), offer('a', 'X', '3'), offer('a', 'x', '4')],
      folder,
      address,
    )
    expect(files()).toEqual(['a/X~3', 'a/x', 'a/x~2', 'a/x~4'])
  })

  it('follows no link out of the folder', async () => {
    const outside = scratch('outside')
    symlinkSync(outside, join(folder, 'a'))
    mkdirSync(join(folder, 'b'))
    symlinkSync(join(outside, 'target'), join(folder, 'b', 'file'))
    symlinkSync(join(outside, 'target'), join(folder, 'b', 'file.part'))
    const saved = await download([offer('a', 'file', 'text'), offer('b', 'file', 'text')], folder, address)
    expect(saved.map(({ problem }) => problem)).toEqual([expect.stringContaining('leads out'), null])
    expect(readdirSync(outside)).toEqual([])
    expect(readFileSync(join(folder, 'b', 'file'), 'utf8')).toBe('text')
    rmSync(outside, { recursive: true })
  })

  it('writes again over an earlier download', async () => {
    await download([offer('a', 'x', 'old')], folder, address)
    await download([offer('a', 'x', 'new')], folder, address)
    expect(readFileSync(join(folder, 'a/x'), 'utf8')).toBe('new')
  })

  it('puts the report on top, not through a link', async () => {
    const outside = scratch('outside')
    writeFileSync(join(outside, 'precious'), 'precious')
    symlinkSync(join(outside, 'precious'), join(folder, 'report.md'))
    const [saved] = await download([offer('report', 'report.md', '# Report')], folder, address)
    expect(await placeReport(saved?.path ?? '', folder)).toBe(join(folder, 'report.md'))
    expect(readFileSync(join(folder, 'report.md'), 'utf8')).toBe('# Report')
    expect(readFileSync(join(outside, 'precious'), 'utf8')).toBe('precious')
    rmSync(outside, { recursive: true })
  })
})

describe('the place of an artifact', () => {
  it.each([
    ['report.md', 'report.md'],
    ['docs/a.md', 'docs/a.md'],
    ['../../etc/passwd', '__/__/etc/passwd'],
    ['/etc/passwd', 'etc/passwd'],
    ['..\\..\\windows', '__/__/windows'],
    ['C:\\autoexec.bat', 'C_/autoexec.bat'],
    ['a/./b//c', 'a/b/c'],
    ['.', 'unnamed'],
    ['', 'unnamed'],
    ['a\0b\n', 'a_b_'],
    ['.hidden', '.hidden'],
    ['name:stream', 'name_stream'],
  ])('of %j is %s', (name, place) => {
    expect(placeIn('/out', name)).toBe(`/out/${place}`)
  })

  it('is inside of the folder, whatever the name', () => {
    const tricky = fc.array(
      fc.oneof(
        fc.constantFrom('..', '.', '/', '\\', '', ' ', '\0', 'C:', '~', '%2e%2e'),
        fc.string({ unit: 'binary' }),
      ),
      { maxLength: 12 },
    )
    fc.assert(
      fc.property(tricky, (parts) => {
        for (const name of [parts.join('/'), parts.join('')]) {
          const place = placeIn('/out/folder', name)
          expect(place.startsWith(`/out/folder${sep}`)).toBe(true)
          expect(place.split(sep)).not.toContain('..')
          expect(place).not.toContain('\0')
        }
      }),
    )
  })

  it('is one that file systems take, however long the name', () => {
    const place = placeIn('/out', 'ö'.repeat(1_000))
    expect(Buffer.byteLength(place)).toBeLessThanOrEqual(210)
    expect(place).not.toContain('\uFFFD')
  })
})
