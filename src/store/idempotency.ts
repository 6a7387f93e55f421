import type { Query } from './driver.ts'

/** What an idempotency key stands for by now. */
export type Claimed = { kind: 'NEW' } | { kind: 'SAME'; subjectId: string } | { kind: 'OTHER' }

/**
 * Takes an idempotency key for what is about to be made, inside of the transaction that makes it: if that fails, the
 * key is free again. Of several callers at once one gets NEW; the others wait for its transaction and get SAME.
 *
 * @param inputHash of the whole input; another one under the same key is OTHER
 */
export async function claimKey(
  query: Query,
  claim: { operation: string; key: string; inputHash: string; subjectId: string },
): Promise<Claimed> {
  const { operation, key, inputHash, subjectId } = claim
  const made = await query(
    `INSERT INTO "IdempotencyKey" (operation, key, "inputHash", "subjectId") VALUES ($1, $2, $3, $4)
     ON CONFLICT DO NOTHING RETURNING key`,
    [operation, key, inputHash, subjectId],
  )
  if (made.length > 0) return { kind: 'NEW' }
  const [known] = await query<{ inputHash: string; subjectId: string }>(
    `SELECT "inputHash", "subjectId" FROM "IdempotencyKey" WHERE operation = $1 AND key = $2`,
    [operation, key],
  )
  return known?.inputHash === inputHash ? { kind: 'SAME', subjectId: known.subjectId } : { kind: 'OTHER' }
}
