import { createHash, randomBytes } from 'node:crypto'
import type { Role } from '../core/gate.ts'
import type { Query } from './driver.ts'

/** What every secret of a token begins with, so that it is recognized where it must not be, in a log or a repository. */
export const TOKEN_PREFIX = 'tutti_'
/** How exactly it is known when a token was last used, in milliseconds. */
const USED_MS = 60_000

/** What a token lets in. */
export interface TokenGrant {
  name: string
  roles: readonly Role[]
  /** The one project that it is for; null: all of them. */
  projectId: string | null
  /** Undefined: never. */
  expiresAt?: Date | undefined
  createdBy: string
}

/** A token as it is kept. */
export interface TokenRow {
  id: string
  projectId: string | null
  name: string
  roles: Role[]
  createdBy: string
  createdAt: Date
  expiresAt: Date | null
  revokedAt: Date | null
  lastUsedAt: Date | null
}

/** The hash under which a secret is kept. It needs no salt: a secret has 256 bits of chance. */
export const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex')

const COLUMNS = `id, "projectId", name, roles::text[] AS roles, "createdBy", "createdAt", "expiresAt", "revokedAt", "lastUsedAt"`

/** Makes a token. The secret is kept nowhere: this is the only time that it can be read. */
export async function createToken(
  query: Query,
  id: string,
  grant: TokenGrant,
): Promise<{ id: string; secret: string }> {
  const secret = `${TOKEN_PREFIX}${randomBytes(32).toString('base64url')}`
  const { projectId, name, roles, createdBy, expiresAt = null } = grant
  await query(
    `INSERT INTO "Token" (id, "projectId", name, roles, hash, "createdBy", "createdAt", "expiresAt")
     VALUES ($1, $2, $3, $4::text[]::"Role"[], $5, $6, now(), $7)`,
    [id, projectId, name, roles, hashOf(secret), createdBy, expiresAt],
  )
  return { id, secret }
}

/** Tokens by the hashes of their secrets, whether they still hold or not. */
export async function findTokens(query: Query, hashes: readonly string[]): Promise<(TokenRow & { hash: string })[]> {
  return query<TokenRow & { hash: string }>(`SELECT ${COLUMNS}, hash FROM "Token" WHERE hash = ANY($1::text[])`, [
    hashes,
  ])
}

/** All tokens, the newest first, at most 1,000. */
export async function listTokens(query: Query): Promise<(TokenRow & { project: string | null })[]> {
  return query<TokenRow & { project: string | null }>(
    `SELECT t.*, p.name AS project FROM (SELECT ${COLUMNS} FROM "Token") t LEFT JOIN "Project" p ON p.id = t."projectId"
     ORDER BY t."createdAt" DESC, t.id DESC LIMIT 1000`,
  )
}

/** Those of these tokens that let nobody in any more, by their ids. */
export async function endedTokens(query: Query, ids: readonly string[]): Promise<Set<string>> {
  const rows = await query<{ id: string }>(
    `SELECT id FROM unnest($1::uuid[]) AS id WHERE NOT EXISTS (
       SELECT 1 FROM "Token" t WHERE t.id = id.id AND t."revokedAt" IS NULL
         AND (t."expiresAt" IS NULL OR t."expiresAt" > now()))`,
    [ids],
  )
  return new Set(rows.map(({ id }) => id))
}

/** Whether a token was ever made, even one that does not hold any more. */
export async function anyToken(query: Query): Promise<boolean> {
  const [row] = await query<{ any: boolean }>(`SELECT EXISTS (SELECT 1 FROM "Token") AS any`)
  return row?.any ?? false
}

/** Lets a token hold no more, from now on and for good. Twice is once. Returns whether there is such a token. */
export async function revokeToken(query: Query, id: string): Promise<boolean> {
  const rows = await query(`UPDATE "Token" SET "revokedAt" = coalesce("revokedAt", now()) WHERE id = $1 RETURNING id`, [
    id,
  ])
  return rows.length > 0
}

/** Whether it is time to write down that a token was used. */
export const isUseNews = ({ lastUsedAt }: Pick<TokenRow, 'lastUsedAt'>, now: number): boolean =>
  lastUsedAt === null || now - lastUsedAt.getTime() >= USED_MS

/** Writes down that tokens were used, for each at most once a minute, however many servers see it. */
export async function touchTokens(query: Query, ids: readonly string[]): Promise<void> {
  await query(
    `UPDATE "Token" SET "lastUsedAt" = now() WHERE id = ANY($1::uuid[])
     AND ("lastUsedAt" IS NULL OR "lastUsedAt" <= now() - $2 * interval '1 millisecond')`,
    [ids, USED_MS],
  )
}
