import { existsSync, rmSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import pino from 'pino'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCleaner, type Keeping } from '../../src/coordinator/cleaner.ts'
import { timers } from '../../src/coordinator/timers.ts'
import { type AuditRow, removeAudit, writeAudit } from '../../src/store/audit.ts'
import { createRetention } from '../../src/store/retention.ts'
import { createServers } from '../../src/store/servers.ts'
import { sweepArtifacts } from '../../src/store/sweep.ts'
import { forgetSnapshots } from '../../src/workspaces/git.ts'
import { type House, HOUSES, openHouse } from '../house.ts'
import { scratch } from '../servers/process.ts'
import { createRepository, type TestRepository } from '../workspaces/repository.ts'

const DAY_MS = 86_400_000

describe.each(HOUSES)('what is old, on $store,', (kind) => {
  let house: House
  let repository: TestRepository
  const folder = scratch('cleaner')
  const logged: { msg: string; level: number; sessions?: number }[] = []
  beforeAll(async () => {
    repository = createRepository(join(folder, 'repository'), { a: 'a' })
    house = await openHouse(kind, { workspace: repository.folder })
  })
  afterAll(async () => {
    await house.close()
    rmSync(folder, { recursive: true, force: true })
  })

  function cleanerOf(owner: string, keeping: Partial<Keeping>, now = Date.now) {
    const { database, dataDir } = house
    const log = pino({}, { write: (line: string) => void logged.push(JSON.parse(line) as never) })
    const parts = {
      retention: createRetention(database),
      removeAudit: (before: Date, goOn: () => Promise<boolean>) => removeAudit(database.query, before, goOn),
      servers: createServers(database),
      sweep: async () => void (await sweepArtifacts(database.query, dataDir, now())),
      async forget(id: string, sessionId: string) {
        const { workspace } = await database.prisma.project.findUniqueOrThrow({ where: { id } })
        await forgetSnapshots(workspace, sessionId)
      },
      timers,
      log,
      owner,
      now,
    }
    return createCleaner(parts, { eventsMs: undefined, sessionsMs: undefined, auditMs: undefined, ...keeping })
  }
  async function born(role: 'all' | 'api'): Promise<string> {
    const id = uuid()
    await createServers(house.database).register({ id, name: 'host', role, version: '1' }, 600_000)
    return id
  }

  it('is removed by the oldest server with a crew alone: rows, then snapshots, then bytes', async () => {
    const id = await house.start([{ key: 'a' }], { policy: { snapshots: true } })
    await house.end(id)
    const [artifact] = await house.database.prisma.artifact.findMany({ where: { sessionId: id } })
    const path = house.artifacts.path(artifact?.sha256 ?? '')
    const snapshots = () => repository.git('for-each-ref', `refs/tutti/${id}/`)
    const find = () => house.database.prisma.session.findUnique({ where: { id } })
    expect([existsSync(path), snapshots() === '']).toEqual([true, false])

    await born('api')
    const [oldest, other] = [await born('all'), await born('all')]
    const inAMonth = () => Date.now() + 30 * DAY_MS
    await cleanerOf(other, { sessionsMs: 29 * DAY_MS }, inAMonth).clean()
    await cleanerOf(oldest, { sessionsMs: 31 * DAY_MS }, inAMonth).clean()
    await cleanerOf(oldest, {}, inAMonth).clean()
    expect(await find()).not.toBeNull()
    expect(logged).toEqual([])

    const cleaner = cleanerOf(oldest, { eventsMs: 7 * DAY_MS, sessionsMs: 29 * DAY_MS }, inAMonth)
    await cleaner.clean()
    expect(await find()).toBeNull()
    expect(snapshots()).toBe('')
    expect(logged.map(({ msg, sessions }) => [sessions, msg])).toEqual([
      [1, 'the events and activities of old sessions were removed'],
      [1, 'old sessions were removed'],
    ])
    expect(existsSync(path)).toBe(true)
    utimesSync(path, new Date(), new Date())
    await cleaner.clean()
    expect(existsSync(path)).toBe(false)
    cleaner.end()
  })

  it('is removed from the audit log too, whole pieces at a time', async () => {
    const entry = (days: number): AuditRow => {
      const at = new Date(Date.now() - days * DAY_MS)
      const nothing = { projectId: null, code: null, viewer: null, tokenId: null, subject: null, detail: null }
      return {
        id: uuid(),
        at,
        lastAt: at,
        count: 1,
        outcome: 'DONE',
        act: 'test',
        peer: '::1',
        requestId: null,
        ...nothing,
      }
    }
    await writeAudit(house.database.query, [...Array.from({ length: 2_001 }, () => entry(8)), entry(6)])
    const [oldest] = await createServers(house.database).living()
    await cleanerOf(oldest?.id ?? '', {}).clean()
    expect(await house.database.prisma.auditEntry.count()).toBe(2_002)
    await house.database.query(`DELETE FROM "Server" WHERE role = 'api'`)
    const cleaner = cleanerOf((await createServers(house.database).living())[0]?.id ?? '', { auditMs: 7 * DAY_MS })
    await cleaner.clean()
    expect(await house.database.prisma.auditEntry.count()).toBe(1)
    cleaner.end()
  })
})
