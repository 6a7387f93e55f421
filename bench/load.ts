import { Agent, request } from 'node:http'
import { percentile } from './answer.ts'

/** How a server answered under load. */
export interface Load {
  /** Answers. */
  answers: number
  /** Answers per second. */
  rate: number
  /** Of one answer, in milliseconds. */
  p50: number
  p99: number
}

/** An answer is judged by its status and its length; the first one is read as a whole by whoever asks first. */
interface Answered {
  status: number
  length: number
}

/**
 * Asks a server the same thing over so many connections at once, each as soon as it is answered.
 *
 * @param length of the right answer in bytes, about: a much shorter one is an error
 * @throws if anything else than that is answered
 */
export async function press(
  url: string,
  body: string,
  { atOnce, seconds, length }: { atOnce: number; seconds: number; length: number },
): Promise<Load> {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce })
  const times: number[] = []
  const end = performance.now() + seconds * 1_000
  const lane = async (): Promise<void> => {
    while (performance.now() < end) {
      const from = performance.now()
      const answered = await post(url, body, agent)
      if (answered.status !== 200 || answered.length < length * 0.9) {
        throw new Error(`${url} answered ${answered.status} with ${answered.length} bytes`)
      }
      times.push(performance.now() - from)
    }
  }
  const from = performance.now()
  try {
    await Promise.all(Array.from({ length: atOnce }, lane))
  } finally {
    agent.destroy()
  }
  const took = (performance.now() - from) / 1_000
  times.sort((a, b) => a - b)
  return {
    answers: times.length,
    rate: times.length / took,
    p50: percentile(times, 0.5) ?? 0,
    p99: percentile(times, 0.99) ?? 0,
  }
}

function post(url: string, body: string, agent: Agent): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const asking = request(`${url}/graphql`, { method: 'POST', agent, headers }, (response) => {
      let length = 0
      response.on('data', (chunk: Buffer) => (length += chunk.length))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, length }))
      response.on('error', reject)
    })
    asking.on('error', reject)
    asking.end(body)
  })
}
