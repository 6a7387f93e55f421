import { cut } from '../../core/cut.ts'
import type { ErrorClass } from '../../core/retry.ts'
import { plainText } from '../../processes/lines.ts'
import type { Provider } from './provider.ts'

/** Why an attempt failed, as the state machine takes it. */
export interface Failure {
  class: ErrorClass
  message: string
}

/** Characters of a provider's words that are told. */
const MAX_MESSAGE = 500

/** What a provider's answer means by its status; what is not here is the request's fault. */
const BY_STATUS: Readonly<Record<number, ErrorClass>> = {
  401: 'AUTH',
  402: 'BUDGET',
  403: 'AUTH',
  408: 'UNAVAILABLE',
  409: 'UNAVAILABLE',
  413: 'TOO_LARGE',
  425: 'UNAVAILABLE',
  429: 'RATE_LIMIT',
}

const ADVICE: Partial<Record<ErrorClass, string>> = {
  AUTH: 'Check the key, and whether it may use this model.',
  BUDGET: 'Check the account with the provider.',
  VALIDATION: 'Check the model, its settings and the address in the configuration.',
  TOO_LARGE: 'Give it less: a smaller input, or a model with a larger context.',
}

/** What a provider's failure means. What it says is shortened. */
export function failureOf({ APICallError, RetryError }: Provider['ai'], thrown: unknown): Failure {
  const tries = RetryError.isInstance(thrown) ? thrown.errors.length : 1
  const error = RetryError.isInstance(thrown) ? thrown.lastError : thrown
  const after = tries > 1 ? ` after ${tries} tries` : ''
  if (APICallError.isInstance(error) && error.statusCode !== undefined) {
    // A success whose words could not be read is no fault of the request's.
    const { statusCode } = error
    const errorClass =
      statusCode < 400 ? 'UNAVAILABLE' : classOf(statusCode, `${error.message} ${error.responseBody ?? ''}`)
    const message = `The provider answered with status ${statusCode}${after}: ${said(error)}`
    return { class: errorClass, message: [message, ADVICE[errorClass]].filter(Boolean).join('. ') }
  }
  const message = `The provider cannot be reached or understood${after}: ${said(error)}`
  return { class: 'UNAVAILABLE', message }
}

function classOf(status: number, words: string): ErrorClass {
  // Providers tell a prompt that is too long as a bad request like any other.
  if (status === 400 && /context.{0,10}(length|window)|too (long|large|many tokens)/i.test(words)) return 'TOO_LARGE'
  return BY_STATUS[status] ?? (status >= 500 ? 'UNAVAILABLE' : 'VALIDATION')
}

function said(error: unknown): string {
  if (!(error instanceof Error)) return cut(plainText(JSON.stringify(error) ?? `${error}`), MAX_MESSAGE)
  const { message, cause } = error
  const deeper = cause instanceof Error && !message.includes(cause.message) ? ` (${cause.message})` : ''
  return cut(plainText(`${message}${deeper}`).replaceAll(/\s+/g, ' ').trim(), MAX_MESSAGE)
}
