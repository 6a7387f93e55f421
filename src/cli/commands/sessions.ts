import { speaker } from '../conclude.ts'
import type { ServerOptions } from '../home.ts'
import { SessionsQuery } from '../operations.ts'
import { uuidOf } from '../result.ts'
import { openServer } from '../server.ts'
import { table } from '../table.ts'
import { duration, oneLine, sessionInWords } from '../words.ts'

/** `tutti sessions`: lists the last sessions. Returns the exit code. */
export async function sessions(options: ServerOptions & { limit: number; json?: boolean }): Promise<number> {
  const server = await openServer(options, { embed: false, say: () => {} })
  try {
    const { nodes } = (await server.client.ask(SessionsQuery, { first: options.limit })).sessions
    const list = nodes.map((session) => ({
      id: uuidOf(session.id),
      status: session.status,
      pattern: session.pattern,
      project: session.project.name,
      createdAt: session.createdAt,
      durationMs: session.durationMs ?? null,
      title: session.task.title,
    }))
    if (options.json === true) process.stdout.write(`${JSON.stringify(list, null, 2)}\n`)
    else if (list.length === 0) speaker({})('No sessions yet. `tutti run "<task>"` starts one.')
    else {
      const rows = list.map((s) => [
        s.id,
        sessionInWords(s.status),
        s.createdAt.slice(0, 19).replace('T', ' '),
        s.durationMs === null ? '-' : duration(s.durationMs),
        oneLine(s.project),
        oneLine(s.title),
      ])
      const headings = ['SESSION', 'STATUS', 'CREATED (UTC)', 'TIME', 'PROJECT', 'TITLE']
      process.stdout.write(`${table(headings, rows, process.stdout.columns || undefined).join('\n')}\n`)
    }
    return 0
  } finally {
    await server.close()
  }
}
