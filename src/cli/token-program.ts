import { type Command, Option } from 'commander'
import { ROLES, type Role } from '../core/gate.ts'
import { oneOf, parseExpiry } from './arguments.ts'
import { config, dataDir, server } from './options.ts'

/** Adds the commands for tokens. */
export function addTokens(program: Command, onEnd: (exitCode: number) => void): void {
  const tokens = program
    .command('tokens')
    .description('make, list and revoke what lets others in')
    .helpCommand('help [command]', 'print the help of a command')
    .addHelpText(
      'after',
      `
As long as there is no token, everybody on the machine of the server may do everything, and nobody else comes in. From
the first one on nobody comes in without. On the data directory tokens can always be made, whether a server runs or not.

Examples:
  $ tutti tokens create me --role ADMIN
  $ tutti tokens list
  $ tutti tokens revoke ci`,
    )
  const role = new Option('--role <name>', `what it lets do: ${ROLES.join(', ')}; can be given several times`)
    .argParser((text: string, before: Role[] = []) => [...before, oneOf(ROLES)(text)])
    .makeOptionMandatory()

  token(tokens.command('create'))
    .argument('<name>', 'under which answers and inputs of its holder are kept')
    .description('make a token; its secret is shown this once')
    .addOption(role)
    .option('--project <id or name>', 'the one project that it is for (default: all)')
    .option(
      '--expires <time>',
      'how long it holds, for instance 30d, 12h or 2030-01-31 (default: for ever)',
      parseExpiry,
    )
    .addHelpText(
      'after',
      `
The secret alone goes to stdout. VIEWER looks, OPERATOR also starts and stops, APPROVER answers, ADMIN does everything.

Examples:
  $ tutti tokens create me --role ADMIN
  $ TUTTI_TOKEN=$(tutti tokens create ci --role OPERATOR --project shop --expires 30d)
  $ tutti tokens create release --role VIEWER --role APPROVER --json`,
    )
    .action(async (name, options) => onEnd(await (await import('./commands/tokens.ts')).createToken(name, options)))

  token(tokens.command('list'))
    .description('list all tokens, the newest first; never a secret')
    .addHelpText('after', '\nExamples:\n  $ tutti tokens list\n  $ tutti tokens list --json')
    .action(async (options) => onEnd(await (await import('./commands/tokens.ts')).tokens(options)))

  token(tokens.command('revoke'))
    .argument('<token>', 'its id, or its name if only one has that')
    .description('let a token hold no more; its open streams end within five seconds')
    .addHelpText('after', '\nExamples:\n  $ tutti tokens revoke ci')
    .action(async (given, options) => onEnd(await (await import('./commands/tokens.ts')).revokeToken(given, options)))
}

/** What every command about tokens understands. */
const token = (command: Command): Command =>
  command.option('--json', 'JSON on stdout').addOption(server()).addOption(dataDir()).addOption(config())
