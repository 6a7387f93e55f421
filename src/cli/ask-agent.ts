import type inputPrompt from '@inquirer/input'
import type selectPrompt from '@inquirer/select'
import { AGENT_TYPES, type AgentType } from '../core/agent.ts'
import { orLeft } from './ask-person.ts'

/** How an agent is driven. */
export interface Driven {
  runtime: string
  runtimeConfig: Record<string, string>
}

/** What has to be known of an agent to register it. */
export interface Wanted {
  type: AgentType
  description: string
  capabilities: readonly string[]
  driven: Driven
}

const TYPES: Record<AgentType, string> = {
  CODEGEN: 'writes or changes code',
  TESTING: 'runs or writes tests',
  DOCUMENTATION: 'writes documentation',
  ANALYSIS: 'finds out how something is',
  REVIEW: 'finds mistakes in what others made',
  DEPLOYMENT: 'releases, or checks whether that can be done',
  PLANNER: 'plans and delegates',
  GENERAL: 'whatever comes up',
}

const RUNTIMES: Record<string, string> = {
  command: 'a program of the server, by the name that tutti.config.ts gives it',
  model: 'a language model, by the name that tutti.config.ts gives it',
  acp: 'a coding agent that speaks ACP, by the name that tutti.config.ts gives it',
  a2a: 'a remote agent that speaks A2A, by the name that tutti.config.ts gives it',
  pull: 'workers that fetch its work over the API',
}

/**
 * Asks for what is missing of an agent.
 *
 * @param runtimes that the server has
 * @returns undefined: the person left
 */
export async function askAgent(given: Partial<Wanted>, runtimes: readonly string[]): Promise<Wanted | undefined> {
  const [{ default: select }, { default: input }] = await Promise.all([
    import('@inquirer/select'),
    import('@inquirer/input'),
  ])
  const choices = AGENT_TYPES.map((value) => ({ value, name: value.toLowerCase(), description: TYPES[value] }))
  const type = given.type ?? (await orLeft(select<AgentType>({ message: 'What is it for?', choices })))
  if (type === undefined) return undefined
  const description =
    given.description ??
    (await orLeft(input({ message: 'What does it do, on what, and what does it leave behind?', required: true })))
  if (description === undefined) return undefined
  const capabilities = given.capabilities ?? (await askCapabilities(input))
  if (!capabilities) return undefined
  const driven = given.driven ?? (await askDriven({ select, input }, runtimes))
  return driven && { type, description, capabilities, driven }
}

type Input = typeof inputPrompt
type Select = typeof selectPrompt

const listed = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')

async function askCapabilities(input: Input): Promise<string[] | undefined> {
  const message = 'Its skills, separated by commas, for instance run-tests, lint'
  const text = await orLeft(input({ message, validate: (answer) => listed(answer).length > 0 || 'Name at least one.' }))
  return text === undefined ? undefined : listed(text)
}

async function askDriven(
  { select, input }: { select: Select; input: Input },
  runtimes: readonly string[],
): Promise<Driven | undefined> {
  const choices = runtimes
    .filter((name) => Object.hasOwn(RUNTIMES, name))
    .map((value) => ({ value, description: RUNTIMES[value] ?? '' }))
  const runtime = await orLeft(select<string>({ message: 'How is it driven?', choices }))
  if (runtime === undefined || runtime === 'pull') return runtime && { runtime, runtimeConfig: {} }
  const name = await orLeft(input({ message: `The name of the ${runtime} in tutti.config.ts`, required: true }))
  return name === undefined ? undefined : { runtime, runtimeConfig: { [runtime]: name.trim() } }
}
