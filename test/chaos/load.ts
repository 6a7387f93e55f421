import { setTimeout as pause } from 'node:timers/promises'
import type { Random } from '../sim/random.ts'
import { AGENTS } from './agents.ts'
import { askUntil } from './ask.ts'
import type { Members } from './members.ts'
import { follow, type Seen } from './subscriber.ts'

const PATTERNS = ['SEQUENTIAL', 'PARALLEL', 'PIPELINE', 'HIERARCHICAL'] as const
/** Sessions under way at once, at most. */
const SESSIONS = 16
/** How many of all requests are made twice, and how much later the second time at most, in milliseconds. */
const REPEATED = 0.3
const REPEATED_MS = 1_000
/** A request that nobody has accepted for so long is lost, in milliseconds. */
const REQUEST_MS = 60_000
const LOOK_MS = 20

/** A session that somebody asked for. */
export interface Asked {
  key: string
  /** Executions of agents that it has. */
  size: number
  /** What the requests with this key were answered with: ids of sessions, which should all be the same. */
  answers: string[]
  seen?: Seen
}

/** Sessions that clients ask for and follow, all through the same faults. */
export interface Load {
  readonly asked: readonly Asked[]
  /** Requests that nobody accepted, with the reason. */
  readonly refused: readonly string[]
  /** Executions that have been asked for so far. */
  readonly executions: number
  /** From now on so many executions may be asked for in all. */
  allow(executions: number): void
  /** Asks for nothing more; resolves once all requests have been answered. */
  finish(): Promise<void>
  /** Gives subscribers so many milliseconds to come to the end of their sessions. */
  followed(patienceMs: number): Promise<void>
}

const START = `mutation ($input: StartOrchestrationInput!) { startOrchestration(input: $input) {
  ... on StartOrchestrationSuccess { session { id } } ... on Error { message } } }`

/** @param project id of the project that the sessions belong to */
export function startLoad(members: Members, random: Random, project: string): Load {
  const asked: Asked[] = []
  const refused: string[] = []
  const following: Promise<void>[] = []
  const tired = new AbortController()
  const over = new AbortController()
  let [allowed, executions, underWay] = [0, 0, 0]

  async function request(input: object, one: Asked, random: Random): Promise<string> {
    const good = (data: Record<string, unknown>): string | undefined =>
      (data['startOrchestration'] as { session?: { id: string } }).session?.id.replace('Session:', '')
    const id = await askUntil(members, random, { query: START, variables: { input } }, good, REQUEST_MS)
    one.answers.push(id)
    return id
  }

  /** A client that has not heard yet that its request was accepted, or has forgotten it. */
  async function again(input: object, one: Asked, random: Random): Promise<void> {
    if (random.chance(0.5)) await pause(random.between(0, REPEATED_MS))
    await request(input, one, random)
  }

  async function live(number: number): Promise<void> {
    const draw = random.apart(`session ${number}`)
    const { task, ...how } = drawSession(draw, number)
    const key = `chaos-${number}`
    const input = { project, idempotencyKey: key, task, ...how }
    const one: Asked = { key, size: task.subTasks.length, answers: [] }
    asked.push(one)
    executions += one.size
    underWay++
    try {
      const first = request(input, one, draw.apart('client'))
      const repeated = draw.chance(REPEATED) ? again(input, one, draw.apart('repeating client')) : undefined
      const following = first.then((id) => follow(members, draw.apart('subscriber'), id, tired.signal))
      one.seen = (await Promise.all([following, repeated]))[0]
    } catch (error) {
      refused.push(`${key}: ${(error as Error).message}`)
    } finally {
      underWay--
    }
  }

  const isAllowed = (): boolean => executions < allowed
  const feeding = (async () => {
    while (!over.signal.aborted) {
      if (isAllowed() && underWay < SESSIONS) following.push(live(asked.length + 1))
      else await pause(LOOK_MS)
    }
  })()

  return {
    asked,
    refused,
    get executions() {
      return executions
    },
    allow(executions) {
      allowed = executions
    },
    async finish() {
      while (isAllowed()) await pause(LOOK_MS)
      over.abort()
      await feeding
      const isAnswered = (): boolean => asked.every(({ answers }) => answers.length > 0)
      while (!isAnswered() && refused.length === 0) await pause(LOOK_MS)
    },
    async followed(patienceMs) {
      const tire = setTimeout(() => tired.abort(), patienceMs)
      await Promise.all(following)
      clearTimeout(tire)
    },
  }
}

/** A session of one of the four patterns, with three to five parts for agents. */
function drawSession(random: Random, number: number) {
  const pattern = random.pick(PATTERNS)
  const size = random.between(3, 5)
  const keys = Array.from({ length: size }, (_, index) => `p${index}`)
  const dependsOn = (index: number): string[] => {
    if (pattern !== 'HIERARCHICAL' || index === 0) return []
    // One begins, some go on side by side, one ends.
    return index === size - 1 ? keys.slice(1, -1) : ['p0']
  }
  const subTasks = keys.map((key, index) => {
    const agent = random.pick(AGENTS)
    return { key, title: agent, capabilities: [agent], dependsOn: dependsOn(index) }
  })
  return { pattern, task: { title: `session ${number}`, subTasks } }
}
