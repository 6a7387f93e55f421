import type { AgentType, WorkspaceUse } from '../../core/agent.ts'
import { RegisterAgentMutation, RuntimesQuery } from '../agent-operations.ts'
import { type AgentLine, lineOf, takesWork } from '../agents.ts'
import { askAgent, type Driven, type Wanted } from '../ask-agent.ts'
import type { Client } from '../client.ts'
import { Failure } from '../failure.ts'
import type { ServerOptions } from '../home.ts'
import { projectCalled } from '../project.ts'
import { uuidOf } from '../result.ts'
import { openServer } from '../server.ts'
import { ProjectQuery } from '../token-operations.ts'
import { quoted, typedFor } from '../typed.ts'
import { inWords, oneLine } from '../words.ts'

/** Runtimes that are told the name of something that the operator has configured. */
const NAMING = ['command', 'model', 'acp', 'a2a'] as const

interface AddOptions extends ServerOptions, Partial<Record<(typeof NAMING)[number], string>> {
  type?: AgentType
  capability?: readonly string[]
  description?: string
  pull?: boolean
  slots?: number
  workspace?: WorkspaceUse
  /** Id or name of the one project that may use it. */
  project?: string
  json?: boolean
}

/** `tutti agents add`: registers an agent, or a new version of it. Returns the exit code. */
export async function addAgent(name: string, options: AddOptions): Promise<number> {
  const given = givenIn(options)
  if (!isComplete(given) && !inTerminal(options)) throw new Failure(missingIn(name, given))
  const server = await openServer(options, { embed: false, say: () => {} })
  try {
    const { client } = server
    const wanted = isComplete(given) ? given : await askAgent(given, await runtimesOf(client))
    if (!wanted) {
      process.stdout.write('Nothing was registered.\n')
      return 1
    }
    const { agent, changed } = await register(client, name, wanted, options)
    const isNew = changed && agent.version === 1
    const lines =
      options.json === true
        ? [JSON.stringify({ ...agent, changed, new: isNew }, null, 2)]
        : told(agent, { changed, isNew }, typedFor(options))
    process.stdout.write(`${lines.join('\n')}\n`)
    return 0
  } finally {
    await server.close()
  }
}

/** Whether somebody sits at the keyboard who can be asked. */
const inTerminal = ({ json }: AddOptions): boolean =>
  json !== true && process.stdin.isTTY === true && process.stdout.isTTY === true

function givenIn(options: AddOptions): Partial<Wanted> {
  const { type, description, capability, pull } = options
  const kind = NAMING.find((candidate) => options[candidate] !== undefined)
  const driven: Driven | undefined =
    kind !== undefined
      ? { runtime: kind, runtimeConfig: { [kind]: options[kind] as string } }
      : pull === true
        ? { runtime: 'pull', runtimeConfig: {} }
        : undefined
  return {
    ...(type && { type }),
    ...(description !== undefined && { description }),
    ...(capability && { capabilities: capability }),
    ...(driven && { driven }),
  }
}

const isComplete = (given: Partial<Wanted>): given is Wanted =>
  given.type !== undefined &&
  given.description !== undefined &&
  given.capabilities !== undefined &&
  given.driven !== undefined

function missingIn(name: string, given: Partial<Wanted>): string {
  const missing = [
    ...(given.type === undefined ? ['--type <type>'] : []),
    ...(given.capabilities === undefined ? ['--capability <skill>'] : []),
    ...(given.description === undefined ? ['--description <text>'] : []),
    ...(given.driven === undefined ? ['one of --command, --model, --acp, --a2a <name>, or --pull'] : []),
  ]
  const example = `tutti agents add ${quoted(name)} --type TESTING --capability run-tests --description "Runs the tests." --command ${quoted(name)}`
  return `To register ${name}, also give ${missing.join('; ')}. For instance:\n  ${example}`
}

async function runtimesOf(client: Client): Promise<readonly string[]> {
  return (await client.ask(RuntimesQuery, {})).health.runtimes
}

/** @throws Failure with what it lacks */
async function register(
  client: Client,
  name: string,
  { driven, ...wanted }: Wanted,
  { slots, workspace, project }: AddOptions,
): Promise<{ agent: AgentLine; changed: boolean }> {
  const find = async (sought: { id: string } | { name: string }): Promise<string | undefined> => {
    const { project: found } = await client.ask(ProjectQuery, sought)
    return found ? uuidOf(found.id) : undefined
  }
  const input = {
    name,
    ...wanted,
    capabilities: [...wanted.capabilities],
    ...driven,
    ...(slots !== undefined && { slots }),
    ...(workspace && { workspace }),
    ...(project !== undefined && { project: await projectCalled(project, find) }),
  }
  const { registerAgent } = await client.ask(RegisterAgentMutation, { input })
  if (registerAgent.__typename !== 'RegisterAgentSuccess') {
    throw new Failure(`${name} is not registered. ${registerAgent.message}`)
  }
  return { agent: lineOf(registerAgent.agent), changed: registerAgent.changed }
}

function told(
  agent: AgentLine,
  { changed, isNew }: { changed: boolean; isNew: boolean },
  typed: (args: string) => string,
): string[] {
  const { version, status, reason } = agent
  const name = oneLine(agent.name)
  const deed = isNew
    ? `${name} is registered: new, version ${version}.`
    : changed
      ? `${name} is registered anew: version ${version}.`
      : `${name} was registered like this already: version ${version}, nothing has changed.`
  const health = reason === null ? `It is ${inWords(status)}.` : `It is ${inWords(status)}: ${oneLine(reason)}`
  return [deed, health, ...(takesWork(agent) ? [`Try it: ${typed(`agents test ${quoted(agent.name)}`)}`] : [])]
}
