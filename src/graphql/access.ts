import { timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { BlockList, isIPv6 } from 'node:net'
import DataLoader from 'dataloader'
import type { Logger } from 'pino'
import type { Query } from '../store/driver.ts'
import {
  anyToken,
  endedTokens,
  findTokens,
  hashOf,
  isUseNews,
  TOKEN_PREFIX,
  type TokenRow,
  touchTokens,
} from '../store/token.ts'
import type { Signed } from './jwt.ts'
import { LOCAL_VIEWER, type Viewer, viewerOf } from './rights.ts'

/** Why somebody is not let in. */
export interface Denial {
  status: 401 | 503
  message: string
}

/** Who has come in, and what lets them stay. */
export interface Admission {
  viewer: Viewer
  /** OPEN: that there is no token yet. KEY: that the data directory can be read, for as long as the server runs. */
  by: { kind: 'TOKEN'; id: string; expiresAt: number } | { kind: 'JWT'; expiresAt: number } | { kind: 'OPEN' | 'KEY' }
}

/** Somebody who has come in, with what is known of where from. */
export interface Guest extends Admission {
  peer: string
  requestId: string
}

/** The one place that says who comes in. */
export interface Access {
  /** @param authorization what came with the request, or over its socket */
  admit(request: IncomingMessage, authorization: string | undefined): Promise<Admission | Denial>
  /**
   * Calls `end` with what to do about it, once what let somebody in does not hold any more.
   *
   * @returns stops watching
   */
  watch({ by }: Admission, end: (why: string) => void): () => void
  /** Says in the log who comes in as long as there is no token. */
  announce(url: string): Promise<void>
  /** A token was made or revoked here: looks again at once. */
  changed(): void
}

export interface AccessOptions {
  query: Query
  log: Logger
  /** Whether only this machine can reach the server. */
  isPrivate(): boolean
  /** The secret of those who can read the data directory. */
  houseKey: string | undefined
  /** Checks signed tokens; undefined: none are taken. */
  verify: ((token: string) => Promise<Signed>) | undefined
}

/** How long what was found of a token counts, and how often open streams are looked at, in milliseconds. */
const FRESH_MS = 1_000
const LOOK_MS = 1_500
/** Tokens that are remembered at once. */
const REMEMBERED = 10_000

const HOW = 'Send a token as `authorization: Bearer …`; `tutti tokens create` makes one.'
const NO_TOKEN = `A token is needed. ${HOW}`
const OPEN =
  'NO TOKEN YET: everybody on this machine may do everything here, and nobody else comes in. Once there is a token (`tutti tokens create NAME --role ADMIN`) nobody comes in without.'
const NOT_OPEN =
  'This server can be reached from other machines and has no token yet, so it refuses everybody. Make one on its machine: `tutti tokens create NAME --role ADMIN`.'
const WRONG = `This token is unknown, expired or revoked. ${HOW}`
/** It fits into the frame that closes a WebSocket. */
const ENDED = 'Your token has expired or was revoked: come back with another one.'
const KEYS_AWAY = 'The keys of signed tokens cannot be had at the moment: try again.'

/** @returns who comes in, and for how long */
export function createAccess({ query, log, isPrivate, houseKey, verify }: AccessOptions): Access {
  const remembered = new Map<string, { at: number; row: Promise<TokenRow | null> }>()
  const found = new DataLoader<string, TokenRow | null>(
    async (hashes) => {
      const rows = new Map((await findTokens(query, hashes)).map((row) => [row.hash, row]))
      return hashes.map((hash) => rows.get(hash) ?? null)
    },
    { cache: false },
  )
  /** Whether a token was ever made: once so, always so. */
  let tokens: { at: number; any: Promise<boolean> } | undefined
  const used = new Set<string>()
  const watched = new Set<{ by: Admission['by']; end(why: string): void }>()
  let looking: NodeJS.Timeout | undefined

  function hasTokens(): Promise<boolean> {
    if (!tokens || Date.now() - tokens.at >= FRESH_MS) {
      const any = anyToken(query)
      tokens = { at: Date.now(), any }
      any.then(
        (known) => {
          if (known) tokens = { at: Infinity, any }
        },
        () => {
          tokens = undefined
        },
      )
    }
    return tokens.any
  }

  function rowOf(hash: string): Promise<TokenRow | null> {
    const known = remembered.get(hash)
    if (known && Date.now() - known.at < FRESH_MS) return known.row
    const row = found.load(hash)
    if (remembered.size >= REMEMBERED) remembered.clear()
    remembered.set(hash, { at: Date.now(), row })
    row.catch(() => remembered.delete(hash))
    return row
  }

  /** All of one turn together; the answer does not wait for it. */
  function use(row: TokenRow): void {
    if (!isUseNews(row, Date.now())) return
    row.lastUsedAt = new Date()
    used.add(row.id)
    if (used.size > 1) return
    queueMicrotask(() => {
      const ids = [...used]
      used.clear()
      touchTokens(query, ids).catch((error: unknown) => log.warn({ err: error }, 'the use of a token was not noted'))
    })
  }

  async function byToken(secret: string): Promise<Admission | Denial> {
    const row = await rowOf(hashOf(secret))
    const expiresAt = row?.expiresAt?.getTime() ?? Infinity
    if (!row || row.revokedAt !== null || expiresAt <= Date.now()) return { status: 401, message: WRONG }
    use(row)
    const { id, name, roles, projectId } = row
    const viewer = viewerOf({ name, roles, projects: projectId === null ? undefined : [projectId], tokenId: id })
    return { viewer, by: { kind: 'TOKEN', id, expiresAt } }
  }

  async function bySignature(token: string, check: (token: string) => Promise<Signed>): Promise<Admission | Denial> {
    try {
      const { viewer, expiresAt } = await check(token)
      return { viewer, by: { kind: 'JWT', expiresAt } }
    } catch (error) {
      const { name, message } = error as Error
      if (name === 'BadJwt') return { status: 401, message: `This token is not taken: ${message}. ${HOW}` }
      log.warn({ err: error }, 'the keys of signed tokens cannot be had')
      return { status: 503, message: KEYS_AWAY }
    }
  }

  async function withoutToken(request: IncomingMessage): Promise<Admission | Denial> {
    if (verify || (await hasTokens())) return { status: 401, message: NO_TOKEN }
    if (!isPrivate()) return { status: 401, message: NOT_OPEN }
    const isHere = isLoopback(request.socket.remoteAddress) && !isForwarded(request)
    return isHere ? { viewer: LOCAL_VIEWER, by: { kind: 'OPEN' } } : { status: 401, message: NO_TOKEN }
  }

  /** One statement for all that is open. A database that is away ends nothing: nothing can be read then anyway. */
  async function look(): Promise<void> {
    const now = Date.now()
    const kinds = new Set([...watched].map(({ by }) => by.kind))
    const ids = [...watched].flatMap(({ by }) => (by.kind === 'TOKEN' ? [by.id] : []))
    const [ended, isOver] = await Promise.all([
      ids.length > 0 ? endedTokens(query, [...new Set(ids)]) : new Set<string>(),
      kinds.has('OPEN') && hasTokens(),
    ])
    for (const watch of watched) {
      const { by } = watch
      const isExpired = 'expiresAt' in by && by.expiresAt <= now
      if (!isExpired && !(by.kind === 'TOKEN' && ended.has(by.id)) && !(by.kind === 'OPEN' && isOver)) continue
      watched.delete(watch)
      watch.end(by.kind === 'OPEN' ? NO_TOKEN : ENDED)
    }
  }

  function lookLater(): void {
    looking ??= setTimeout(() => {
      looking = undefined
      look()
        .catch((error: unknown) => log.debug({ err: error }, 'open streams could not be looked at'))
        .finally(() => watched.size > 0 && lookLater())
    }, LOOK_MS).unref()
  }

  return {
    async admit(request, authorization) {
      if (authorization === undefined) return withoutToken(request)
      const [, secret] = /^Bearer +([\x21-\x7e]{1,16384}) *$/i.exec(authorization) ?? []
      if (secret === undefined) return { status: 401, message: NO_TOKEN }
      if (houseKey !== undefined && isEqual(secret, houseKey)) {
        const { remoteAddress, localAddress } = request.socket
        const isHere = isLoopback(remoteAddress) || remoteAddress === localAddress
        return isHere ? { viewer: LOCAL_VIEWER, by: { kind: 'KEY' } } : { status: 401, message: WRONG }
      }
      if (verify && !secret.startsWith(TOKEN_PREFIX)) return bySignature(secret, verify)
      return byToken(secret)
    },
    watch({ by }, end) {
      if (by.kind === 'KEY') return () => {}
      const watch = { by, end }
      watched.add(watch)
      lookLater()
      return () => watched.delete(watch)
    },
    async announce(url) {
      if (verify || (await hasTokens())) return
      log.warn({ url }, isPrivate() ? OPEN : NOT_OPEN)
    },
    changed() {
      remembered.clear()
      if (tokens?.at !== Infinity) tokens = undefined
      clearTimeout(looking)
      looking = undefined
      look().catch((error: unknown) => log.debug({ err: error }, 'open streams could not be looked at'))
      if (watched.size > 0) lookLater()
    },
  }
}

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

/** Whether an address is that of this machine for itself. */
export const isLoopback = (address: string | undefined): boolean =>
  address !== undefined && LOOPBACK.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')

/** Whether a proxy brings it: then it can be from anywhere. */
const isForwarded = ({ headers }: IncomingMessage): boolean =>
  headers['forwarded'] !== undefined || headers['x-forwarded-for'] !== undefined || headers['via'] !== undefined

function isEqual(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(hashOf(a)), Buffer.from(hashOf(b))]
  return timingSafeEqual(left, right)
}
