import { Command, Option } from 'commander'
import { readFileSync } from 'node:fs'
import { PATTERNS } from '../core/plan.ts'
import { oneOf, parseDuration, parseServer, wholeNumber } from './arguments.ts'

// Nothing but the arguments is loaded here: what a command needs, it imports when it is called, so that help is quick.

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

const ENVIRONMENT = `
Environment:
  TUTTI_SERVER     address of a server that runs, as --server
  TUTTI_DATA_DIR   where a server keeps its data, as --data-dir (default: .tutti)
  TUTTI_CONFIG     the configuration file, as --config (default: tutti.config.ts, .js, .mjs or .json, if there is one)
  DATABASE_URL     a PostgreSQL server instead of the embedded database
  NO_COLOR         no colours, as --no-color`

/** The command line of tutti. Each command resolves with the exit code of the process in `onEnd`. */
export function createProgram(onEnd: (exitCode: number) => void): Command {
  const program = new Command('tutti')
    .description('Orchestrates teams of AI agents: one task, a plan, several agents, one report.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .showHelpAfterError('(`tutti --help` says more)')
    .addHelpText(
      'after',
      `${ENVIRONMENT}

Examples:
  $ tutti run "Run the tests and review the code, then write the documentation"
  $ tutti serve
  $ tutti agents`,
    )

  colour(program.command('serve'))
    .description('start a server and stay until it is stopped')
    .option('-p, --port <number>', 'port to listen on; 0 takes any free one (default: 4000)', wholeNumber(0, 65_535))
    .option('--host <address>', 'address to listen on (default: 127.0.0.1, this machine only)')
    .addOption(dataDir())
    .addOption(config())
    .addOption(logLevel())
    .option('--json-logs', 'JSON logs, also in a terminal')
    .addHelpText(
      'after',
      `
Ctrl-C stops it in order: sessions that have not ended go on with the next start. A second Ctrl-C stops it at once.

Examples:
  $ tutti serve
  $ tutti serve --port 8080 --data-dir ~/tutti
  $ DATABASE_URL=postgres://tutti@localhost/tutti tutti serve --json-logs`,
    )
    .action(async (options) => onEnd(await (await import('./commands/serve.ts')).serve(options)))

  following(colour(program.command('run')))
    .argument('<task>', 'what is to be done, in your own words')
    .description('have a task done and follow it to its end')
    .option('-r, --repo <path>', 'folder or repository to work on', '.')
    .option('--title <text>', 'what the session is called (default: the beginning of the task)')
    .addOption(
      new Option('--pattern <name>', `how agents work together: AUTO, ${PATTERNS.join(', ')}`)
        .default('AUTO')
        .argParser(oneOf(['AUTO', ...PATTERNS])),
    )
    .option('--concurrency <number>', 'executions at once, 1 to 100', wholeNumber(1, 100))
    .option('--timeout <time>', 'give up after this time, for instance 90s, 10m or 1h30m', parseDuration)
    .option('--no-report', 'leave out the report that closes a session')
    .addOption(server())
    .addOption(dataDir())
    .addOption(config())
    .addHelpText(
      'after',
      `
Without --server it uses the server that has the data directory, if one runs, and else is a server itself until the
session ends. Ctrl-C cancels the session and waits for its end; a second Ctrl-C leaves at once.

Exit codes: 0 succeeded or partial, 1 failed, canceled or timed out, 130 after Ctrl-C.

Examples:
  $ tutti run "Audit this repository and write its documentation"
  $ tutti run "Run the tests, then review the code" --repo ../shop --timeout 15m
  $ tutti run "Check that it can be released" --pattern SEQUENTIAL --json | jq .session.status
  $ tutti run "Find duplicated code" --server http://127.0.0.1:4000 --out ./findings`,
    )
    .action(async (task, options) => onEnd(await (await import('./commands/run.ts')).run(task, options)))

  following(colour(program.command('watch')))
    .argument('<session>', 'id of a session, as `tutti sessions` shows it')
    .description('follow a session from its beginning to its end')
    .addOption(server())
    .addOption(dataDir())
    .addHelpText(
      'after',
      `
Ctrl-C stops watching; the session goes on.

Examples:
  $ tutti watch 01977e0c-6c1b-7c3e-9f3c-0b1a2c3d4e5f
  $ tutti watch 01977e0c-6c1b-7c3e-9f3c-0b1a2c3d4e5f --json`,
    )
    .action(async (id, options) => onEnd(await (await import('./commands/watch.ts')).watch(id, options)))

  following(colour(program.command('retry')))
    .argument('<session>', 'id of a session that has ended')
    .description('try a session again from its accepted results, and follow the new one')
    .addOption(server())
    .addOption(dataDir())
    .addOption(config())
    .addHelpText(
      'after',
      `
Examples:
  $ tutti retry 01977e0c-6c1b-7c3e-9f3c-0b1a2c3d4e5f`,
    )
    .action(async (id, options) => onEnd(await (await import('./commands/retry.ts')).retry(id, options)))

  colour(program.command('cancel'))
    .argument('<session>', 'id of a session')
    .description('stop a session')
    .option('--reason <text>', 'why, for those who look at it later', 'canceled from the command line')
    .addOption(server())
    .addOption(dataDir())
    .addHelpText(
      'after',
      `
Examples:
  $ tutti cancel 01977e0c-6c1b-7c3e-9f3c-0b1a2c3d4e5f --reason "wrong branch"`,
    )
    .action(async (id, options) => onEnd(await (await import('./commands/cancel.ts')).cancel(id, options)))

  colour(program.command('sessions'))
    .description('list the last sessions, the newest first')
    .option('-n, --limit <number>', 'how many, 1 to 100', wholeNumber(1, 100), 20)
    .option('--json', 'one JSON array on stdout')
    .addOption(server())
    .addOption(dataDir())
    .addHelpText(
      'after',
      `
Examples:
  $ tutti sessions
  $ tutti sessions --limit 1 --json`,
    )
    .action(async (options) => onEnd(await (await import('./commands/sessions.ts')).sessions(options)))

  colour(program.command('agents'))
    .description('list the agents that can be given work, and whether they can take it')
    .option('--json', 'one JSON array on stdout')
    .addOption(server())
    .addOption(dataDir())
    .addHelpText(
      'after',
      `
Examples:
  $ tutti agents
  $ tutti agents --json | jq '.[] | select(.status != "ONLINE")'`,
    )
    .action(async (options) => onEnd(await (await import('./commands/agents.ts')).agents(options)))

  return program
}

const colour = (command: Command): Command => command.option('--no-color', 'no colours')

/** What every command that follows a session understands. */
const following = (command: Command): Command =>
  command
    .option('-o, --out <folder>', 'where artifacts and the report go (default: .tutti/reports/<session>)')
    .option('--json', 'one JSON object on stdout at the end, progress on stderr')
    .option('-q, --quiet', 'no progress, only the end')

const server = (): Option =>
  new Option('-s, --server <url>', 'address of a server that runs').env('TUTTI_SERVER').argParser(parseServer)

const dataDir = (): Option => new Option('-d, --data-dir <folder>', 'where the server keeps its data (default: .tutti)')

const config = (): Option => new Option('-c, --config <file>', 'configuration file with agents and commands')

const logLevel = (): Option =>
  new Option('--log-level <level>', 'what is logged (default: info)').choices([
    'trace',
    'debug',
    'info',
    'warn',
    'error',
    'fatal',
    'silent',
  ])
