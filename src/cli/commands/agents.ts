import { agentsOf } from '../agents.ts'
import type { ServerOptions } from '../home.ts'
import { openServer } from '../server.ts'
import { table } from '../table.ts'
import { inWords, oneLine } from '../words.ts'

/** `tutti agents`: lists the agents. Returns the exit code. */
export async function agents(options: ServerOptions & { json?: boolean }): Promise<number> {
  const server = await openServer(options, { embed: false, say: () => {} })
  try {
    const list = await agentsOf(server.client)
    if (options.json === true) process.stdout.write(`${JSON.stringify(list, null, 2)}\n`)
    else if (list.length === 0) {
      process.stdout.write('No agents. Name some in tutti.config.ts, or register them with registerAgent.\n')
    } else {
      const rows = list.map(({ name, type, status, slots, capabilities, reason }) => [
        oneLine(name),
        inWords(type),
        inWords(status),
        String(slots),
        oneLine(reason ?? capabilities.join(', ')),
      ])
      const headings = ['AGENT', 'TYPE', 'STATUS', 'SLOTS', 'SKILLS']
      process.stdout.write(`${table(headings, rows, process.stdout.columns || undefined).join('\n')}\n`)
    }
    return 0
  } finally {
    await server.close()
  }
}
