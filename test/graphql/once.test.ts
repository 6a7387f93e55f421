import { isInputObjectType, isUnionType } from 'graphql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { schema } from '../../src/graphql/schema.ts'
import { type Door, openDoor } from './door.ts'
import { type Answered, type Orchestra, orchestra, part } from './orchestrate.ts'

let door: Door
let all: Orchestra
beforeAll(async () => {
  door = await openDoor()
  all = orchestra(door)
})
afterAll(() => door.close())

const SLEEP = { input: { sleepMs: 60_000 } }
const running = async (): Promise<string> => {
  const id = await all.start([part('a', SLEEP)], { policy: { input: 'ENQUEUE' } })
  await door.house.until(id, ({ status }) => status === 'RUNNING')
  return id
}
const reviewed = async (): Promise<string> => {
  const id = await all.start([part('a', SLEEP)], { policy: { review: true } })
  await all.asked(id)
  return id
}
const ended = async (): Promise<string> => {
  const id = await all.start([part('a')])
  await door.house.end(id)
  return id
}
const paused = async (): Promise<string> => {
  const id = await running()
  await all.act('pauseSession', { id })
  return id
}

interface Keyed {
  /** Of whom it is asked. */
  of(): Promise<string>
  input(id: string): object
  /** What makes it another input. */
  other: object
  /** The event that tells that it was done, and how many of them there are then; one unless told. */
  done?: string
  times?: number
}

const KEYED: Record<string, Keyed> = {
  startOrchestration: {
    of: async () => 'a task',
    input: () => ({ project: door.house.projectId, task: { title: 'once', subTasks: [part('a')] } }),
    other: { pattern: 'PARALLEL' },
  },
  retrySession: {
    of: async () => {
      const id = await running()
      await door.house.coordinator.cancel(id, 'to try it again')
      await door.house.end(id)
      return id
    },
    input: (id) => ({ id }),
    other: { from: 'CHECKPOINT', checkpoint: 1 },
  },
  forkSession: { of: ended, input: (id) => ({ id }), other: { edits: [] } },
  pauseSession: { of: running, input: (id) => ({ id }), other: { reason: 'another one' }, done: 'SESSION_PAUSED' },
  resumeSession: { of: paused, input: (id) => ({ id }), other: { id: 'x' }, done: 'SESSION_RUNNING', times: 2 },
  cancelSession: {
    of: running,
    input: (id) => ({ id, reason: 'enough' }),
    other: { reason: 'another one' },
    done: 'SESSION_CANCELING',
  },
  rollbackSession: {
    of: running,
    input: (id) => ({ id, checkpoint: 0 }),
    other: { reason: 'another one' },
    done: 'SESSION_ROLLING_BACK',
  },
  sendInput: {
    of: running,
    input: (sessionId) => ({ sessionId, text: 'faster' }),
    other: { text: 'slower' },
    done: 'INPUT_RECEIVED',
  },
  editPlan: {
    of: reviewed,
    input: (sessionId) => ({ sessionId, edits: [{ replace: { key: 'a', title: 'Do it otherwise' } }] }),
    other: { edits: [{ replace: { key: 'a', title: 'Do it as before' } }] },
    done: 'PLAN_CHANGED',
  },
  approvePlan: {
    of: reviewed,
    input: (sessionId) => ({ sessionId, planVersion: 1 }),
    other: { planVersion: 2 },
    done: 'INTERRUPT_ANSWERED',
  },
  answerInterrupt: {
    of: async () => all.asked(await reviewed()),
    input: (id) => ({ id, choice: 'APPROVE' }),
    other: { choice: 'REJECT' },
    done: 'INTERRUPT_ANSWERED',
  },
}

const typeOf = (mutation: string): string => `${mutation[0]?.toUpperCase()}${mutation.slice(1)}`

async function ask(mutation: string, input: object): Promise<Answered> {
  const type = typeOf(mutation)
  const subject = mutation === 'answerInterrupt' ? 'interrupt' : 'session'
  const data = await door.data(
    `mutation ($input: ${type}Input!) { ${mutation}(input: $input) {
      __typename ... on ${type}Success { replayed ${subject} { id } } ... on Error { code message }
    } }`,
    { input },
  )
  return data[mutation] as Answered
}

const eventsOf = async (sessionId: string, type: string): Promise<number> => {
  const { events } = (await all.session(sessionId, 'events(first: 100) { nodes { type } }')) as never as {
    events: { nodes: { type: string }[] }
  }
  return events.nodes.filter((event) => event.type === type).length
}

describe('whatever starts or moves work', () => {
  /** What workers ask: their claims have keys of their own, and leases and fences say what still counts. */
  const OF_WORKERS = new Set(['claimWork', 'heartbeat', 'reportActivity', 'completeWork', 'failWork'])
  /** What keeps something without a session takes one too, see knowledge.test.ts. */
  const KEEPING = new Set(['rememberKnowledge'])

  it('takes an idempotency key, as does what keeps something, and nothing else', () => {
    const keyed: string[] = []
    const moving: string[] = []
    for (const name of Object.keys(schema.getMutationType()?.getFields() ?? {})) {
      if (OF_WORKERS.has(name) || KEEPING.has(name)) continue
      const input = schema.getType(`${typeOf(name)}Input`)
      const result = schema.getType(`${typeOf(name)}Result`)
      if (!isInputObjectType(input) || !isUnionType(result)) throw new Error(`${name} has no input or no result`)
      const inputs = Object.keys(input.getFields())
      const success = result.getTypes().find((type) => type.name === `${typeOf(name)}Success`)
      const fields = Object.keys(success?.getFields() ?? {})
      if (inputs.includes('idempotencyKey')) keyed.push(name)
      if (fields.some((field) => ['session', 'interrupt', 'execution', 'attempt'].includes(field))) moving.push(name)
    }
    expect(keyed.toSorted()).toEqual(moving.toSorted())
    expect(Object.keys(KEYED).toSorted()).toEqual(keyed.toSorted())
  })

  it.each(Object.entries(KEYED))(
    '%s is done once, whoever asks at once, and refused with another input',
    async (name, { of, input, other, done, times = 1 }) => {
      const id = await of()
      const asked = { ...input(id), idempotencyKey: `${name}-1` }
      const answers = await Promise.all(Array.from({ length: 16 }, () => ask(name, asked)))
      const told = new Set(answers.map(({ replayed: _, ...answer }) => JSON.stringify(answer)))
      expect([...told]).toEqual([expect.stringContaining('Success')])
      expect(answers.filter(({ replayed }) => replayed === false)).toHaveLength(1)
      expect(await ask(name, asked)).toEqual({ ...answers[0], replayed: true })
      expect(await ask(name, { ...asked, ...other })).toMatchObject({
        __typename: 'ConflictError',
        message: expect.stringContaining('idempotency key'),
      })
      const [{ session, interrupt }] = answers as [Answered]
      const sessionId = session
        ? session.id.replace('Session:', '')
        : ((
            await door.house.database.prisma.interrupt.findUniqueOrThrow({
              where: { id: String(interrupt?.['id']).replace('Interrupt:', '') },
            })
          ).sessionId as string)
      const keys = (): Promise<number> =>
        door.house.database.prisma.idempotencyKey.count({ where: { subjectId: sessionId } })
      expect(await (done === undefined ? keys() : eventsOf(sessionId, done))).toBe(times)
      await door.house.coordinator.cancel(sessionId, 'enough')
      await door.house.end(sessionId)
    },
    60_000,
  )

  it('leaves a key free that nothing came of', async () => {
    const id = await running()
    const input = { id, idempotencyKey: 'too early' }
    expect(await ask('resumeSession', input)).toMatchObject({ __typename: 'ConflictError' })
    expect(await door.house.database.prisma.idempotencyKey.count({ where: { key: 'too early' } })).toBe(0)
    await all.act('pauseSession', { id })
    expect(await ask('resumeSession', input)).toMatchObject({ replayed: false, session: { id: `Session:${id}` } })
    expect(await ask('resumeSession', input)).toMatchObject({ replayed: true })
    await door.house.coordinator.cancel(id, 'enough')
    await door.house.end(id)
  })

  it('stands by its answer when things have gone on since', async () => {
    const id = await reviewed()
    const input = { sessionId: id, planVersion: 1, idempotencyKey: 'approved' }
    expect(await ask('approvePlan', input)).toMatchObject({ replayed: false })
    await door.house.coordinator.cancel(id, 'enough')
    await door.house.end(id)
    expect(await ask('approvePlan', input)).toMatchObject({ replayed: true, session: { id: `Session:${id}` } })
    expect(await ask('approvePlan', { ...input, idempotencyKey: 'late' })).toMatchObject({
      __typename: 'ConflictError',
    })
  })
})
