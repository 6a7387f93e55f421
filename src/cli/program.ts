import { Command, Option } from 'commander'
import { readFileSync } from 'node:fs'
import { CHOICES } from '../core/interrupt.ts'
import { PATTERNS } from '../core/plan.ts'
import { addAgents } from './agent-program.ts'
import { json, oneOf, parseDuration, wholeNumber } from './arguments.ts'
import { colour, config, dataDir, logLevel, server } from './options.ts'
import { addTokens } from './token-program.ts'

// Nothing but the arguments is loaded here: what a command needs, it imports when it is called, so that help is quick.

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

const ENVIRONMENT = `
Environment:
  TUTTI_SERVER     address of a server that runs, as --server
  TUTTI_TOKEN      what lets you in at a server; one of your own in the data directory needs none
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
  $ tutti run --task examples/sequential/task.json --repo examples/sequential
  $ tutti approve
  $ tutti serve`,
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
    .argument('[words]', 'what is to be done, in your own words')
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
    .addOption(
      new Option('--task <file>', 'a JSON file that says what is to be done, instead of words').conflicts([
        'title',
        'pattern',
        'report',
      ]),
    )
    .addOption(server())
    .addOption(dataDir())
    .addOption(config())
    .addHelpText(
      'after',
      `
Without --server it uses the server that has the data directory, if one runs, and else is a server itself until the
session ends. Ctrl-C cancels the session and waits for its end; a second Ctrl-C leaves at once.

A file for --task holds one object, the input of the mutation startOrchestration without project and idempotencyKey:
  task       title, description, and subTasks: your own parts, each with key, title, and what else schema.graphql
             names for SubTaskInput: agent, dependsOn, gates, fallback, outputSchema, session …
  pattern    AUTO, ${PATTERNS.join(', ')}
  aggregate, votes, onFailure, quorum, items, manager, policy, budget, limits

A session may wait for a person. It says so with the command that answers; meanwhile this one goes on waiting.

Exit codes: 0 succeeded or partial, 1 failed, canceled or timed out, 130 after Ctrl-C.

Examples:
  $ tutti run "Audit this repository and write its documentation"
  $ tutti run "Run the tests, then review the code" --repo ../shop --timeout 15m
  $ tutti run "Check that it can be released" --pattern SEQUENTIAL --json | jq .session.status
  $ tutti run "Find duplicated code" --server http://127.0.0.1:4000 --out ./findings
  $ tutti run --task examples/sequential/task.json --repo examples/sequential`,
    )
    .action(async (words, options) => onEnd(await (await import('./commands/run.ts')).run(words, options)))

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

  colour(program.command('approve'))
    .argument('[interrupt]', 'id of an interrupt, or how it begins; without one what waits for a person is listed')
    .description('answer what waits for a person')
    .option('--choice <name>', `your answer: ${CHOICES.join(', ')}, as far as it is offered`, oneOf(CHOICES))
    .option('--reject', 'the same as --choice REJECT')
    .option('--text <words>', 'why it is rejected, or the answer to a question')
    .option('--data <json>', 'data that was asked for, or with RAISE new limits by unit', json)
    .option('--list', 'list what waits, and ask nothing')
    .option('--session <id>', 'list only what this session and those below it ask')
    .option('--json', 'JSON on stdout')
    .addOption(server())
    .addOption(dataDir())
    .addHelpText(
      'after',
      `
In a terminal it shows what is asked and lets you choose with the keyboard. Elsewhere, or with --json, nothing is ever
answered without --choice or --reject: it shows what is asked and the commands that answer.

Exit codes: 0 answered or listed, 1 nothing was answered.

Examples:
  $ tutti approve
  $ tutti approve 3fa1b2c4
  $ tutti approve 3fa1b2c4 --choice APPROVE
  $ tutti approve 3fa1b2c4 --reject --text "the title is missing"
  $ tutti approve 3fa1b2c4 --choice ANSWER --text v2.0
  $ tutti approve 3fa1b2c4 --choice RAISE --data '{"TOKENS": {"soft": 15000, "hard": 20000}}'
  $ tutti approve --list --json | jq '.[].question'`,
    )
    .action(async (id, options) => onEnd(await (await import('./commands/approve.ts')).approve(id, options)))

  moving(program.command('pause'))
    .argument('<session>', 'id of a session that runs')
    .description('let nothing new begin in a session; what runs goes on, and its time stands still')
    .option('--reason <text>', 'why, for those who look at it later')
    .addHelpText('after', moved('pause 01977e0c-6c1b-7c3e-9f3c-0b1a2c3d4e5f --reason "after lunch"'))
    .action(async (id, options) => onEnd(await (await import('./commands/control.ts')).pause(id, options)))

  moving(program.command('resume'))
    .argument('<session>', 'id of a session that is paused')
    .description('go on with a session that is paused')
    .addHelpText('after', moved('resume 01977e0c-6c1b-7c3e-9f3c-0b1a2c3d4e5f'))
    .action(async (id, options) => onEnd(await (await import('./commands/control.ts')).resume(id, options)))

  moving(program.command('input'))
    .argument('<session>', 'id of a session that runs')
    .argument('<text>', 'what its agents are to know')
    .description('tell a session something while it runs, if its policy takes input')
    .addHelpText('after', moved('input 01977e0c-6c1b-7c3e-9f3c-0b1a2c3d4e5f "the deadline is Friday"'))
    .action(async (id, text, options) => onEnd(await (await import('./commands/control.ts')).input(id, text, options)))

  moving(program.command('rollback'))
    .argument('<session>', 'id of a session that runs, waits or is paused')
    .description('stop a session and undo what it did since a checkpoint; without one its checkpoints are listed')
    .option('--to-checkpoint <number>', 'what stays; 0: nothing', wholeNumber(0, 2 ** 31 - 1))
    .option('--reason <text>', 'why, for those who look at it later')
    .addHelpText(
      'after',
      `
Undone is what has a compensation. The workspace is brought back where snapshots of it are kept.
${moved('rollback 01977e0c-6c1b-7c3e-9f3c-0b1a2c3d4e5f --to-checkpoint 12')}`,
    )
    .action(async (id, options) => onEnd(await (await import('./commands/control.ts')).rollback(id, options)))

  moving(program.command('cancel'))
    .argument('<session>', 'id of a session')
    .description('stop a session')
    .option('--reason <text>', 'why, for those who look at it later', 'canceled from the command line')
    .addHelpText('after', moved('cancel 01977e0c-6c1b-7c3e-9f3c-0b1a2c3d4e5f --reason "wrong branch"'))
    .action(async (id, options) => onEnd(await (await import('./commands/cancel.ts')).cancel(id, options)))

  following(colour(program.command('retry')))
    .argument('<session>', 'id of a session that has ended')
    .description('try a session again from its accepted results, and follow the new one')
    .option('--from-checkpoint <number>', 'only what had been accepted by then stands', wholeNumber(1, 2 ** 31 - 1))
    .addOption(server())
    .addOption(dataDir())
    .addOption(config())
    .addHelpText(
      'after',
      `
Exit codes: those of \`tutti run\`.

Examples:
  $ tutti retry 01977e0c-6c1b-7c3e-9f3c-0b1a2c3d4e5f
  $ tutti retry 01977e0c-6c1b-7c3e-9f3c-0b1a2c3d4e5f --from-checkpoint 12`,
    )
    .action(async (id, options) => onEnd(await (await import('./commands/retry.ts')).retry(id, options)))

  following(colour(program.command('fork')))
    .argument('<session>', 'id of any session; it stays as it is')
    .description('go on from a session in a new one, its plan changed or not, and follow that')
    .option('--from-checkpoint <number>', 'only what had been accepted by then stands', wholeNumber(1, 2 ** 31 - 1))
    .option('--edits <file>', 'a JSON file with a list of changes of the plan, as the mutation forkSession takes them')
    .addOption(server())
    .addOption(dataDir())
    .addOption(config())
    .addHelpText(
      'after',
      `
What is changed, and what was made from it, is done anew. Exit codes: those of \`tutti run\`.

Examples:
  $ tutti fork 01977e0c-6c1b-7c3e-9f3c-0b1a2c3d4e5f --from-checkpoint 12
  $ echo '[{"replace": {"key": "docs", "description": "In French."}}]' > edits.json
  $ tutti fork 01977e0c-6c1b-7c3e-9f3c-0b1a2c3d4e5f --edits edits.json`,
    )
    .action(async (id, options) => onEnd(await (await import('./commands/retry.ts')).fork(id, options)))

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

  addAgents(program, onEnd)
  program
    .command('mcp')
    .description('be an MCP server on stdin and stdout, so that assistants can start and follow sessions')
    .option('-r, --repo <path>', 'folder or repository that is worked on when no project is named', '.')
    .addOption(server())
    .addOption(dataDir())
    .addOption(config())
    .addHelpText(
      'after',
      `
It is started by an MCP client, and ends when that leaves. Without --server it uses the server that has the data
directory, if one runs, and else is a server itself for as long. With --server, calls have to name a project.

Examples:
  $ tutti mcp --repo ../shop
  $ TUTTI_TOKEN=… tutti mcp --server https://tutti.example`,
    )
    .action(async (options) => onEnd(await (await import('./commands/mcp.ts')).mcp(options, version)))

  addTokens(program, onEnd)
  return program
}

/** What every command that moves a session understands. */
const moving = (command: Command): Command =>
  colour(command).option('--json', 'one JSON object on stdout').addOption(server()).addOption(dataDir())

const moved = (example: string): string => `
Exit codes: 0 done, 1 refused, with the reason.

Examples:
  $ tutti ${example}`

/** What every command that follows a session understands. */
const following = (command: Command): Command =>
  command
    .option('-o, --out <folder>', 'where artifacts and the report go (default: .tutti/reports/<session>)')
    .option('--json', 'one JSON object on stdout at the end, progress on stderr')
    .option('-q, --quiet', 'no progress, only the end, and what waits for a person')
