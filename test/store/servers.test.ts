import { v7 as uuid } from 'uuid'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Database } from '../../src/store/db.ts'
import { createServers, type Servers, type ServerRole } from '../../src/store/servers.ts'
import { DATABASES, freshDatabase } from '../database.ts'

describe.each(DATABASES)('the servers of a database, on %s', (kind) => {
  let database: Database
  let servers: Servers
  beforeAll(async () => {
    database = await freshDatabase(kind)
    servers = createServers(database)
  })
  beforeEach(() => database.query('DELETE FROM "Server"'))

  async function born(role: ServerRole = 'all', leaseMs = 60_000): Promise<string> {
    const id = uuid()
    await servers.register({ id, name: `host:${id.slice(-4)}`, role, version: '1' }, leaseMs)
    return id
  }
  const silent = (id: string) =>
    database.query(`UPDATE "Server" SET "leaseUntil" = now() - interval '1 second' WHERE id = $1`, [id])
  const living = async () => (await servers.living()).map(({ id }) => id)

  it('live from their registration until they retire or are buried', async () => {
    const [first, second, third] = [await born(), await born('worker'), await born()]
    expect(await servers.living()).toMatchObject([
      { id: first, role: 'all', version: '1', draining: false, startedAt: expect.any(Date) },
      { id: second, role: 'worker' },
      { id: third },
    ])
    await servers.drain(first)
    expect(await servers.living()).toMatchObject([{ id: first, draining: true }, {}, {}])
    await servers.retire(first)
    expect(await living()).toEqual([second, third])
    await servers.bury([third])
    expect(await living()).toEqual([second])
    const fourth = await born()
    await servers.buryOthers(fourth)
    expect(await living()).toEqual([fourth])
  })

  it('keep their lease by beating, learn that they were late, and that they were buried', async () => {
    const [one, other] = [await born(), await born()]
    expect(await servers.beat(one, 60_000)).toBe('IN_TIME')
    await silent(one)
    expect(await living()).toEqual([other])
    expect(await servers.beat(one, 60_000)).toBe('LATE')
    expect(await living()).toEqual([one, other])
    await silent(one)
    expect((await servers.look(other, true))?.buried).toMatchObject([{ id: one }])
    expect(await servers.beat(one, 60_000)).toBe('DEAD')
    expect(await living()).toEqual([other])
  })

  it('bury nobody while they cannot know whether all were silenced alike', async () => {
    const [one, other] = [await born(), await born()]
    await silent(one)
    expect((await servers.look(other, false))?.buried).toEqual([])
    expect(await servers.beat(one, 60_000)).toBe('LATE')
  })

  it('leave looking to the oldest that lives, has a crew and does not go', async () => {
    const [api, first, second, third] = [await born('api'), await born(), await born('worker'), await born()]
    const looking = async (): Promise<string[]> => {
      const turns: string[] = []
      for (const id of [api, first, second, third]) {
        const looks = await servers.look(id, false)
        expect(await servers.isOldest(id)).toBe(looks !== undefined)
        if (looks) turns.push(id)
      }
      return turns
    }
    expect(await looking()).toEqual([first])
    await silent(first)
    expect(await looking()).toEqual([second])
    await servers.drain(second)
    expect(await looking()).toEqual([third])
    await servers.beat(first, 60_000)
    expect(await looking()).toEqual([first])
  })
})
