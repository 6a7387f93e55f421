import { join } from 'node:path'

/** What tells a command which server to use. */
export interface ServerOptions {
  /** Address of a server that runs. */
  server?: string
  dataDir?: string
  config?: string
}

/** The environment with what the command line says on top of it. */
export function environmentOf(
  options: ServerOptions & { port?: number; host?: string; logLevel?: string },
): Record<string, string | undefined> {
  const { dataDir, config, port, host, logLevel } = options
  return {
    ...process.env,
    ...(dataDir !== undefined && { TUTTI_DATA_DIR: dataDir }),
    ...(config !== undefined && { TUTTI_CONFIG: config }),
    ...(port !== undefined && { TUTTI_PORT: String(port) }),
    ...(host !== undefined && { TUTTI_HOST: host }),
    ...(logLevel !== undefined && { TUTTI_LOG_LEVEL: logLevel }),
  }
}

/** Where the artifacts of a session go unless told otherwise. */
export const reportsOf = (dataDir: string, sessionId: string): string => join(dataDir, 'reports', sessionId)
