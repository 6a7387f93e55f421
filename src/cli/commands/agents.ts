import type { AgentType } from '../../core/agent.ts'
import { type AgentLine, agentsOf, takesWork } from '../agents.ts'
import type { ServerOptions } from '../home.ts'
import { openServer } from '../server.ts'
import { table } from '../table.ts'
import { typedFor } from '../typed.ts'
import { inWords, oneLine } from '../words.ts'

interface ListOptions extends ServerOptions {
  type?: AgentType
  runtime?: string
  /** true: only those that take no work. */
  offline?: boolean
  json?: boolean
}

/** `tutti agents list`: lists the agents. Returns the exit code. */
export async function agents(options: ListOptions): Promise<number> {
  const { type, runtime, offline, json } = options
  const server = await openServer(options, { embed: false, say: () => {} })
  try {
    const filter = { ...(type && { type }), ...(runtime !== undefined && { runtime }) }
    const found = await agentsOf(server.client, filter)
    const list = offline === true ? found.filter((agent) => !takesWork(agent)) : found
    const lines =
      json === true
        ? [JSON.stringify(list, null, 2)]
        : list.length === 0
          ? [nobody(options)]
          : shown(list, process.stdout.columns || undefined)
    process.stdout.write(`${lines.join('\n')}\n`)
    return 0
  } finally {
    await server.close()
  }
}

/** Why the list is empty, and what to do about it. */
function nobody(options: ListOptions): string {
  const { type, runtime, offline } = options
  const typed = typedFor(options)
  const kind = `${type === undefined ? '' : ` of type ${type}`}${runtime === undefined ? '' : ` with runtime ${oneLine(runtime)}`}`
  if (offline === true) return `No agents${kind} are offline. All of them: ${typed('agents list')}`
  if (kind !== '') return `No agents${kind}. All of them: ${typed('agents list')}`
  return `No agents. Name some in tutti.config.ts, or register one: ${typed('agents add --help')}`
}

/** One line for each, and below them why some do not take work as they should. */
function shown(list: readonly AgentLine[], width: number | undefined): string[] {
  const ofProjects = list.some(({ project }) => project !== null)
  const rows = list.map(({ name, project, type, runtime, version, status, slots, capabilities }) => [
    oneLine(name),
    ...(ofProjects ? [oneLine(project ?? 'all')] : []),
    inWords(type),
    oneLine(runtime),
    String(version),
    inWords(status),
    String(slots),
    oneLine(capabilities.join(', ')),
  ])
  const headings = [
    'AGENT',
    ...(ofProjects ? ['PROJECT'] : []),
    'TYPE',
    'RUNTIME',
    'VERSION',
    'STATUS',
    'SLOTS',
    'SKILLS',
  ]
  const reasons = list.flatMap(({ name, status, reason }) =>
    reason === null ? [] : [`${oneLine(name)} is ${inWords(status)}: ${oneLine(reason)}`],
  )
  return [...table(headings, rows, width), ...(reasons.length > 0 ? ['', ...reasons] : [])]
}
