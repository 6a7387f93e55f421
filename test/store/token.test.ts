import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database } from '../../src/store/db.ts'
import {
  anyToken,
  createToken,
  endedTokens,
  findTokens,
  hashOf,
  isUseNews,
  listTokens,
  revokeToken,
  touchTokens,
} from '../../src/store/token.ts'
import { DATABASES, freshDatabase } from '../database.ts'

describe.each(DATABASES)('tokens on %s', (kind) => {
  let database: Database
  beforeAll(async () => {
    database = await freshDatabase(kind)
  })
  afterAll(() => database.close())

  const make = (more: { expiresAt?: Date } = {}) =>
    createToken(database.query, uuid(), {
      name: 'ci',
      roles: ['OPERATOR', 'APPROVER'],
      projectId: null,
      createdBy: 'local',
      ...more,
    })

  it('are none at first', async () => {
    expect(await anyToken(database.query)).toBe(false)
    expect(await listTokens(database.query)).toEqual([])
  })

  it('are found by the hash of a secret that is kept nowhere', async () => {
    const { id, secret } = await make()
    expect(secret).toMatch(/^tutti_[\w-]{43}$/)
    const [found] = await findTokens(database.query, [hashOf(secret), hashOf('tutti_other')])
    expect(found).toMatchObject({ id, name: 'ci', roles: ['OPERATOR', 'APPROVER'], projectId: null, revokedAt: null })
    const [row] = await database.query('SELECT * FROM "Token" WHERE id = $1', [id])
    expect(JSON.stringify(row)).not.toContain(secret.slice(6))
    expect(await anyToken(database.query)).toBe(true)
  })

  it('hold until they are revoked or their time is over, and a revoked one stays known', async () => {
    const [lasting, revoked, expired] = [
      await make(),
      await make(),
      await make({ expiresAt: new Date(Date.now() - 1) }),
    ]
    expect(await revokeToken(database.query, revoked.id)).toBe(true)
    const at = (await listTokens(database.query)).find(({ id }) => id === revoked.id)?.revokedAt
    expect(await revokeToken(database.query, revoked.id)).toBe(true)
    expect((await listTokens(database.query)).find(({ id }) => id === revoked.id)?.revokedAt).toEqual(at)
    const unknown = uuid()
    expect(await revokeToken(database.query, unknown)).toBe(false)
    expect(await endedTokens(database.query, [lasting.id, revoked.id, expired.id, unknown])).toEqual(
      new Set([revoked.id, expired.id, unknown]),
    )
  })

  it('are written down as used once a minute, whoever sees it', async () => {
    const { id, secret } = await make()
    const used = async () => (await findTokens(database.query, [hashOf(secret)]))[0]?.lastUsedAt as Date
    await Promise.all([touchTokens(database.query, [id]), touchTokens(database.query, [id])])
    const first = await used()
    await touchTokens(database.query, [id])
    expect(await used()).toEqual(first)
    expect(isUseNews({ lastUsedAt: first }, first.getTime() + 59_999)).toBe(false)
    expect(isUseNews({ lastUsedAt: first }, first.getTime() + 60_000)).toBe(true)
    await database.query(`UPDATE "Token" SET "lastUsedAt" = "lastUsedAt" - interval '1 minute' WHERE id = $1`, [id])
    await touchTokens(database.query, [id])
    expect((await used()).getTime()).toBeGreaterThan(first.getTime() - 60_000)
  })
})
