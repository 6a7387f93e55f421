import { expect } from 'vitest'
import { graphql } from '../../src/generated/gql/gql.ts'
import type { Door } from './door.ts'
import { type Answered, type Orchestra, part } from './orchestrate.ts'

/** With the types of what a worker sends. */
export const SENDING = graphql(`
  mutation TestSending($result: CompleteWorkInput!, $shown: ReportActivityInput!) {
    completeWork(input: $result) {
      __typename
    }
    reportActivity(input: $shown) {
      __typename
    }
  }
`)

/** What claimWork hands out. */
export interface Claimed {
  attempt: string
  fence: number
  leaseUntil: string
  work: Record<string, unknown>
}

/** What a mutation of a worker answered. */
export interface Told extends Answered {
  work?: Claimed | null
  canceled?: boolean
  leaseUntil?: string | null
  agent?: { id: string; status: string; reason: string | null }
}

const FIELDS: Record<string, string> = {
  claimWork: 'work { attempt fence leaseUntil work }',
  heartbeat: 'canceled leaseUntil',
  reportActivity: 'canceled leaseUntil',
  completeWork: 'replayed',
  failWork: 'replayed',
  registerAgent: 'agent { id status reason }',
}

/** The words of a worker. */
export interface Working {
  tell(mutation: string, input: object): Promise<Told>
  /** Claims work, waiting for it; the test fails if there is none. */
  claim(agent: string, more?: object): Promise<Claimed>
}

export function working(door: Pick<Door, 'data'>): Working {
  const tell: Working['tell'] = async (mutation, input) => {
    const type = `${mutation[0]?.toUpperCase()}${mutation.slice(1)}`
    const data = await door.data(
      `mutation ($input: ${type}Input!) { ${mutation}(input: $input) {
        __typename
        ... on ${type}Success { ${FIELDS[mutation]} }
        ... on InvalidInputError { fields { path message } }
        ... on Error { code message }
      } }`,
      { input },
    )
    return data[mutation] as Told
  }
  return {
    tell,
    async claim(agent, more = {}) {
      const told = await tell('claimWork', { agent, worker: 'one', waitMs: 25_000, ...more })
      if (!told.work) throw new Error(JSON.stringify(told))
      return told.work
    },
  }
}

/** What of a claim stands in every later word of it. */
export const held = ({ attempt, fence }: Claimed): { attempt: string; fence: number } => ({ attempt, fence })

/** Registers an agent of the door's project whose workers do what its name says. */
export async function hire(door: Door, name: string, more: object = {}): Promise<Told['agent'] & { id: string }> {
  const input = { project: door.house.projectId, name, type: 'GENERAL', capabilities: [name], runtime: 'pull' }
  const { agent, ...rest } = await working(door).tell('registerAgent', { ...input, runtimeConfig: {}, ...more })
  if (!agent) throw new Error(JSON.stringify(rest))
  return agent
}

/**
 * Starts a session of one part that an agent does, as soon as the coordinator knows of the agent; its id.
 *
 * @param more members of the part
 * @param input members of startOrchestration
 */
export async function start(by: Orchestra, name: string, more: object = {}, input: object = {}): Promise<string> {
  let session: { id: string } | undefined
  const begin = async () => {
    const answered = await by.tryStart([part('a', { capabilities: [name], ...more })], input)
    session = answered.session
    return answered
  }
  await expect.poll(begin).toMatchObject({ __typename: 'StartOrchestrationSuccess' })
  return session?.id.replace('Session:', '') as string
}
