// A worker in TypeScript. TUTTI_URL and TUTTI_TOKEN say where it works, and as whom.
import { work } from 'tutti/worker'

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())

await work({
  url: process.env['TUTTI_URL'] ?? 'http://127.0.0.1:4000',
  token: process.env['TUTTI_TOKEN'],
  agent: 'counter',
  signal: stop.signal,
  log: (said) => process.stderr.write(`${said}\n`),
  async perform({ input }, { activity }) {
    const { text } = input as { text: string }
    activity(`counting ${text.length} characters`)
    const words = text.split(/\s+/).filter((word) => word !== '')
    return {
      summary: `${words.length} words.`,
      output: { words: words.length },
      files: [{ name: 'words.txt', text: `${words.join('\n')}\n` }],
    }
  },
})
