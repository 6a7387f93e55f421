import type { Query } from './driver.ts'

/** What an idempotency key stands for by now. */
export type Claimed = { kind: 'NEW' } | { kind: 'SAME'; subjectId: string } | { kind: 'OTHER' }

export interface Claim {
  /** Name of the mutation. */
  operation: string
  key: string
  /** Of the whole input; another one under the same key is OTHER. */
  inputHash: string
  /** What is about to be made. */
  subjectId: string
}

/**
 * Takes an idempotency key for what is about to be made, inside of the transaction that makes it: if that fails, the
 * key is free again. Of several callers at once one gets NEW; the others wait for its transaction and get SAME.
 */
export async function claimKey(query: Query, claim: Claim): Promise<Claimed> {
  const { operation, key, inputHash, subjectId } = claim
  const made = await query(
    `INSERT INTO "IdempotencyKey" (operation, key, "inputHash", "subjectId") VALUES ($1, $2, $3, $4)
     ON CONFLICT DO NOTHING RETURNING key`,
    [operation, key, inputHash, subjectId],
  )
  if (made.length > 0) return { kind: 'NEW' }
  return (await readKey(query, claim)) ?? { kind: 'OTHER' }
}

/** Frees a key inside of the transaction that took it. */
export async function releaseKey(query: Query, { operation, key }: Claim): Promise<void> {
  await query(`DELETE FROM "IdempotencyKey" WHERE operation = $1 AND key = $2`, [operation, key])
}

/** What an idempotency key stands for, if anything. */
export async function readKey(query: Query, claim: Omit<Claim, 'subjectId'>): Promise<Claimed | undefined> {
  const [known] = await query<{ inputHash: string; subjectId: string }>(
    `SELECT "inputHash", "subjectId" FROM "IdempotencyKey" WHERE operation = $1 AND key = $2`,
    [claim.operation, claim.key],
  )
  if (!known) return undefined
  return known.inputHash === claim.inputHash ? { kind: 'SAME', subjectId: known.subjectId } : { kind: 'OTHER' }
}
