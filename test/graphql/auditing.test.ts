import { once } from 'node:events'
import { request } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { createAuditor, ROWS_PER_PEER } from '../../src/graphql/auditor.ts'
import { viewerOf } from '../../src/graphql/rights.ts'
import { type Door, openDoor } from './door.ts'
import { orchestra, part } from './orchestrate.ts'

interface Entry {
  at: string
  lastAt: string
  count: number
  outcome: string
  act: string
  code: string | null
  viewer: string | null
  tokenId: string | null
  peer: string
  subject: string | null
  projectId: string | null
  detail: string | null
  requestId: string | null
}

let door: Door
let admin: Door
let guest: Door
let secrets: string[]
beforeAll(async () => {
  door = await openDoor()
  secrets = [await door.token(['ADMIN'], { name: 'root' }), await door.token(['VIEWER'], { name: 'guest' })]
  admin = door.as(secrets[0] as string)
  guest = door.as(secrets[1] as string)
  // A server knows within a second of a first token that was made elsewhere.
  while ((await door.post('{}')).status !== 401) await setTimeout(20)
  await door.house.database.query('DELETE FROM "AuditEntry"')
})
afterAll(() => door.close())

const ENTRY = 'at lastAt count outcome act code viewer tokenId peer subject projectId detail requestId'
/** The entries since the last time, the oldest first, once there are so many. */
async function entries(count: number): Promise<Entry[]> {
  for (; ; await setTimeout(20)) {
    const { auditLog } = (await admin.data(`{ auditLog(first: 100) { nodes { ${ENTRY} } } }`)) as {
      auditLog: { nodes: Entry[] }
    }
    if (auditLog.nodes.length < count) continue
    await door.house.database.query('DELETE FROM "AuditEntry"')
    return auditLog.nodes.toReversed()
  }
}

describe('a refusal', () => {
  it('leaves one row each: who, from where, what, why, and under which id the request is known', async () => {
    const none = await door.post({ query: '{ viewer { name } }' })
    await door.as('tutti_wrong').post({ query: '{ viewer { name } }' })
    await guest.post({ query: '{ tokens { totalCount } }' })
    await guest.data('mutation { createProject(input: { name: "x", workspace: "/tmp" }) { __typename } }')
    await fetch(`${door.url}/artifacts/x`)
    await fetch(`${door.url}/graphql`, { method: 'POST', headers: { origin: 'https://evil.example' } })
    const rebound = request(`${door.url}/graphql`, { headers: { host: 'evil.example' } })
    rebound.end()
    await once(rebound, 'response')
    const socket = new WebSocket(`${door.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
    await once(socket, 'open')
    socket.send('{"type":"connection_init"}')
    await once(socket, 'close')
    const found = await entries(8)
    const refused = { count: 1, outcome: 'REFUSED', peer: '127.0.0.1', subject: null }
    const nobody = { ...refused, viewer: null, tokenId: null }
    const known = { ...refused, viewer: 'guest', tokenId: expect.stringMatching(/^Token:/), code: 'FORBIDDEN' }
    expect(found).toMatchObject([
      { ...nobody, act: 'POST /graphql', code: 'NO_TOKEN', requestId: none.headers.get('x-request-id') },
      { ...nobody, act: 'POST /graphql', code: 'WRONG_TOKEN' },
      { ...known, act: 'tokens', detail: 'That takes ADMIN; you have VIEWER.' },
      { ...known, act: 'createProject' },
      { ...nobody, act: 'GET /artifacts/x', code: 'NO_TOKEN' },
      { ...nobody, act: 'POST /graphql', code: 'FOREIGN_ORIGIN' },
      { ...nobody, act: 'GET /graphql', code: 'FOREIGN_HOST' },
      { ...nobody, act: 'GET /graphql', code: 'NO_TOKEN' },
    ])
    expect(JSON.stringify(found)).not.toMatch(/tutti_wrong/)
  })

  it('by the role that an interrupt asks leaves one too', async () => {
    const all = orchestra(admin)
    const session = await all.start([part('a', { gates: [{ person: { question: 'May it?' } }] })])
    const id = await all.asked(session)
    await orchestra(guest).act('answerInterrupt', { id, choice: 'APPROVE' })
    expect(await entries(1)).toMatchObject([
      { act: 'answerInterrupt', code: 'FORBIDDEN', detail: 'only APPROVER or ADMIN may answer', viewer: 'guest' },
    ])
    await all.act('answerInterrupt', { id, choice: 'APPROVE' })
    await door.house.end(session)
    expect(await entries(1)).toMatchObject([
      {
        act: 'answerInterrupt',
        outcome: 'DONE',
        code: null,
        viewer: 'root',
        subject: `Interrupt:${id}`,
        projectId: `Project:${door.house.projectId}`,
      },
    ])
  })

  it('of what belongs to another project leaves one, which neither of the projects can read', async () => {
    const { prisma } = door.house.database
    const own = '01977e0c-6c1b-7c3e-9f3c-0b1a2c3d4e5f'
    await prisma.project.create({ data: { id: own, name: 'other', workspace: '/tmp' } })
    const stranger = door.as(await door.token(['ADMIN'], { name: 'stranger', projectId: own }))
    const foreign = `Project:${door.house.projectId}`
    await stranger.data(`{ node(id: "${foreign}") { id } }`)
    await stranger.data(`{ nodes(ids: ["${foreign}", "Session:${own}", "${foreign}"]) { id } }`)
    const found = await entries(2)
    const refused = { outcome: 'REFUSED', code: 'FOREIGN_PROJECT', viewer: 'stranger', subject: foreign }
    expect(found).toMatchObject([
      { ...refused, act: 'node' },
      { ...refused, act: 'nodes' },
    ])
    expect(found.map(({ projectId }) => projectId)).toEqual([null, null])
  })
})

describe('what is done with rights that only few have', () => {
  it('leaves a row each, and never a secret', async () => {
    const { house } = door
    const all = orchestra(admin)
    const [first, second] = [await all.start([part('a')]), await all.start([part('a', { input: { sleepMs: 60_000 } })])]
    await house.end(first)
    await all.act('cancelSession', { id: second })
    await house.end(second)
    const third = await all.start([part('a', { input: { sleepMs: 60_000 } })])
    await all.act('rollbackSession', { id: third, checkpoint: 0 })
    await house.end(third)
    await all.hire('worker')
    const made = (await admin.data(
      'mutation { createToken(input: { name: "new", roles: [VIEWER] }) { ... on CreateTokenSuccess { secret token { id } } } }',
    )) as { createToken: { secret: string; token: { id: string } } }
    const { id } = made.createToken.token
    await admin.data('mutation ($id: ID!) { revokeToken(input: { id: $id }) { __typename } }', { id })
    await admin.data('mutation ($id: ID!) { archiveProject(input: { id: $id }) { __typename } }', {
      id: house.projectId,
    })
    const found = await entries(6)
    const project = `Project:${house.projectId}`
    expect(found.map(({ act, subject, outcome, viewer }) => [act, subject, outcome, viewer])).toEqual([
      ['cancelSession', `Session:${second}`, 'DONE', 'root'],
      ['rollbackSession', `Session:${third}`, 'DONE', 'root'],
      ['registerAgent', expect.stringMatching(/^Agent:/), 'DONE', 'root'],
      ['createToken', id, 'DONE', 'root'],
      ['revokeToken', id, 'DONE', 'root'],
      ['archiveProject', project, 'DONE', 'root'],
    ])
    expect(found.map(({ projectId }) => projectId)).toEqual([project, project, project, null, null, project])
    const kept = JSON.stringify(await house.database.query('SELECT * FROM "AuditEntry"')) + JSON.stringify(found)
    for (const secret of [...secrets, made.createToken.secret]) {
      expect(kept).not.toContain(secret)
      expect(JSON.stringify(door.logged)).not.toContain(secret)
    }
  })
})

describe('a flood of refusals', () => {
  it('leaves a row for each of the first, and one that counts the others', async () => {
    const flood = 300
    await Promise.all(Array.from({ length: flood }, () => door.post({ query: '{ viewer { name } }' })))
    // The counts are written every few seconds.
    for (; ; await setTimeout(100)) {
      const [sum] = await door.house.database.query<{ rows: number; refusals: number }>(
        `SELECT count(*)::int AS rows, sum(count)::int AS refusals FROM "AuditEntry" WHERE code = 'NO_TOKEN'`,
      )
      if ((sum?.refusals ?? 0) < flood) continue
      expect(sum?.refusals).toBe(flood)
      // It may have gone over the end of a minute.
      expect(sum?.rows).toBeLessThanOrEqual(2 * (ROWS_PER_PEER + 1))
      return
    }
  })

  it('writes a bounded number of rows, from however many addresses it comes', async () => {
    const { query } = door.house.database
    await query('DELETE FROM "AuditEntry"')
    const auditor = createAuditor({ query, log: pino({ level: 'silent' }) })
    for (let n = 0; n < 20_000; n++) {
      const peer = `10.0.${n % 100}.${Math.floor(n / 100)}`
      auditor.refused({ viewer: undefined, peer, requestId: `${n}` }, { act: 'POST /graphql', code: 'NO_TOKEN' })
    }
    await auditor.close()
    const [sum] = await query<{ rows: number; refusals: number; others: number }>(
      `SELECT count(*)::int AS rows, sum(count)::int AS refusals,
        sum(count) FILTER (WHERE peer = 'others')::int AS others FROM "AuditEntry"`,
    )
    expect(sum).toMatchObject({ refusals: 20_000, rows: 801 })
    expect(sum?.others).toBeGreaterThan(15_000)
  })

  it('is written later where the database is away for a while, with text that it can hold', async () => {
    const { query } = door.house.database
    await query('DELETE FROM "AuditEntry"')
    let isAway = true
    const sometimes: typeof query = (sql, params) => (isAway ? Promise.reject(new Error('away')) : query(sql, params))
    const auditor = createAuditor({ query: sometimes, log: pino({ level: 'silent' }) })
    const viewer = viewerOf({ name: 'a\0b\ud800', roles: [] })
    await auditor.done({ viewer, peer: '::1', requestId: 'x' }, { act: 'x'.repeat(10_000), detail: 'line\nline' })
    isAway = false
    await auditor.close()
    expect(await query('SELECT viewer, length(act) AS act, detail FROM "AuditEntry"')).toEqual([
      { viewer: 'a b\ufffd', act: 500, detail: 'line line' },
    ])
  })
})
