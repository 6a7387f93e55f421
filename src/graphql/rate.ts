import { GraphQLError } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { Redis } from 'ioredis'
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import type { Guest } from './access.ts'
import type { Viewer } from './rights.ts'

/** How much somebody may still ask for in this minute. */
export interface Rate {
  /** Operations per minute. */
  limit: number
  remaining: number
  /** When all of them may be asked for again. */
  resetAt: Date
}

/** Counts what each one asks for. */
export interface Rates {
  /**
   * Counts one operation.
   *
   * @returns whether it may begin
   */
  take(who: string): Promise<Rate & { allowed: boolean }>
  /** Counts nothing. */
  look(who: string): Promise<Rate>
}

const MINUTE_S = 60
/** In front of every key; ids of tokens are unique over all installations that share a Redis. */
const PREFIX = 'tutti:rate'
/** How long Redis may take to answer before each server counts alone, in milliseconds. */
const ANSWER_MS = 500

/**
 * Connects to a Redis to count in. Never throws: while it is away nothing waits for it.
 *
 * @param url redis:// or rediss://
 */
export function connectCounter(url: string): Redis {
  const redis = new Redis(url, {
    connectionName: 'tutti-rates',
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: ANSWER_MS,
  })
  // Without a listener an error would end the process; it connects again by itself, and health tells of Redis.
  redis.on('error', () => {})
  return redis
}

/**
 * Counts operations over windows of a minute, which begin with the first one.
 *
 * @param perMinute for each one who asks
 * @param redis where all servers count together; while it does not answer each of them counts alone
 */
export function createRates({ perMinute, redis }: { perMinute: number; redis?: Redis | undefined }): Rates {
  const alone = new RateLimiterMemory({ points: perMinute, duration: MINUTE_S, keyPrefix: PREFIX })
  const limiter = redis
    ? new RateLimiterRedis({
        storeClient: redis,
        points: perMinute,
        duration: MINUTE_S,
        keyPrefix: PREFIX,
        rejectIfRedisNotReady: true,
        insuranceLimiter: alone,
        // Whoever has used up all is not counted further by asking for more.
        inMemoryBlockOnConsumed: perMinute + 1,
      })
    : alone

  const rateOf = ({ remainingPoints, msBeforeNext }: RateLimiterRes): Rate => ({
    limit: perMinute,
    remaining: Math.max(0, remainingPoints),
    resetAt: new Date(Date.now() + Math.max(0, msBeforeNext)),
  })

  return {
    async take(who) {
      try {
        return { allowed: true, ...rateOf(await limiter.consume(who)) }
      } catch (refused) {
        if (refused instanceof RateLimiterRes) return { allowed: false, ...rateOf(refused), remaining: 0 }
        throw refused
      }
    },
    async look(who) {
      const taken = await limiter.get(who)
      return taken ? rateOf(taken) : { limit: perMinute, remaining: perMinute, resetAt: new Date() }
    },
  }
}

/** Under whose name operations are counted; undefined: the user of this machine, who is not. */
export function counted({ tokenId, name, rightsKey }: Viewer, by: Guest['by']): string | undefined {
  if (by.kind === 'OPEN' || by.kind === 'KEY') return undefined
  return tokenId ?? `${name} ${rightsKey}`
}

/** Refuses operations of whoever has begun too many of them in a minute, over whatever they come. */
export function useRates(rates: Rates): Plugin<{ viewer: Viewer; guest: Guest }> {
  async function refusal({ viewer, guest }: { viewer: Viewer; guest: Guest }): Promise<GraphQLError | undefined> {
    const who = counted(viewer, guest.by)
    if (who === undefined) return undefined
    const { allowed, limit, resetAt } = await rates.take(who)
    if (allowed) return undefined
    const seconds = Math.max(1, Math.ceil((resetAt.getTime() - Date.now()) / 1_000))
    const message = `More than ${limit} operations in a minute: come back in ${seconds} s`
    const http = { status: 429, headers: { 'retry-after': String(seconds) } }
    return new GraphQLError(message, { extensions: { code: 'RATE_LIMIT', retryAfterMs: seconds * 1_000, http } })
  }
  return {
    async onExecute({ args, setResultAndStopExecution }) {
      const error = await refusal(args.contextValue)
      if (error) setResultAndStopExecution({ errors: [error] })
    },
    async onSubscribe({ args, setResultAndStopExecution }) {
      const error = await refusal(args.contextValue as never)
      if (error) setResultAndStopExecution({ errors: [error] })
    },
  }
}
