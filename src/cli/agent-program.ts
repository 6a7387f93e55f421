import { type Command, Option } from 'commander'
import { AGENT_TYPES, WORKSPACE_USES } from '../core/agent.ts'
import { oneOf, parseDuration, wholeNumber } from './arguments.ts'
import { colour, config, dataDir, server } from './options.ts'

/** How long an agent may take to be tried, in milliseconds. */
const PROBE_MS = 300_000

/** Adds the commands for agents. */
export function addAgents(program: Command, onEnd: (exitCode: number) => void): void {
  const agents = program
    .command('agents')
    .description('list, register and try agents')
    .helpCommand('help [command]', 'print the help of a command')
    .addHelpText(
      'after',
      `
\`tutti agents\` alone lists them.

Examples:
  $ tutti agents
  $ tutti agents add tester --type TESTING --capability run-tests --description "Runs the tests." --command pytest
  $ tutti agents test tester`,
    )
  const type = (): Option =>
    new Option('--type <type>', `what it is for: ${AGENT_TYPES.join(', ')}`).argParser(oneOf(AGENT_TYPES))

  agent(agents.command('list', { isDefault: true }))
    .description('list the agents that can be given work, and whether they can take it')
    .addOption(new Option('--type <type>', 'only those of this type').argParser(oneOf(AGENT_TYPES)))
    .option('--runtime <name>', 'only those that are driven so: command, model, acp, a2a, pull')
    .option('--offline', 'only those that take no work, OFFLINE or DISABLED, with the reason')
    // Whatever is no command is taken for an argument of this one.
    .allowExcessArguments()
    .addHelpText(
      'after',
      `
Examples:
  $ tutti agents
  $ tutti agents list --type TESTING
  $ tutti agents list --offline
  $ tutti agents list --json | jq '.[] | select(.status != "ONLINE")'`,
    )
    .action(async (options, { args: [unknown] }: Command) => {
      if (unknown !== undefined) agents.error(`error: unknown command '${unknown}'`)
      onEnd(await (await import('./commands/agents.ts')).agents(options))
    })

  const driven = ['command', 'model', 'acp', 'a2a', 'pull']
  const names = (kind: string, what: string): Option =>
    new Option(`--${kind} <name>`, what).conflicts(driven.filter((other) => other !== kind))
  agent(agents.command('add'))
    .argument('<name>', 'what it is called; the name of one that is there makes a new version of it')
    .description('register an agent at a server that runs, or a new version of it')
    .addOption(type())
    .addOption(
      new Option(
        '--capability <skill>',
        'what it can do, for instance run-tests; can be given several times',
      ).argParser((text: string, before: string[] = []) => [...before, text]),
    )
    .option('--description <text>', 'what it does, on what, and what it leaves behind')
    .addOption(names('command', 'it is this program of the configuration'))
    .addOption(names('model', 'it is this model of the configuration'))
    .addOption(names('acp', 'it is this coding agent of the configuration, which speaks ACP'))
    .addOption(names('a2a', 'it is this remote agent of the configuration, which speaks A2A'))
    .addOption(new Option('--pull', 'workers fetch its work over the API').conflicts(driven.slice(0, -1)))
    .option('--slots <number>', 'executions at once, 1 to 1000 (default: 5)', wholeNumber(1, 1_000))
    .addOption(
      new Option('--workspace <use>', `what it does with the workspace: ${WORKSPACE_USES.join(', ')}`).argParser(
        oneOf(WORKSPACE_USES),
      ),
    )
    .option('--project <id or name>', 'the one project that may use it (default: all)')
    .addHelpText(
      'after',
      `
Which program, model or address a name means stands in the server's configuration alone. In a terminal it asks for what is
missing. Agents that stand in the configuration themselves are changed there.

Exit codes: 0 registered, or registered like that already; 1 refused, with the reason.

Examples:
  $ tutti agents add tester
  $ tutti agents add tester --type TESTING --capability run-tests --description "Runs the tests." --command pytest
  $ tutti agents add coder --type CODEGEN --capability write-code --description "Writes code." --pull --workspace WRITE
  $ tutti agents add tester … --json | jq .version`,
    )
    .action(async (name, options) => onEnd(await (await import('./commands/add-agent.ts')).addAgent(name, options)))

  agent(agents.command('test'))
    .argument('<name>', 'name or id of an agent')
    .description('have an agent do a small real task in a repository that is thrown away')
    .option('--task <text>', 'what it is to do instead of what fits its type')
    .option('--timeout <time>', 'give up after this time (default: 5m)', parseDuration, PROBE_MS)
    .option('--in <folder>', "where the repository is made (default: the system's folder for temporary files)")
    .option('--project <name>', 'the project whose agent is meant, where several have the name')
    .option('-q, --quiet', 'no progress, only the end, and what waits for a person')
    .addOption(config())
    .addHelpText(
      'after',
      `
The repository holds README.md, greet.js with one test that passes and one that fails, and a schema. Code is written,
tests are run, and so on, by its type. Without --server it uses the server that has the data directory, if one runs, and
else is a server itself until the end. What an agent uses, it uses: models cost what they cost.

Exit codes: 0 its result was accepted, 1 it was not, with the reason, 130 after Ctrl-C.

Examples:
  $ tutti agents test tester
  $ tutti agents test coder --task "Translate README.md into French" --timeout 10m
  $ tutti agents test tester --json | jq .works`,
    )
    .action(async (name, options) => onEnd(await (await import('./commands/test-agent.ts')).testAgent(name, options)))
}

/** What every command about agents understands. */
const agent = (command: Command): Command =>
  colour(command).option('--json', 'JSON on stdout').addOption(server()).addOption(dataDir())
