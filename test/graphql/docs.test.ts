import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { schema } from '../../src/graphql/schema.ts'
import { type Door, openDoor } from './door.ts'
import { type Orchestra, orchestra } from './orchestrate.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/api.md'), 'utf8')
const examples = new Map(
  [...page.matchAll(/```graphql\n((?:query|mutation|subscription) (\w+).*?)```/gs)].map(([, text, name]) => [
    name,
    text,
  ]),
)

let door: Door
let all: Orchestra
const tried = new Set<string>()
beforeAll(async () => {
  door = await openDoor()
  all = orchestra(door)
})
afterAll(() => door.close())

/** What the one field of an example answers. */
async function example(name: string, variables: object = {}): Promise<never> {
  tried.add(name)
  const [answered] = Object.values(await door.data(examples.get(name) ?? name, { ...variables }))
  return answered as never
}

describe('the page on the API', () => {
  it('names every operation, and none that is not there', () => {
    const [, table = ''] = /## Operations(.*?)##/s.exec(page) ?? []
    const named = [...table.matchAll(/`(\w+)`/g)].map(([, name]) => name)
    const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]
    expect(named.toSorted()).toEqual(roots.flatMap((root) => Object.keys(root?.getFields() ?? {})).toSorted())
  })

  it('shows examples that work as they are printed', async () => {
    const started = await example('Start', { project: door.house.projectId })
    expect(started).toMatchObject({ session: { status: 'AWAITING_APPROVAL' } })
    const session = (started as { session: { id: string } }).session.id
    const uuid = session.replace('Session:', '')
    const raised = door.socket().iterate({ query: examples.get('Watch') ?? '', variables: { session } })
    tried.add('Watch')
    expect((await raised.next()).value?.data).toMatchObject({ interruptRaised: { kind: 'PLAN' } })
    expect(await example('Edit', { session })).toMatchObject({
      session: { plan: { version: 2 }, planDiff: { nodes: { added: ['check'] } } },
    })
    expect(await example('Approve', { session })).toMatchObject({ session: { status: 'RUNNING' } })

    const waiting = await door.house.until(uuid, ({ interrupts }) =>
      interrupts.some(({ kind, status }) => kind === 'APPROVAL' && status === 'OPEN'),
    )
    expect(waiting.executions['build']?.status).toBe('WAITING')
    const inbox = (await example('Inbox')) as { nodes: { id: string; shownHash: string; question: string }[] }
    expect(inbox).toMatchObject({
      totalCount: 1,
      nodes: [{ question: 'May this be released?', session: { id: session } }],
    })
    expect(await example('Pause', { session })).toMatchObject({ session: { status: 'PAUSED' } })
    expect(await example('Tell', { session })).toMatchObject({ session: { inputs: [{ by: 'local' }] } })
    const [{ id: interrupt, shownHash } = { id: '', shownHash: '' }] = inbox.nodes
    expect(await example('Answer', { interrupt, shownHash })).toMatchObject({ interrupt: { status: 'ANSWERED' } })
    expect(await example('Resume', { session })).toMatchObject({ session: { status: 'RUNNING' } })
    expect(await door.house.end(uuid)).toMatchObject({ status: 'SUCCEEDED' })
    await raised.return?.()

    const seen = (await example('Look', { session })) as { checkpoints: { seq: number }[] }
    expect(seen).toMatchObject({
      verdicts: { nodes: [{ kind: 'SCHEMA' }, { kind: 'EVIDENCE' }, { kind: 'PERSON', verdict: 'ACCEPT' }] },
      checkpoints: [{ execution: { key: 'build' } }, {}, {}, {}],
      children: { nodes: [{ status: 'SUCCEEDED' }] },
    })
    const checkpoint = seen.checkpoints[0]?.seq
    const retried = (await example('Retry', { session, checkpoint })) as { session: { id: string } }
    const forked = (await example('Fork', { session, checkpoint })) as { session: { id: string } }
    // What was approved was another plan.
    const approved = await all.act('approvePlan', { sessionId: forked.session.id, planVersion: 1 }, 'status')
    expect(approved).toMatchObject({ session: { status: 'RUNNING' } })
    for (const { session } of [retried, forked]) await door.house.end(session.id.replace('Session:', ''))
    expect(await example('Compare', { session, other: forked.session.id })).toMatchObject({ onlyInA: ['tell'] })

    const sleeping = await all.start([{ key: 'a', title: 'a', capabilities: ['anything'], input: { sleepMs: 60_000 } }])
    await door.house.until(sleeping, ({ executions }) => executions['a']?.status === 'RUNNING')
    expect(await example('RollBack', { session: sleeping })).toMatchObject({
      session: { status: expect.stringMatching(/^ROLL/) },
    })
    await door.house.end(sleeping)
    expect([...tried].toSorted()).toEqual([...examples.keys()].toSorted())
  })
})
