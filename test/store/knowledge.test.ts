import { v7 as uuid } from 'uuid'
import { beforeAll, describe, expect, it } from 'vitest'
import { rank, searchTerms } from '../../src/core/knowledge.ts'
import type { Database } from '../../src/store/db.ts'
import { createKnowledge, type KnowledgeStore, type Remembered } from '../../src/store/knowledge.ts'
import { findKnowledge, MAX_FOUND, MAX_WALKED, type Wanted } from '../../src/store/knowledgeSearch.ts'
import { DATABASES, freshDatabase } from '../database.ts'

const DAY = 86_400_000

describe.each(DATABASES)('knowledge on %s', (kind) => {
  let database: Database
  let knowledge: KnowledgeStore
  let projectId: string
  let now = Date.UTC(2026, 0, 1)
  beforeAll(async () => {
    database = await freshDatabase(kind)
    knowledge = createKnowledge(database, { newId: uuid, now: () => now })
    projectId = await project()
  })

  async function project(): Promise<string> {
    const id = uuid()
    await database.prisma.project.create({ data: { id, name: id, workspace: '/tmp' } })
    return id
  }

  interface Said {
    text: string
    by?: string
    confidence?: number
    limit?: number
    key?: { key: string; inputHash: string }
    projectId?: string
    title?: string
    expiresAt?: Date
    reference?: string
  }
  const say = (said: Said): Promise<Remembered> => {
    const { text, by = 'ada', confidence = 0.5, limit = 1_000, key, reference, title = 'A tip', expiresAt } = said
    return knowledge.remember(
      { projectId: said.projectId ?? projectId, kind: 'TIP', title, text, tags: ['ci'], expiresAt },
      { by, confidence, reference },
      { limit, claim: key && { operation: 'rememberKnowledge', ...key } },
    )
  }
  const idOf = async (said: Said): Promise<string> => {
    const answer = await say(said)
    return answer.kind === 'KEPT' ? answer.id : answer.kind
  }
  const read = (id: string) =>
    database.prisma.knowledge.findUniqueOrThrow({
      where: { id },
      include: { sources: { orderBy: { createdAt: 'asc' } } },
    })

  const wanted = (more: Partial<Wanted> = {}): Wanted => ({
    projects: [projectId],
    kinds: null,
    reviews: null,
    tag: null,
    sessionId: null,
    superseded: false,
    stale: null,
    ...more,
  })
  const search = async (text: string, more: Partial<Wanted> = {}): Promise<string[]> => {
    const terms = searchTerms(text)
    return rank(terms, await findKnowledge(database.query, terms, wanted(more), now), now).map(({ id }) => id)
  }

  it('K1, K2, K3: keeps once what says the same, with each of its sources, and each of these once', async () => {
    const first = await say({ text: 'Clear the cache first.' })
    expect(first).toMatchObject({ kind: 'KEPT', isNew: true })
    const id = await idOf({ text: ' Clear the\ncache first', by: 'bob', confidence: 1, title: 'Another title' })
    expect(first).toMatchObject({ id })
    expect(await read(id)).toMatchObject({
      title: 'A tip',
      review: 'PROPOSED',
      confidence: 2.5 / 3.5,
      sources: [
        { by: 'ada', confidence: 0.5 },
        { by: 'bob', confidence: 1 },
      ],
    })
    now += DAY
    expect(await say({ text: 'Clear the cache first', by: 'bob' })).toEqual({ kind: 'KEPT', id, isNew: false })
    expect(await read(id)).toMatchObject({ confidence: 2.5 / 3.5, confirmedAt: new Date(now), sources: { length: 2 } })
    expect(await idOf({ text: 'Clear the cache first', projectId: await project() })).not.toBe(id)
  })

  it('K1: keeps it once, however many say it at once', async () => {
    const names = Array.from({ length: 8 }, (_, index) => `person-${index}`)
    const ids = await Promise.all(names.map((by) => idOf({ text: 'All at once', by })))
    expect(new Set(ids).size).toBe(1)
    const { sources } = await read(ids[0] ?? '')
    expect(sources.map(({ by }) => by).toSorted()).toEqual(names)
  })

  it('answers the same key with the same, refuses it with another input, and frees it where nothing was done', async () => {
    const key = { key: 'one', inputHash: 'a' }
    const id = await idOf({ text: 'Keys', key })
    expect(await say({ text: 'Keys', by: 'eve', key })).toEqual({ kind: 'KEPT', id, isNew: false })
    expect((await read(id)).sources).toHaveLength(1)
    expect(await say({ text: 'Other', key: { ...key, inputHash: 'b' } })).toEqual({ kind: 'OTHER_INPUT' })
    // One that found something stands for what it found.
    const other = { key: 'two', inputHash: 'a' }
    expect(await idOf({ text: 'Keys', key: other })).toBe(id)
    expect(await say({ text: 'Keys', key: other })).toEqual({ kind: 'KEPT', id, isNew: false })
    const free = { key: 'three', inputHash: 'a' }
    expect(await say({ text: 'No room', limit: 1, key: free })).toEqual({ kind: 'FULL' })
    expect(await say({ text: 'Room', key: { ...free, inputHash: 'b' } })).toMatchObject({ isNew: true })
    // What is there already takes no room.
    expect(await say({ text: 'Keys', limit: 1 })).toMatchObject({ kind: 'KEPT', id })
  })

  it('K7, K8: leaves rejected what a person has rejected, until a person approves of it', async () => {
    const id = await idOf({ text: 'Use sudo for everything' })
    expect(await knowledge.review(id, { review: 'REJECTED', by: 'eve', reason: 'Never.' })).toEqual({
      kind: 'REVIEWED',
      id,
    })
    now += DAY
    expect(await say({ text: 'Use sudo for everything', by: 'bob', confidence: 1 })).toEqual({
      kind: 'KEPT',
      id,
      isNew: false,
    })
    const rejected = await read(id)
    expect(rejected).toMatchObject({ review: 'REJECTED', confidence: 0, reviewedBy: 'eve', reviewReason: 'Never.' })
    expect(rejected.sources).toHaveLength(1)
    await knowledge.review(id, { review: 'APPROVED', by: 'ada' })
    expect(await read(id)).toMatchObject({
      review: 'APPROVED',
      confidence: 9.5 / 10.5,
      reviewedBy: 'ada',
      reviewReason: null,
      reviewedAt: new Date(now),
      staleAt: new Date(now + 720 * DAY),
    })
    expect(await knowledge.review(uuid(), { review: 'APPROVED', by: 'ada' })).toEqual({ kind: 'UNKNOWN' })
  })

  it('K7, K11: puts a correction in the place of what is wrong, which is answered with it from then on', async () => {
    const id = await idOf({ text: 'Deploy on Fridays', title: 'Deploying' })
    const corrected = await knowledge.correct(id, { title: 'Deploying', text: 'Deploy on Mondays' }, { by: 'eve' })
    expect(corrected).toMatchObject({ kind: 'REVIEWED' })
    const { id: next } = corrected as { id: string }
    expect(next).not.toBe(id)
    expect(await read(next)).toMatchObject({
      review: 'APPROVED',
      kind: 'TIP',
      tags: ['ci'],
      reviewedBy: 'eve',
      confidence: 10 / 11,
    })
    expect(await read(id)).toMatchObject({ text: 'Deploy on Fridays', supersededById: next })
    expect(await say({ text: 'Deploy on Fridays', by: 'bob' })).toEqual({ kind: 'KEPT', id: next, isNew: false })
    expect((await read(next)).sources).toHaveLength(1)
    expect(await knowledge.review(id, { review: 'APPROVED', by: 'eve' })).toEqual({ kind: 'SUPERSEDED', byId: next })
    const again = await knowledge.correct(id, { title: 'x', text: 'x' }, { by: 'eve' })
    expect(again).toEqual({ kind: 'SUPERSEDED', byId: next })
    expect(await search('deploying')).toEqual([next])
    expect(await search('deploying', { superseded: true })).toEqual([id])
  })

  it('K11: changes title and tags in place, and takes for no correction what is kept already', async () => {
    const id = await idOf({ text: 'Pin versions', title: 'Vertions' })
    const taken = await idOf({ text: 'Pin all versions' })
    const better = { title: 'Versions', text: 'Pin versions.', tags: ['npm'] }
    expect(await knowledge.correct(id, better, { by: 'eve' })).toEqual({ kind: 'REVIEWED', id })
    expect(await read(id)).toMatchObject({ ...better, review: 'APPROVED' })
    expect(await search('npm')).toEqual([id])
    const same = await knowledge.correct(id, { title: 'x', text: 'Pin all versions' }, { by: 'eve' })
    expect(same).toEqual({ kind: 'TAKEN', byId: taken })
    expect(await knowledge.correct(uuid(), better, { by: 'eve' })).toEqual({ kind: 'UNKNOWN' })
  })

  it('K12: forgets with all that it replaced, and frees their keys', async () => {
    const id = await idOf({ text: 'Old secret', key: { key: 'secret', inputHash: 'a' } })
    const { id: next } = (await knowledge.correct(id, { title: 'x', text: 'New' }, { by: 'eve' })) as { id: string }
    expect(await knowledge.forget(next)).toBe(true)
    expect(await database.prisma.knowledge.count({ where: { id: { in: [id, next] } } })).toBe(0)
    expect(await knowledge.forget(next)).toBe(false)
    expect(await say({ text: 'Fresh', key: { key: 'secret', inputHash: 'b' } })).toMatchObject({ isNew: true })
  })

  it('K12: leaves the correction where only what it replaced is forgotten', async () => {
    const id = await idOf({ text: 'Wrong at first' })
    const { id: next } = (await knowledge.correct(id, { title: 'x', text: 'Right then' }, { by: 'eve' })) as {
      id: string
    }
    expect(await knowledge.forget(id)).toBe(true)
    expect(await read(next)).toMatchObject({ text: 'Right then', supersededById: null })
  })

  it('keeps what came from a session that is removed', async () => {
    const [task, session] = [uuid(), uuid()]
    await database.query(`INSERT INTO "Task" (id, "projectId", title) VALUES ($1, $2, 'x')`, [task, projectId])
    await database.query(
      `INSERT INTO "Session" (id, "projectId", "taskId", status, pattern, version, seq, limits, policy, budget, inputs, "createdAt")
       VALUES ($1, $2, $3, 'SUCCEEDED', 'SEQUENTIAL', 1, 1, '{}', '{}', '{}', '[]', now())`,
      [session, projectId, task],
    )
    const said = { projectId, kind: 'OUTCOME' as const, title: 'Came of it', text: 'It came of a session', tags: [] }
    const source = { by: 'worker', confidence: 1, sessionId: session }
    const { id } = (await knowledge.remember(said, source, { limit: 1_000 })) as { id: string }
    expect(await search('session', { sessionId: session })).toEqual([id])
    await database.query(`DELETE FROM "Session" WHERE id = $1`, [session])
    expect(await read(id)).toMatchObject({ sources: [{ by: 'worker', sessionId: null }] })
  })

  describe('a search', () => {
    it('K13: narrows by project, kind, review, tag and age', async () => {
      const other = await project()
      const id = await idOf({ text: 'Zebras graze', expiresAt: new Date(now + DAY) })
      const theirs = await idOf({ text: 'Zebras run', projectId: other })
      expect(await search('zebra')).toEqual([id])
      expect(await search('zebra', { projects: [other] })).toEqual([theirs])
      expect((await search('zebra', { projects: [projectId, other] })).toSorted()).toEqual([id, theirs].toSorted())
      expect((await search('zebra', { projects: null })).toSorted()).toEqual([id, theirs].toSorted())
      expect(await search('zebra', { projects: [] })).toEqual([])
      expect(await search('zebra', { kinds: ['TIP', 'RECIPE'], reviews: ['PROPOSED'], tag: 'ci' })).toEqual([id])
      expect(await search('zebra', { kinds: ['RECIPE'] })).toEqual([])
      expect(await search('zebra', { reviews: ['APPROVED', 'REJECTED'] })).toEqual([])
      expect(await search('zebra', { tag: 'c' })).toEqual([])
      expect(await search('zebra', { stale: false })).toEqual([id])
      now += DAY
      expect(await search('zebra', { stale: false })).toEqual([])
      expect(await search('zebra', { stale: true })).toEqual([id])
      expect(await search('unheard of')).toEqual([])
      expect(await search('')).toEqual([])
      // A project is no word.
      expect(await search(projectId)).toEqual([])
    })

    it('K13: ranks no more than its limit, and all that holds a rare word whatever else there is', async () => {
      const many = await project()
      const rows = Array.from({ length: MAX_WALKED + MAX_FOUND }, (_, n) => {
        const at = new Date(now - n * 60_000).toISOString()
        const terms = [many, 'common', ...(n % 2 === 0 ? ['other'] : []), ...(n % 1_200 === 1_199 ? ['rare'] : [])]
        const times = { confirmedAt: at, staleAt: at, createdAt: at, updatedAt: at }
        const state = { confidence: 0.5, review: 'PROPOSED', kind: 'TIP', tags: [] }
        return { id: uuid(), projectId: many, title: 'x', text: 'x', sameness: String(n), terms, ...state, ...times }
      })
      await database.query(
        `INSERT INTO "Knowledge" SELECT r.* FROM jsonb_populate_recordset(NULL::"Knowledge", $1::jsonb) r`,
        [JSON.stringify(rows)],
      )
      const found = async (...terms: string[]) =>
        (await findKnowledge(database.query, terms, wanted({ projects: [many] }), now)).map(({ id }) => id)
      const newest = (having: string[]) =>
        rows
          .filter(({ terms }) => having.every((term) => terms.includes(term)))
          .slice(0, MAX_FOUND)
          .map(({ id }) => id)
      expect(new Set(await found('common'))).toEqual(new Set(newest(['common'])))
      expect(new Set(await found('common', 'other'))).toEqual(new Set(newest(['common', 'other'])))
      const both = await found('common', 'rare', 'unknown')
      expect(both).toHaveLength(MAX_FOUND)
      expect(new Set(both.slice(0, 2))).toEqual(new Set([rows[1_199]?.id, rows[2_399]?.id]))
    })
  })
})
