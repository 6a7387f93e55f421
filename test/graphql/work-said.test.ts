import { v4 } from 'uuid'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Door, openDoor } from './door.ts'
import { orchestra } from './orchestrate.ts'
import { held, hire, start, type Working, working } from './working.ts'

let door: Door
let worker: Working
beforeAll(async () => {
  door = await openDoor()
  worker = working(door.as(await door.token(['AGENT'], { name: 'robot' })))
})
afterAll(() => door.close())

describe('what a worker says', () => {
  const report = { attempt: v4(), fence: 1, summary: 'x' }
  it.each<[string, object, string]>([
    ['completeWork', { ...report, files: [{ name: '../../etc/passwd', text: 'x' }] }, 'files.0.name'],
    ['completeWork', { ...report, files: [{ name: '/etc/passwd', text: 'x' }] }, 'files.0.name'],
    ['completeWork', { ...report, files: [{ name: 'a\\b', text: 'x' }] }, 'files.0.name'],
    ['completeWork', { ...report, files: [{ name: 'a', text: 'x', base64: 'eA==' }] }, 'files.0'],
    ['completeWork', { ...report, files: [{ name: 'a', base64: 'no base64!' }] }, 'files.0.base64'],
    [
      'completeWork',
      {
        ...report,
        files: [
          { name: 'a', text: '' },
          { name: 'a/b', text: '' },
        ],
      },
      'files',
    ],
    [
      'completeWork',
      { ...report, files: Array.from({ length: 101 }, (_, n) => ({ name: `f${n}`, text: '' })) },
      'files',
    ],
    ['completeWork', { ...report, evidence: [{ name: 'e', kind: 'EXIT_CODE', passed: true }] }, 'evidence.0.kind'],
    ['completeWork', { ...report, summary: undefined }, 'summary'],
    ['completeWork', { ...report, usage: { cost: -1 } }, 'usage.cost'],
    ['reportActivity', { attempt: v4(), fence: 1, activities: [] }, 'activities'],
    [
      'reportActivity',
      { attempt: v4(), fence: 1, activities: Array.from({ length: 101 }, () => ({ text: '' })) },
      'activities',
    ],
    ['reportActivity', { attempt: v4(), fence: 1, activities: [{ text: 'x'.repeat(8_193) }] }, 'activities.0.text'],
    ['reportActivity', { attempt: v4(), fence: 1, activities: [{ text: 'x', stream: 'y' }] }, 'activities.0.stream'],
    ['claimWork', { agent: 'a', worker: 'x', leaseMs: 999 }, 'leaseMs'],
    ['heartbeat', { attempt: v4(), fence: 0 }, 'fence'],
  ])('%s %o is refused at %s', async (mutation, input, path) => {
    const { fields } = await worker.tell(mutation, input)
    expect(fields?.map((field) => field.path.join('.'))).toEqual([path])
  })

  it('moves nothing but its own attempt: a failure that only the server can know is none of its words', async () => {
    const { errors } = await door
      .as(await door.token(['AGENT']))
      .answer(
        `mutation { failWork(input: { attempt: "${v4()}", fence: 1, class: LOST, message: "x" }) { __typename } }`,
      )
    expect(errors?.[0]?.message).toContain('LOST')
  })
})

describe('what a worker shows', () => {
  it('is kept up to a limit, and more of it does no harm', async () => {
    const short = await openDoor({ inside: { pull: { activities: 150 } } })
    try {
      await hire(short, 'talk')
      const own = working(short)
      const session = await start(orchestra(short), 'talk')
      const claimed = await own.claim('talk', { leaseMs: 60_000 })
      for (const first of [1, 101, 201]) {
        const activities = Array.from({ length: 100 }, (_, index) => ({ text: `line ${first + index}` }))
        expect(await own.tell('reportActivity', { ...held(claimed), activities, first })).toMatchObject({
          canceled: false,
        })
      }
      await own.tell('completeWork', { ...held(claimed), summary: 'said it all', output: 300 })
      expect(await short.house.end(session)).toMatchObject({ status: 'SUCCEEDED' })
      const shown = await short.house.database.prisma.activity.findMany({ orderBy: { seq: 'asc' } })
      expect(shown).toHaveLength(151)
      expect(shown.at(-2)?.text).toBe('line 150')
      expect(shown.at(-1)?.text).toContain('150 lines shown')
    } finally {
      await short.close()
    }
  })
})
