import { fileURLToPath } from 'node:url'
import { type Answer, median, percentile, precise, shown, tell } from './answer.ts'
import { type Bed, makeBed } from './bed.ts'
import { STEPS } from './contestant.ts'
import { cpuOf } from './cpu.ts'
import { fill } from './fill.ts'
import { ask } from './graphql.ts'
import { press } from './load.ts'
import { type RunningServer, startNode, startTutti } from './server.ts'

/** Sessions on the page that is asked for; each with all its executions, and the agent of each. */
const SESSIONS = 20
/** How long a server is asked before it is the next one's turn. */
const TURN_SECONDS = 0.5

const OURS = `query Page($sessions: Int!, $executions: Int!) {
  sessions(first: $sessions) { nodes {
    id status pattern createdAt
    executions(first: $executions) { nodes {
      id key title status startedAt endedAt agent { id name type version }
    } }
  } } }`

/** The same of the tables as they are; it orders by what has an index, so executions come by their keys. */
const POSTGRAPHILE = `query Page($sessions: Int!, $executions: Int!) {
  sessions: allSessions(first: $sessions, orderBy: [CREATED_AT_DESC, PRIMARY_KEY_DESC]) { nodes {
    id status pattern createdAt
    executions: executionsBySessionId(first: $executions, orderBy: KEY_ASC) { nodes {
      id key title status startedAt endedAt agent: agentByAgentId { id name type version }
    } }
  } } }`

const program = (name: string): string => fileURLToPath(new URL(`readers/${name}.ts`, import.meta.url))
const peer =
  (name: string) =>
  (databaseUrl: string): Promise<RunningServer> =>
    startNode([program(name)], '/', { DATABASE_URL: databaseUrl, NODE_ENV: 'production' })

/** Who answers, and how they are asked. */
const READERS = {
  ours: { start: (databaseUrl: string) => startTutti({ databaseUrl }), query: OURS },
  handwritten: { start: peer('handwritten'), query: OURS },
  mercuriusJit: { start: peer('mercurius'), query: OURS },
  postgraphile: { start: peer('postgraphile'), query: POSTGRAPHILE },
} satisfies Record<string, { start(databaseUrl: string): Promise<RunningServer>; query: string }>
export type Reader = keyof typeof READERS
export const READER_NAMES = Object.keys(READERS) as Reader[]

export interface ReadsOptions {
  rounds: number
  seconds: number
  /** Requests under way. */
  atOnce: number
  /** Stored executions. */
  stored: number
  only: readonly Reader[]
}

/** How a server answered, and what that took of the machine. */
interface Measured {
  /** Answers per second. */
  rate: number
  /** Of one answer, in milliseconds. */
  p50: number
  p99: number
  /** CPU time of the server and PostgreSQL, in milliseconds per request. */
  cpu: number
}

/** How many nested pages does a server answer in a second, beside others on the same rows? */
export async function reads(options: ReadsOptions): Promise<Answer> {
  const { rounds, stored, only } = options
  const bed = await makeBed()
  const loads = new Map<Reader, Measured[]>(only.map((name) => [name, []]))
  const servers: Asked[] = []
  const started: RunningServer[] = []
  try {
    tell(`fills a database with ${stored} executions`)
    const databaseUrl = await bed.database()
    await fill(databaseUrl, stored)
    for (const name of only) {
      const { start, query } = READERS[name]
      const server = await start(databaseUrl)
      started.push(server)
      servers.push({ name, url: server.url, pid: server.pid, query, length: await prove(name, server.url, query) })
    }
    for (let round = 1; round <= rounds; round++) {
      await bed.settle()
      for (const [name, measured] of await measure(bed, servers, options)) {
        loads.get(name)?.push(measured)
        tell(`round ${round} ${name}: ${shown(measured.rate)} requests/s, ${shown(measured.cpu)} CPU ms each`)
      }
    }
  } finally {
    await Promise.allSettled(started.map((server) => server.stop()))
    await bed.stop()
  }
  return answer(loads)
}

interface Asked {
  name: Reader
  url: string
  pid: number
  query: string
  /** Of an answer, in bytes. */
  length: number
}

const variables = { sessions: SESSIONS, executions: STEPS }

/** A page that lacks something is no answer. @returns how long it is, in bytes */
async function prove(name: Reader, url: string, query: string): Promise<number> {
  const data = await ask(url, query, variables)
  const { nodes } = data['sessions'] as { nodes: { executions: { nodes: { agent: { name: string } | null }[] } }[] }
  const agents = nodes.flatMap(({ executions }) => executions.nodes.map(({ agent }) => agent?.name))
  if (nodes.length !== SESSIONS || agents.length !== SESSIONS * STEPS || agents.includes(undefined)) {
    throw new Error(`${name} answers with ${nodes.length} sessions and ${agents.length} executions`)
  }
  return Buffer.byteLength(JSON.stringify(data))
}

/**
 * Asks one server after the other, again and again for a short time each: what a machine does in a second changes from one
 * moment to the next, so they have to share the moments.
 */
async function measure(
  bed: Bed,
  servers: readonly Asked[],
  { seconds, atOnce }: ReadsOptions,
): Promise<Map<Reader, Measured>> {
  const sums = new Map(servers.map(({ name }) => [name, { times: [] as number[], took: 0, cpu: 0 }]))
  const turns = Math.max(1, Math.round(seconds / TURN_SECONDS))
  // A quarter of the time to warm up.
  for (let turn = -Math.ceil(turns / 4); turn < turns; turn++) {
    // Nobody always comes first.
    for (const index of servers.keys()) {
      const { name, url, pid, query, length } = servers.at((index + turn) % servers.length) as Asked
      const cpu = (): number => {
        const { user, system } = process.cpuUsage()
        return bed.cpu() - (user + system) / 1e6 + (cpuOf(pid) ?? 0)
      }
      const before = cpu()
      const body = JSON.stringify({ query, variables })
      const { times, took } = await press(url, body, { atOnce, length, seconds: seconds / turns })
      const sum = sums.get(name)
      if (!sum || turn < 0) continue
      sum.times.push(...times)
      sum.took += took
      sum.cpu += cpu() - before
    }
  }
  return new Map(
    Array.from(sums, ([name, { times, took, cpu }]) => {
      times.sort((a, b) => a - b)
      const p50 = percentile(times, 0.5) ?? 0
      const p99 = percentile(times, 0.99) ?? 0
      return [name, { rate: times.length / took, p50, p99, cpu: (cpu * 1_000) / times.length }]
    }),
  )
}

function answer(loads: ReadonlyMap<Reader, readonly Measured[]>): Answer {
  const middle = (name: Reader, figure: keyof Measured): number =>
    precise(median((loads.get(name) ?? []).map((load) => load[figure])) as number)
  const ours = loads.get('ours') ?? []
  const over = (name: Reader, figure: keyof Measured): number =>
    precise(median(ours.map((load, round) => load[figure] / (loads.get(name)?.[round]?.[figure] as number))) as number)
  const names = [...loads.keys()]
  const others = ours.length === 0 ? [] : names.filter((name) => name !== 'ours')
  const FIGURES = { requestsPerSecond: 'rate', p50Ms: 'p50', p99Ms: 'p99', cpuMs: 'cpu' } as const
  const figuresOf = (name: Reader): object =>
    Object.fromEntries(Object.entries(FIGURES).map(([label, figure]) => [label, middle(name, figure)]))
  return {
    figures: Object.fromEntries(names.map((name) => [name, figuresOf(name)])),
    ratios: Object.fromEntries([
      ...others.map((name) => [name, over(name, 'rate')]),
      ...others.map((name) => [`cpu${name.charAt(0).toUpperCase()}${name.slice(1)}`, over(name, 'cpu')]),
    ]),
    headings: ['who', 'requests/s', 'p50 ms', 'p99 ms', 'CPU ms'],
    rows: names.map((name) => [name, ...Object.values(FIGURES).map((figure) => shown(middle(name, figure)))]),
  }
}
