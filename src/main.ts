import pino from 'pino'
import { createApp, EXIT_CODES } from './app.ts'
import { readConfig } from './config.ts'

/**
 * A server without a terminal, as a container starts it: JSON logs on stdout. SIGTERM stops it once what runs has ended,
 * as long as TUTTI_DRAIN_MS allows; the second one stops it at once.
 */
const log = pino()
try {
  const config = await readConfig(process.env, process.cwd())
  log.level = config.logLevel
  const app = await createApp(config, log)
  log.info({ url: app.url }, 'listening')
  let asked = 0
  const stop = (signal: NodeJS.Signals): void => {
    asked += 1
    // Whoever asks a third time wants it over with.
    if (asked > 2) process.exit(1)
    log.info({ signal }, asked === 1 ? 'stopping: what runs may come to its end' : 'stopping at once')
    const stopping = asked === 1 ? app.leave() : app.close()
    stopping.catch((error: unknown) => {
      log.error({ err: error }, 'stopping failed')
      process.exit(1)
    })
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  const ending = await app.closed
  log.info({ ending }, 'stopped')
  process.exit(EXIT_CODES[ending])
} catch (error) {
  log.fatal((error as Error).message)
  process.exitCode = 1
}
