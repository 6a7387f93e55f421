import type { SessionState } from '../../src/core/state.ts'
import type { Door } from './door.ts'

/** What a mutation answered: its success, or an error of its union. */
export interface Answered {
  __typename: string
  code?: string
  message?: string
  fields?: { path: string[]; message: string }[]
  session?: { id: string; [field: string]: unknown }
  interrupt?: Record<string, unknown>
  replayed?: boolean
}

/** The words of a test that moves sessions through an open door. */
export interface Orchestra {
  /** Does a mutation; `shown` is asked of the session or the interrupt of its success. */
  act(mutation: string, input: object, shown?: string): Promise<Answered>
  /** Starts a session of parts that the worker does; the test fails if it is refused. Its UUID. */
  start(parts: object[], input?: object): Promise<string>
  /** What startOrchestration answers to parts, with a title for each. */
  tryStart(parts: object[], input?: object): Promise<Answered>
  /** Fields of a session. */
  session(id: string, fields: string): Promise<Record<string, never>>
  /** Registers an agent that runs the command of its name. */
  hire(name: string, capability?: string): Promise<void>
  /** The id of the interrupt that is open in a session, once there is one. */
  asked(id: string): Promise<string>
}

export const part = (key: string, more: object = {}) => ({
  key,
  title: `Do ${key}`,
  capabilities: ['anything'],
  ...more,
})

const openOf = ({ interrupts }: SessionState) => interrupts.find(({ status }) => status === 'OPEN')

export function orchestra(door: Door): Orchestra {
  const act: Orchestra['act'] = async (mutation, input, shown = 'id') => {
    const type = `${mutation[0]?.toUpperCase()}${mutation.slice(1)}`
    const subject = mutation === 'answerInterrupt' ? 'interrupt' : 'session'
    const replayed = /^(start|retry|fork)/.test(mutation) ? 'replayed' : ''
    const data = await door.data(
      `mutation ($input: ${type}Input!) { ${mutation}(input: $input) {
        __typename
        ... on ${type}Success { ${replayed} ${subject} { ${shown} } }
        ... on InvalidInputError { fields { path message } }
        ... on Error { code message }
      } }`,
      { input },
    )
    return data[mutation] as Answered
  }
  const tryStart: Orchestra['tryStart'] = (parts, input = {}) =>
    act('startOrchestration', { project: door.house.projectId, task: { title: 'a task', subTasks: parts }, ...input })
  return {
    act,
    tryStart,
    async start(parts, input) {
      const answered = await tryStart(parts, input)
      if (!answered.session) throw new Error(JSON.stringify(answered))
      return answered.session.id.replace('Session:', '')
    },
    async session(id, fields) {
      const data = await door.data(`query ($id: ID!) { session(id: $id) { ${fields} } }`, { id })
      return data['session'] as Record<string, never>
    },
    async hire(name, capability = name) {
      const input = { project: door.house.projectId, name, type: 'GENERAL', capabilities: [capability] }
      const data = await door.data(
        'mutation ($input: RegisterAgentInput!) { registerAgent(input: $input) { __typename ... on Error { message } } }',
        { input: { ...input, runtime: 'command', runtimeConfig: { command: name } } },
      )
      const { message } = data['registerAgent'] as { message?: string }
      if (message !== undefined) throw new Error(message)
    },
    async asked(id) {
      const state = await door.house.until(id, (state) => openOf(state) !== undefined)
      return openOf(state)?.id as string
    },
  }
}
