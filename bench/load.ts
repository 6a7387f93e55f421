import { Agent, request } from 'node:http'

/** How a server answered under load. */
export interface Load {
  /** How long each answer took, in milliseconds. */
  times: number[]
  /** How long all of them took together, in seconds. */
  took: number
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
  return { times, took: (performance.now() - from) / 1_000 }
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
