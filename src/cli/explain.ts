import { Failure } from './failure.ts'

/** Errors whose message says all that a person needs to know. The class is known by name: to import it costs time. */
const PLAIN = new Set([
  'Failure',
  'ConfigError',
  'KeysUnreadable',
  'DataDirectoryInUse',
  'DatabaseUnavailable',
  'MigrationRefused',
  'Unreachable',
])

/** What to tell a person about an error that ends a command. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return `tutti: ${String(error)}`
  if (error instanceof Failure || PLAIN.has(error.name)) return `tutti: ${error.message}`
  const { code, syscall } = error as NodeJS.ErrnoException
  // What the operating system refuses, says which file or port it is about.
  if (code !== undefined && syscall !== undefined) return `tutti: ${error.message}`
  return `tutti: something unexpected happened, which is a mistake of tutti's:\n${error.stack ?? error.message}`
}
