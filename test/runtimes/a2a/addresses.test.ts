import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AllowPrivate, checkAddress, isPublic, type Resolve } from '../../../src/runtimes/a2a/addresses.ts'
import { createFetch, type FetchOptions } from '../../../src/runtimes/a2a/fetch.ts'

const PUBLIC = { address: '93.184.215.14', family: 4 }
const LOOPBACK = { address: '127.0.0.1', family: 4 }

/** A resolver that knows these names alone. */
const names =
  (known: Record<string, { address: string; family: number }[]>): Resolve =>
  async (host) =>
    known[host] ?? []

describe('an address', () => {
  it.each(['1.1.1.1', '93.184.215.14', '172.15.0.1', '172.32.0.1', '100.63.0.1', '100.128.0.1', '2606:4700::1111'])(
    '%s is public',
    (address) => expect(isPublic(address)).toBe(true),
  )

  it.each([
    ['loopback', ['127.0.0.1', '127.255.255.254', '::1']],
    ['private', ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', 'fc00::1', 'fd12:3456::1']],
    ['link-local', ['169.254.169.254', 'fe80::1', 'fe80::1%eth0']],
    ['unspecified', ['0.0.0.0', '0.1.2.3', '::']],
    ['shared by a carrier (CGNAT)', ['100.64.0.1', '100.127.255.255']],
    ['mapped from IPv4', ['::ffff:127.0.0.1', '::ffff:8.8.8.8', '::ffff:7f00:1', '::127.0.0.1']],
    ['translated or tunnelled', ['64:ff9b::7f00:1', '2002:7f00:1::', '2001:0:1::1']],
    ['multicast or reserved', ['224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255', 'ff02::1']],
    ['for documents and measurements', ['192.0.2.1', '198.51.100.1', '203.0.113.1', '198.18.0.1', '2001:db8::1']],
  ])('that is %s is not public', (_, addresses) => {
    expect(addresses.filter(isPublic)).toEqual([])
  })
})

describe('where a remote agent may be', () => {
  const resolve = names({
    'agents.example': [PUBLIC],
    'intern.example': [{ address: '10.1.2.3', family: 4 }],
    'both.example': [PUBLIC, { address: '::1', family: 6 }],
    localhost: [LOOPBACK],
  })
  const check = (url: string, allow: AllowPrivate = false) => checkAddress(new URL(url), allow, resolve)

  it('is the public internet, by name or by address', async () => {
    expect(await check('https://agents.example/card')).toEqual([PUBLIC])
    expect(await check('https://93.184.215.14/')).toEqual([PUBLIC])
    expect(await check('http://[2606:4700::1111]:8080/')).toEqual([{ address: '2606:4700::1111', family: 6 }])
  })

  it.each([
    ['http://localhost:4000/', 'localhost is 127.0.0.1'],
    ['http://localhost./', 'localhost is 127.0.0.1'],
    ['http://127.1/', '127.0.0.1 is not on the public internet'],
    ['http://2130706433/', '127.0.0.1'],
    ['http://0x7f.0.0.1/', '127.0.0.1'],
    ['http://0/', '0.0.0.0'],
    ['http://[::1]:80/', '::1'],
    ['http://[::ffff:127.0.0.1]/', '::ffff:7f00:1'],
    ['http://169.254.169.254/latest/meta-data', '169.254.169.254'],
    ['https://intern.example/', 'intern.example is 10.1.2.3'],
    ['https://both.example/', 'both.example is ::1'],
    ['https://unknown.example/', 'unknown.example has no address'],
    ['ftp://agents.example/', 'neither http nor https'],
    ['file:///etc/passwd', 'neither http nor https'],
    ['https://user:secret@agents.example/', 'must not hold a name or a password'],
  ])('is not %s', async (url, why) => {
    await expect(check(url)).rejects.toThrow(why)
  })

  it('is where the operator allows it to be: everywhere, or at these hosts alone', async () => {
    expect(await check('http://localhost/', true)).toEqual([LOOPBACK])
    expect(await check('http://localhost./', ['localhost'])).toEqual([LOOPBACK])
    expect(await check('http://[::1]/', ['::1'])).toEqual([{ address: '::1', family: 6 }])
    await expect(check('http://127.0.0.1/', ['localhost'])).rejects.toThrow('allow "127.0.0.1" in allowPrivate')
    await expect(check('ftp://localhost/', true)).rejects.toThrow('neither http nor https')
  })
})

describe('what is fetched from there', () => {
  let port: number
  const seen: { path: string; authorization: string | undefined }[] = []
  const server = createServer(({ url = '', headers }, response) => {
    seen.push({ path: url, authorization: headers.authorization })
    const [, kind, value] = url.split('/')
    if (kind === 'redirect') return void response.writeHead(302, { location: '/hidden' }).end()
    if (kind === 'status') return void response.writeHead(Number(value), { 'retry-after': '7' }).end()
    if (kind === 'large') return void response.end('x'.repeat(2_000))
    if (kind === 'endless') {
      response.write('x'.repeat(1_500))
      return void response.write('x'.repeat(1_500))
    }
    if (kind === 'cut') return void response.write('half', () => response.destroy())
    response.end('here')
  })
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    port = (server.address() as AddressInfo).port
  })
  afterAll(() => {
    server.close()
    server.closeAllConnections()
  })

  const fetchWith = (change: Partial<FetchOptions> = {}) =>
    createFetch({
      allowPrivate: true,
      resolve: names({ 'agents.example': [LOOPBACK] }),
      secrets: { headers: {}, origins: [] },
      connectMs: 5_000,
      answerBytes: 1_000,
      ...change,
    })
  const at = (path: string): string => `http://agents.example:${port}/${path}`

  it('comes from the very address that was looked at: a name is looked up once', async () => {
    let asked = 0
    const resolve: Resolve = async () => {
      asked += 1
      // Whoever asks again is sent to another place.
      return asked === 1 ? [LOOPBACK] : [{ address: '127.0.0.2', family: 4 }]
    }
    const response = await fetchWith({ resolve })(at('one'))
    expect(await response.text()).toBe('here')
    expect(asked).toBe(1)
  })

  it('is looked at anew each time: a name that has become private is refused', async () => {
    let address = '93.184.215.14'
    const fetch = fetchWith({ allowPrivate: false, resolve: async () => [{ address, family: 4 }] })
    address = '127.0.0.1'
    await expect(fetch(at('rebound'))).rejects.toThrow('agents.example is 127.0.0.1')
    expect(seen.map(({ path }) => path)).not.toContain('/rebound')
  })

  it('is not what a redirect leads to', async () => {
    await expect(fetchWith()(at('redirect'))).rejects.toMatchObject({ errorClass: 'VALIDATION' })
    expect(seen.map(({ path }) => path)).not.toContain('/hidden')
  })

  it.each([
    [401, 'AUTH', false],
    [403, 'AUTH', false],
    [429, 'RATE_LIMIT', true],
    [502, 'UNAVAILABLE', false],
    [503, 'UNAVAILABLE', true],
  ])('is told by its status: %i is %s', async (status, errorClass, unsent) => {
    await expect(fetchWith()(at(`status/${status}`))).rejects.toMatchObject({ errorClass, unsent })
  })

  it('has a limit of bytes, told or not', async () => {
    await expect(fetchWith()(at('large'))).rejects.toMatchObject({ errorClass: 'TOO_LARGE' })
    const endless = await fetchWith()(at('endless'))
    await expect(endless.text()).rejects.toMatchObject({ errorClass: 'TOO_LARGE' })
  })

  it('is UNAVAILABLE where nobody is, where the name is unknown, and where it breaks off', async () => {
    const nobody = createServer()
    await new Promise<void>((resolve) => nobody.listen(0, '127.0.0.1', resolve))
    const { port: gone } = nobody.address() as AddressInfo
    await new Promise((resolve) => nobody.close(resolve))
    const failure = { errorClass: 'UNAVAILABLE', unsent: true }
    await expect(fetchWith()(`http://agents.example:${gone}/`)).rejects.toMatchObject(failure)
    const resolve: Resolve = () => Promise.reject(new Error('ENOTFOUND'))
    await expect(fetchWith({ resolve })(at('x'))).rejects.toMatchObject(failure)
    const never: Resolve = () => new Promise(() => {})
    await expect(fetchWith({ resolve: never, connectMs: 20 })(at('x'))).rejects.toMatchObject(failure)
    const cut = await fetchWith()(at('cut'))
    await expect(cut.text()).rejects.toMatchObject({ errorClass: 'UNAVAILABLE', unsent: false })
  })

  it('is asked for with secrets at their own origins alone, and never in clear over the internet', async () => {
    const headers = { authorization: 'Bearer secret' }
    const own = fetchWith({ secrets: { headers, origins: [`http://agents.example:${port}`] } })
    await own(at('mine'))
    await own(`http://127.0.0.1:${port}/foreign`)
    expect(seen.slice(-2)).toEqual([
      { path: '/mine', authorization: 'Bearer secret' },
      { path: '/foreign', authorization: undefined },
    ])
    const open = createFetch({
      allowPrivate: false,
      resolve: async () => [PUBLIC],
      secrets: { headers, origins: ['http://agents.example'] },
      connectMs: 5_000,
      answerBytes: 1_000,
    })
    await expect(open('http://agents.example/')).rejects.toThrow('in clear: use https')
  })
})
