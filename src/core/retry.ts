/** How often, and with what pauses, a failed attempt is tried again. Durations in milliseconds. */
export interface RetryPolicy {
  /** Attempts in all, the first one included. */
  maxAttempts: number
  /** The longest pause before the second attempt. */
  initialMs: number
  /** Each further pause may be this many times longer. */
  factor: number
  /** No pause is longer. */
  maxMs: number
}

/** The defaults of E24 and E25: 3 attempts, 1 s, doubled, at most 100 s. */
export const DEFAULT_RETRY: RetryPolicy = { maxAttempts: 3, initialMs: 1_000, factor: 2, maxMs: 100_000 }

/** Why an attempt failed. The class, not the message, decides whether another attempt can help. */
export const ERROR_CLASSES = [
  'AGENT',
  'CRASH',
  'EMPTY',
  'TIMEOUT',
  'UNAVAILABLE',
  'RATE_LIMIT',
  'LOST',
  'VALIDATION',
  'BUDGET',
  'AUTH',
  'TOO_LARGE',
  'REJECTED',
  'CHILD',
] as const
export type ErrorClass = (typeof ERROR_CLASSES)[number]

/** Another try would fail in the same way (E24). */
const NEVER_RETRIED: ReadonlySet<ErrorClass> = new Set([
  'VALIDATION',
  'BUDGET',
  'AUTH',
  'TOO_LARGE',
  // They have had tries of their own.
  'REJECTED',
  'CHILD',
])

/**
 * Whether a failed attempt gets another one.
 *
 * @param counted attempts that count so far, the failed one included; LOST attempts are our fault and do not count
 */
export function mayRetry(policy: RetryPolicy, errorClass: ErrorClass, counted: number): boolean {
  return !NEVER_RETRIED.has(errorClass) && counted < policy.maxAttempts
}

/**
 * The pause before the next attempt in milliseconds: exponential backoff with full jitter, uniform in [0, cap]
 * (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
 *
 * @param counted attempts that failed so far (at least 1)
 * @param jitter a number in [0, 1), chance being an argument like every other one
 */
export function retryDelay(policy: RetryPolicy, counted: number, jitter: number): number {
  // Without the inner bound nothing times infinity would be no number.
  const growth = Math.min(policy.factor ** (counted - 1), Number.MAX_VALUE)
  const cap = Math.min(policy.maxMs, policy.initialMs * growth)
  return Math.floor(jitter * cap)
}
