import type { ErrorClass } from '../../core/retry.ts'

/** Something went wrong with a remote agent. The message says what, and what to do about it. */
export class RemoteFailure extends Error {
  override name = 'RemoteFailure'
  readonly errorClass: ErrorClass
  /** Nothing of the request can have been carried out, so it may be made again. */
  readonly unsent: boolean
  /** How long the agent wants to be left alone, in milliseconds. */
  readonly retryAfterMs: number | undefined

  constructor(
    errorClass: ErrorClass,
    message: string,
    {
      unsent = false,
      retryAfterMs,
      cause,
    }: { unsent?: boolean; retryAfterMs?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, { cause })
    this.errorClass = errorClass
    this.unsent = unsent
    this.retryAfterMs = retryAfterMs
  }
}

/** Errors of the protocol that would come again, by their name. */
const REFUSALS = new Set([
  'ContentTypeNotSupportedError',
  'ExtensionSupportRequiredError',
  'RequestMalformedError',
  'UnsupportedOperationError',
  'VersionNotSupportedError',
])
const LENGTH = 500

/** Whatever was thrown while a remote agent was asked, as a failure. */
export function failureOf(error: unknown): RemoteFailure {
  const found = causes(error).find((candidate) => candidate instanceof RemoteFailure)
  if (found) return found
  const [{ name, message } = new Error('no reason given')] = causes(error)
  const kind = protocolError(error)
  const errorClass = kind !== undefined && REFUSALS.has(kind) ? 'VALIDATION' : 'AGENT'
  const what = kind === undefined ? 'gives an answer that is not understood' : `answers with an error (${kind})`
  return new RemoteFailure(errorClass, `It ${what}: ${message.slice(0, LENGTH) || name}`, { cause: error })
}

/** The name of an error of the protocol, for instance TaskNotFoundError, however it is wrapped. */
export function protocolError(error: unknown): string | undefined {
  return causes(error)
    .map(({ name }) => name.replace(/^(JsonRpc|Rest)(?!TransportError)/, ''))
    .find((name) => name.endsWith('Error') && !PLAIN.has(name))
}

/** Errors that say nothing of the protocol. */
const PLAIN = new Set(['Error', 'TypeError', 'SyntaxError', 'RangeError', 'AbortError', 'TimeoutError'])

/** An error and what caused it, the outermost first. */
function causes(error: unknown): Error[] {
  const found: Error[] = []
  for (let next = error; next instanceof Error && found.length < 10; next = next.cause) found.push(next)
  return found
}
