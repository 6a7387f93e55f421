import { type Command, Option } from 'commander'
import { parseServer } from './arguments.ts'

// Options that several commands have.

export const colour = (command: Command): Command => command.option('--no-color', 'no colours')

export const server = (): Option =>
  new Option('-s, --server <url>', 'address of a server that runs').env('TUTTI_SERVER').argParser(parseServer)

export const dataDir = (): Option =>
  new Option('-d, --data-dir <folder>', 'where the server keeps its data (default: .tutti)')

export const config = (): Option => new Option('-c, --config <file>', 'configuration file with agents and commands')

export const logLevel = (): Option =>
  new Option('--log-level <level>', 'what is logged (default: info)').choices([
    'trace',
    'debug',
    'info',
    'warn',
    'error',
    'fatal',
    'silent',
  ])
