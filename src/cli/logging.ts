import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import pino, { type Logger } from 'pino'
import pretty from 'pino-pretty'

/** What these are called is never written. */
const SECRET = ['authorization', 'token', 'secret', 'password', 'houseKey', 'connectionString']
const redact = { paths: SECRET.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[left out]' }

/** A log for people in a terminal, JSON lines elsewhere; on stderr, so that stdout belongs to the answer. */
export function serverLog(level: string, options: { json: boolean; colour: boolean }): Logger {
  if (options.json || !process.stderr.isTTY) return pino({ level, redact }, pino.destination({ dest: 2, sync: true }))
  const ignore = 'pid,hostname'
  return pino({ level, redact }, pretty({ destination: 2, sync: true, colorize: options.colour, ignore }))
}

/** The log of a server inside of another command, whose terminal shows the session: a file in its data directory. */
export function embeddedLog(level: string, dataDir: string): { log: Logger; path: string } {
  mkdirSync(dataDir, { recursive: true })
  const path = join(dataDir, 'server.log')
  return { log: pino({ level, redact }, pino.destination({ dest: path, sync: true })), path }
}
