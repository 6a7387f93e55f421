import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { type ApiClient, keepingNothing } from './client.ts'

const ARGUMENTS = ['--silent', '--fail-with-body', '--no-buffer', '--data', '@-']
const HEADERS = ['--header', 'content-type: application/json', '--header']

/** curl: an answer as JSON, a subscription as server-sent events. */
export function open(url: string): ApiClient {
  return keepingNothing(async function* (request) {
    const streams = request.query.startsWith('subscription')
    const accept = `accept: ${streams ? 'text/event-stream' : 'application/graphql-response+json'}`
    const curl = spawn('curl', [...ARGUMENTS, ...HEADERS, accept, url], { stdio: ['pipe', 'pipe', 'inherit'] })
    const exited = once(curl, 'exit')
    curl.stdin.end(JSON.stringify(request))
    try {
      let event = ''
      for await (const line of createInterface(curl.stdout)) {
        if (!streams) yield JSON.parse(line)
        const [, name = '', value = ''] = /^(event|data): (.*)$/.exec(line) ?? []
        if (name === 'event') event = value
        if (name === 'data' && event === 'next') yield JSON.parse(value)
      }
      const [code] = await exited
      if (code !== 0) throw new Error(`curl ended with ${code}`)
    } finally {
      curl.kill()
    }
  })
}
