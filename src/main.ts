import pino from 'pino'
import { createApp } from './app.ts'
import { readConfig } from './config.ts'

/** A server without a terminal, as a container starts it: JSON logs on stdout, SIGTERM stops it in order. */
const log = pino()
try {
  const config = await readConfig(process.env, process.cwd())
  log.level = config.logLevel
  const app = await createApp(config, log)
  log.info({ url: app.url }, 'listening')
  let asked = false
  const stop = (signal: NodeJS.Signals): void => {
    asked = true
    log.info({ signal }, 'stopping')
    app.close().catch((error: unknown) => {
      log.error({ err: error }, 'stopping failed')
      process.exit(1)
    })
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
  await app.closed
  // Not asked: another server has taken over the database, which the log says.
  process.exit(asked ? 0 : 1)
} catch (error) {
  log.fatal((error as Error).message)
  process.exitCode = 1
}
