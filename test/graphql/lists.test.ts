import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Pattern } from '../../src/core/plan.ts'
import { type Door, openDoor } from './door.ts'

let door: Door
beforeAll(async () => {
  door = await openDoor()
  await ended('PARALLEL', { exit: 3 })
})
afterAll(() => door.close())

/** A session of two parts that has come to its end. */
async function ended(pattern: Pattern = 'SEQUENTIAL', input = {}): Promise<string> {
  const parts = [{ key: 'a' }, { key: 'b', input, retry: { maxAttempts: 1 } }]
  const id = await door.house.start(parts, { pattern, aggregate: 'NONE' })
  await door.house.end(id)
  return id
}

describe('lists', () => {
  it('of sessions and executions are filtered by what they are', async () => {
    const id = await ended('SEQUENTIAL')
    const where = `project: "${door.house.projectId}", status: [SUCCEEDED], pattern: [SEQUENTIAL], ended: true`
    const data = await door.data(
      `{
        sessions(first: 1, filter: { ${where} }) { nodes { id } }
        none: sessions(filter: { since: "2999-01-01T00:00:00Z" }) { totalCount }
        executions(filter: { session: "${id}", status: [ACCEPTED] }, orderBy: { field: POSITION, direction: DESC }) { totalCount nodes { key } }
        artifacts(filter: { session: "${id}", name: "NOTE", kind: FILE }) { nodes { name kind mediaType size text url execution { key } } }
      }`,
    )
    expect(data).toMatchObject({
      sessions: { nodes: [{ id: `Session:${id}` }] },
      none: { totalCount: 0 },
      executions: { totalCount: 2, nodes: [{ key: 'b' }, { key: 'a' }] },
      artifacts: {
        nodes: [
          { name: 'note.txt', mediaType: 'text/plain', size: 11, text: expect.stringMatching(/^a note of [ab]$/) },
          { name: 'note.txt', execution: { key: expect.stringMatching(/^[ab]$/) } },
        ],
      },
    })
  })

  it('of events go forwards and backwards from any cursor', async () => {
    const id = await ended()
    const { seq } = await door.house.end(id)
    const page = async (args: string) => {
      const data = await door.data(
        `{ session(id: "${id}") { events(${args}) { nodes { seq } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`,
      )
      const { events } = data['session'] as { events: { nodes: { seq: number }[]; pageInfo: object } }
      return { seqs: events.nodes.map((event) => event.seq), ...events.pageInfo }
    }
    expect(await page('first: 3')).toEqual({
      seqs: [1, 2, 3],
      hasNextPage: true,
      hasPreviousPage: false,
      startCursor: '1',
      endCursor: '3',
    })
    expect(await page('first: 2, after: "3"')).toMatchObject({ seqs: [4, 5], hasPreviousPage: true })
    expect(await page('last: 2')).toMatchObject({ seqs: [seq - 1, seq], hasNextPage: false, hasPreviousPage: true })
    expect(await page('last: 2, before: "3"')).toMatchObject({
      seqs: [1, 2],
      hasNextPage: true,
      hasPreviousPage: false,
    })
    expect(await page('first: 0')).toMatchObject({ seqs: [], endCursor: null })
    expect(await page(`after: "${seq}"`)).toMatchObject({ seqs: [], hasNextPage: false })
  })
})

describe('metrics', () => {
  it('add up what the sessions and executions of a window did', async () => {
    const data = await door.data(
      `query ($project: ID) {
        metrics(project: $project) {
          sessions { status count } successRate
          patterns { pattern sessions succeeded failed successRate durationP50Ms durationP95Ms durationMeanMs }
          agents { name executions accepted failed successRate durationP50Ms durationP95Ms durationMeanMs }
        }
        before: metrics(project: $project, until: "2020-01-01T00:00:00Z") { sessions { count } successRate agents { name } }
      }`,
      { project: door.house.projectId },
    )
    const { metrics, before } = data as {
      metrics: {
        sessions: { status: string; count: number }[]
        successRate: number
        patterns: { sessions: number }[]
        agents: {
          name: string
          executions: number
          accepted: number
          failed: number
          durationP50Ms: number
          durationP95Ms: number
        }[]
      }
      before: object
    }
    const { prisma } = door.house.database
    const count = (status: 'SUCCEEDED' | 'FAILED') => prisma.session.count({ where: { status } })
    const [succeeded, failed] = [await count('SUCCEEDED'), await count('FAILED')]
    expect(Object.fromEntries(metrics.sessions.map(({ status, count }) => [status, count]))).toEqual({
      SUCCEEDED: succeeded,
      FAILED: failed,
    })
    expect(metrics.successRate).toBeCloseTo(succeeded / (succeeded + failed))
    expect(metrics.patterns.reduce((sum, { sessions }) => sum + sessions, 0)).toBe(await prisma.session.count())
    const worker = metrics.agents.find(({ name }) => name === 'worker')
    const done = { agent: { name: 'worker' }, carriedId: null }
    expect(worker).toMatchObject({
      accepted: await prisma.execution.count({ where: { ...done, status: 'ACCEPTED' } }),
      failed: await prisma.execution.count({ where: { ...done, status: 'FAILED' } }),
    })
    expect(worker?.durationP50Ms).toBeGreaterThan(0)
    expect(worker?.durationP95Ms).toBeGreaterThanOrEqual(worker?.durationP50Ms ?? Infinity)
    expect(before).toEqual({ sessions: [], successRate: null, agents: [] })
  })
})
