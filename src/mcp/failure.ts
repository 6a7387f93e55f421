import type * as Sdk from '@modelcontextprotocol/client'
import type { Failure } from '../processes/failure.ts'
import { plainText, shorten } from '../processes/lines.ts'

/** Characters of what a server said. */
const MAX_WORDS = 500

/** Why something that was asked of a server has not come, in words without the name of the server. */
export function reasonOf({ SdkErrorCode, SdkError, ProtocolError }: typeof Sdk, error: unknown): string {
  const deepest = deepestOf(error)
  const { code, message } = deepest as NodeJS.ErrnoException
  const words = shorten(plainText(message || code || 'it cannot be reached'), MAX_WORDS)
  if (error instanceof ProtocolError) return `it answered with error ${error.code}: ${words}`
  if (error instanceof SdkError && error.code === SdkErrorCode.RequestTimeout) return 'it did not answer in time'
  const isGone = error instanceof SdkError && error.code === SdkErrorCode.ConnectionClosed
  return isGone || words === 'Not connected' ? 'it has ended' : words
}

/** What to count a failed connection as: who has to sign in does not help by trying again. */
export function classOf({ SdkHttpError, UnauthorizedError }: typeof Sdk, error: unknown): Failure['class'] {
  const isRefused = error instanceof SdkHttpError && (error.status === 401 || error.status === 403)
  return isRefused || error instanceof UnauthorizedError ? 'AUTH' : 'UNAVAILABLE'
}

/** Requests that do not get through say why some levels deeper. */
function deepestOf(error: unknown): unknown {
  for (let at = error; ;) {
    const { cause, data } = at as { cause?: unknown; data?: { cause?: unknown } }
    const next = cause ?? data?.cause
    if (!(next instanceof Error)) return at
    at = next
  }
}
