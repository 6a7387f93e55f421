import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createA2aRuntime } from '../../../src/runtimes/a2a.ts'
import type { AgentOptions, Script } from '../../fixtures/a2a/agents.ts'
import { textPart } from '../../fixtures/a2a/parts.ts'
import { type Hired, openHiring } from './hire.ts'

const { agents, hire } = await openHiring()

describe('a card', () => {
  const done: Script = ({ status }) => status('TASK_STATE_COMPLETED', textPart('done'))
  const check = ({ runtime }: Hired) => runtime.check({ a2a: 'it' })

  it('that fits makes an agent ready, and is read once in a while', async () => {
    let read = 0
    const hired = hire(done, { door: (request) => ((read += request.method === 'GET' ? 1 : 0), false) })
    expect(await Promise.all([check(hired), check(hired), check(hired)])).toEqual([undefined, undefined, undefined])
    expect(read).toBe(1)
  })

  it.each<[string, AgentOptions, RegExp]>([
    [
      'that is not there',
      { door: (_, response) => (response.writeHead(404).end(), true) },
      /card at .* cannot be read.*404/,
    ],
    ['that is no JSON', { door: (_, response) => (response.end('<html>'), true) }, /card at .* cannot be read/],
    ['that is none', { card: () => ({ name: '' }) }, /is no card of an agent: name/],
    ['that is too large', { card: () => ({ description: 'x'.repeat(300_000) }) }, /more than 262144 bytes/],
    [
      'that redirects',
      { door: (_, response) => (response.writeHead(301, { location: '/' }).end(), true) },
      /redirects/,
    ],
    [
      'that leads to a private place',
      { card: () => ({ supportedInterfaces: [{ url: 'http://10.0.0.1/', protocolBinding: 'JSONRPC' }] }) },
      /names no place to speak to: 10\.0\.0\.1 is not on the public internet/,
    ],
    [
      'that speaks what is not spoken here',
      { card: (url) => ({ supportedInterfaces: [{ url, protocolBinding: 'GRPC' }] }) },
      /GRPC is not spoken here/,
    ],
    [
      'that needs an extension',
      { card: () => ({ capabilities: { extensions: [{ uri: 'urn:x', required: true }] } }) },
      /needs the extension urn:x/,
    ],
  ])('%s says why not', async (_, options, why) => {
    const hired = hire(done, options)
    expect(await check(hired)).toMatch(why)
    expect((await hired.run()).outcome.kind).toBe('ERROR')
  })

  it('of an agent on this machine is not read unless the operator allows it', async () => {
    expect(await check(hire(done, {}, { allowPrivate: false }))).toMatch(/127\.0\.0\.1 is not on the public internet/)
    expect(await check(hire(done, {}, { allowPrivate: ['other'] }))).toMatch(/allow "127\.0\.0\.1" in allowPrivate/)
    expect(await check(hire(done, {}, { allowPrivate: true }))).toBeUndefined()
  })

  it('is asked for with the secrets that the configuration names, which appear nowhere', async () => {
    const seen: (string | undefined)[] = []
    const door: AgentOptions['door'] = ({ headers }, response) => {
      seen.push(headers.authorization, headers['x-key'] as string)
      if (headers.authorization === 'Bearer s3cret') return false
      response.writeHead(401).end()
      return true
    }
    const definition = { tokenEnv: 'TOKEN', headersEnv: { 'x-key': 'KEY' } }
    const hired = hire(done, { door }, definition, { TOKEN: 's3cret', KEY: 'k3y' })
    const all = await hired.run()
    expect(all.outcome).toMatchObject({ kind: 'OK' })
    expect(new Set(seen)).toEqual(new Set(['Bearer s3cret', 'k3y']))
    expect(JSON.stringify(all)).not.toMatch(/s3cret|k3y/)
    expect(await check(hire(done, { door }, definition))).toMatch(/environment variable KEY is not set/)
    const wrong = hire(done, { door }, definition, { TOKEN: 'wrong', KEY: 'k' })
    expect((await wrong.run()).outcome).toMatchObject({ kind: 'ERROR', error: { class: 'AUTH' } })
  })

  it('cannot have secrets sent to another origin, unless the operator names it', async () => {
    const card = (url: string) => ({
      supportedInterfaces: [
        { url: url.replace('127.0.0.1', 'localhost'), protocolBinding: 'JSONRPC', protocolVersion: '1.0' },
      ],
    })
    const definition = { tokenEnv: 'TOKEN', allowPrivate: true }
    const { origin, port } = new URL(agents.card('x'))
    expect(await check(hire(done, { card }, definition, { TOKEN: 't' }))).toContain(`the secrets of ${origin} at`)
    const named = { ...definition, origins: [`http://localhost:${port}`] }
    expect((await hire(done, { card }, named, { TOKEN: 't' }).run()).outcome).toMatchObject({ kind: 'OK' })
  })

  it('may name HTTP+JSON instead of JSON-RPC', async () => {
    const asked: string[] = []
    const door: AgentOptions['door'] = ({ method, url = '' }, response) => {
      if (!url.includes('/a2a/')) return false
      asked.push(`${method} ${url.replace(/.*\/a2a/, '')}`)
      const state = asked.length > 1 ? 'TASK_STATE_COMPLETED' : 'TASK_STATE_WORKING'
      const artifacts = [{ artifactId: 'a', parts: [{ text: 'by rest' }] }]
      const task = { id: 't', contextId: 'c', status: { state }, artifacts }
      response.setHeader('content-type', 'application/json').end(JSON.stringify(asked.length > 1 ? task : { task }))
      return true
    }
    const card = (url: string) => ({
      supportedInterfaces: [{ url, protocolBinding: 'HTTP+JSON', protocolVersion: '1.0' }],
    })
    const { outcome } = await hire(done, { card, door, streaming: false }).run()
    expect(outcome).toMatchObject({
      kind: 'OK',
      output: 'by rest',
      evidence: [{ detail: { transport: 'HTTP+JSON 1.0' } }],
    })
    expect(asked).toEqual(['POST /message:send', expect.stringMatching(/^GET \/tasks\/t/)])
  })

  it('of version 0.3 is understood, and so is the agent', async () => {
    const asked: string[] = []
    const server = createServer((request, response) => {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
      if (request.method === 'GET') {
        const capabilities = { streaming: false }
        const modes = { defaultInputModes: ['text'], defaultOutputModes: ['text'], skills: [] }
        const card = {
          name: 'old',
          description: '',
          version: '1',
          url,
          protocolVersion: '0.3.0',
          capabilities,
          ...modes,
        }
        return void response.end(JSON.stringify({ ...card, preferredTransport: 'JSONRPC' }))
      }
      request.setEncoding('utf8').on('data', (body: string) => {
        const { id, method } = JSON.parse(body) as { id: number; method: string }
        asked.push(method)
        const parts = [{ kind: 'text', text: 'old but able' }]
        const artifacts = [{ artifactId: 'a', parts }]
        const result = { kind: 'task', id: 't', contextId: 'c', status: { state: 'completed' }, artifacts }
        response.end(JSON.stringify({ jsonrpc: '2.0', id, result }))
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    // Without a path: the card is where the protocol has it.
    const card = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const { outcome } = await hire(done, {}, { card }).run()
    expect(outcome).toMatchObject({
      kind: 'OK',
      output: 'old but able',
      evidence: [{ detail: { agent: 'old', transport: 'JSONRPC 0.3' } }],
    })
    expect(asked).toEqual(['message/send'])
  })
})

describe('a definition', () => {
  it.each([
    ['without a card', {}],
    ['with a card that is no address', { card: 'agent' }],
    ['with a file for a card', { card: 'file:///etc/passwd' }],
    ['with a secret instead of its variable', { card: 'https://a.example', tokenEnv: 'not a name' }],
    ['with an unknown key', { card: 'https://a.example', token: 'x' }],
    ['with a limit of nothing', { card: 'https://a.example', limits: { files: 0 } }],
  ])('%s is refused', (_, definition) => {
    expect(() => createA2aRuntime({ definitions: { it: definition as never }, environment: {} })).toThrow()
  })
})
