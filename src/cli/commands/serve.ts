import { agentsOf, type AgentLine } from '../agents.ts'
import { createClient } from '../client.ts'
import { environmentOf, type ServerOptions } from '../home.ts'
import { listenForInterruption } from '../interrupt.ts'
import { HealthQuery } from '../operations.ts'
import { type Paint, paintFor } from '../render/paint.ts'
import { keepOutOfGit } from '../server.ts'
import { program } from '../typed.ts'
import { count, inWords, oneLine } from '../words.ts'

interface ServeOptions extends Omit<ServerOptions, 'server'> {
  port?: number
  host?: string
  logLevel?: string
  jsonLogs?: boolean
  /** False: no colours. */
  color: boolean
}

/** `tutti serve`: a server until it is asked to stop. Returns the exit code. */
export async function serve(options: ServeOptions): Promise<number> {
  const interruption = listenForInterruption(() => {})
  const [{ readConfig }, { createApp, EXIT_CODES }, { serverLog }] = await Promise.all([
    import('../../config.ts'),
    import('../../app.ts'),
    import('../logging.ts'),
  ])
  const config = await readConfig(environmentOf(options), process.cwd())
  keepOutOfGit(config.dataDir)
  const log = serverLog(config.logLevel, { json: options.jsonLogs === true, colour: options.color })
  const app = await createApp(config, log)
  const client = createClient(app.url, app.houseKey)
  const [{ health }, agents] = await Promise.all([client.ask(HealthQuery, {}), agentsOf(client)])
  const facts = { url: app.url, dataDir: config.dataDir, database: health.databaseKind, version: health.version }
  const lines = welcome(
    { ...facts, recovered: app.recovered.sessions, agents, command: program() },
    paintFor(process.stdout, options.color),
  )
  process.stdout.write(`${lines.join('\n')}\n`)
  const asked = await new Promise<boolean>((resolve) => {
    if (interruption.signal.aborted) resolve(true)
    interruption.signal.addEventListener('abort', () => resolve(true))
    // The server has stopped by itself, and its log says why.
    void app.closed.then(() => resolve(false))
  })
  if (!asked) return EXIT_CODES[await app.closed]
  const signal = interruption.signal.reason as NodeJS.Signals
  log.info({ signal }, 'stopping')
  // A supervisor has patience; whoever presses Ctrl-C has not.
  await (signal === 'SIGTERM' ? app.leave() : app.close())
  log.info('stopped')
  return 0
}

interface Facts {
  url: string
  version: string
  dataDir: string
  /** pglite or postgres. */
  database: string
  /** Unfinished sessions that go on. */
  recovered: number
  agents: readonly AgentLine[]
  /** How this program is called, `tutti` or by way of npm. */
  command: string
}

/** What a person wants to know of a server that has just started. */
export function welcome(
  { url, version, dataDir, database, recovered, agents, command }: Facts,
  paint: Paint,
): string[] {
  const ready = agents.filter(({ status }) => status === 'ONLINE' || status === 'BUSY')
  const others = agents.filter((agent) => !ready.includes(agent))
  const databases: Record<string, string> = { pglite: 'embedded in the data directory', postgres: 'PostgreSQL server' }
  return [
    `${paint('bold', `tutti ${version}`)} listens at ${url}`,
    `  GraphiQL        ${paint('cyan', `${url}/graphql`)}`,
    `  data directory  ${dataDir}`,
    `  database        ${databases[database] ?? database}`,
    `  agents          ${count(ready.length, 'agent')} ready: ${ready.map(({ name }) => oneLine(name)).join(', ') || '-'}`,
    ...others.map(({ name, status, reason }) =>
      paint(
        'yellow',
        `                  ${oneLine(name)} is ${inWords(status)}${reason === null ? '' : `: ${oneLine(reason)}`}`,
      ),
    ),
    ...(recovered > 0 ? [`  going on with   ${count(recovered, 'unfinished session')}`] : []),
    '',
    `Next: ${command} run "<what is to be done>" --server ${url}   (Ctrl-C stops the server)`,
  ]
}
