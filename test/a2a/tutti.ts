import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AgentCard, type Message, type Part, Role, type SendMessageRequest, type Task } from '@a2a-js/sdk'
import { type Client, ClientFactory, JsonRpcTransportFactory } from '@a2a-js/sdk/client'
import pino from 'pino'
import { createApp } from '../../src/app.ts'
import { type Config, readConfig } from '../../src/config.ts'
import { freshPostgres } from '../database.ts'
import { POSTGRES_TEMPLATE } from '../services.ts'
import { dataPart, messageOf, textPart } from '../fixtures/a2a/parts.ts'

const CLERK = join(import.meta.dirname, '../fixtures/agents/clerk.js')
export const PROJECT = 'office'

/** A whole server that is an agent for others, with one clerk in it; on PostgreSQL with STORE=postgres. */
export interface Tutti {
  url: string
  /** What a document answers; errors fail the test. */
  data(query: string, variables?: object): Promise<Record<string, unknown>>
  /** Makes a token and gives its secret. */
  token(roles: string[], project?: string): Promise<string>
  /** Starts a task over GraphQL and gives the UUID of its session. */
  orchestrate(title: string): Promise<string>
  revoke(secret: string): Promise<void>
  card(): Promise<AgentCard>
  /** A client of the library, with this token. */
  client(secret?: string): Promise<Client>
  close(): Promise<void>
}

export async function openTutti(change: Partial<Config> = {}): Promise<Tutti> {
  const folder = mkdtempSync(join(tmpdir(), 'tutti-a2a-server-'))
  const [dataDir, workspace] = [join(folder, 'data'), join(folder, 'workspace')]
  mkdirSync(workspace)
  const config = await readConfig({ TUTTI_PORT: '0', TUTTI_DATA_DIR: dataDir, PATH: process.env['PATH'] }, folder)
  const app = await createApp(
    {
      ...config,
      ...(process.env['STORE'] === 'postgres' && { databaseUrl: await freshPostgres(POSTGRES_TEMPLATE) }),
      builtinAgents: false,
      commands: { clerk: { argv: [process.execPath, CLERK] } },
      agents: [
        { name: 'clerk', type: 'GENERAL', description: '', capabilities: ['clerk'], command: 'clerk', slots: 5 },
      ],
      ...change,
    },
    pino({ level: 'silent' }),
  )
  const { url, houseKey } = app
  const data: Tutti['data'] = async (query, variables = {}) => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${houseKey}` }
    const body = JSON.stringify({ query, variables })
    const answer = (await (await fetch(`${url}/graphql`, { method: 'POST', headers, body })).json()) as {
      data: Record<string, unknown>
      errors?: object
    }
    if (answer.errors) throw new Error(JSON.stringify(answer.errors))
    return answer.data
  }
  const project = async (name: string): Promise<string> => {
    const input = { name, workspace }
    const { createProject } = await data(
      'mutation ($input: CreateProjectInput!) { createProject(input: $input) { ... on CreateProjectSuccess { project { id } } ... on Error { message } } }',
      { input },
    )
    return (createProject as { project: { id: string } }).project.id
  }
  const ids: Record<string, string> = { [PROJECT]: await project(PROJECT), other: await project('other') }
  /** Ids of tokens by their secrets. */
  const tokens = new Map<string, string>()
  return {
    url,
    data,
    async token(roles, name) {
      const input = { name: roles.join() || 'nobody', roles, ...(name !== undefined && { project: ids[name] }) }
      const { createToken } = await data(
        'mutation ($input: CreateTokenInput!) { createToken(input: $input) { ... on CreateTokenSuccess { secret token { id } } ... on Error { message } } }',
        { input },
      )
      const { secret, token } = createToken as { secret: string; token: { id: string } }
      tokens.set(secret, token.id)
      return secret
    },
    async revoke(secret) {
      const input = { id: tokens.get(secret) }
      await data('mutation ($input: RevokeTokenInput!) { revokeToken(input: $input) { __typename } }', { input })
    },
    async orchestrate(title) {
      const { startOrchestration } = await data(
        'mutation ($input: StartOrchestrationInput!) { startOrchestration(input: $input) { ... on StartOrchestrationSuccess { session { id } } ... on Error { message } } }',
        { input: { project: ids[PROJECT], task: { title } } },
      )
      return (startOrchestration as { session: { id: string } }).session.id.replace('Session:', '')
    },
    card: async () => (await (await fetch(`${url}/.well-known/agent-card.json`)).json()) as AgentCard,
    client(secret) {
      const fetchImpl: typeof fetch = (input, init = {}) => {
        const headers = new Headers(init.headers)
        if (secret !== undefined) headers.set('authorization', `Bearer ${secret}`)
        return fetch(input, { ...init, headers })
      }
      return new ClientFactory({ transports: [new JsonRpcTransportFactory({ fetchImpl })] }).createFromUrl(url)
    },
    async close() {
      await app.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A message with these words, and data. */
export function say(text: string, { data, ...more }: Partial<Message> & { data?: object } = {}): SendMessageRequest {
  const parts: Part[] = [...(text === '' ? [] : [textPart(text)]), ...(data === undefined ? [] : [dataPart(data)])]
  const message = messageOf(Role.ROLE_USER, parts, more)
  return { tenant: '', message, configuration: undefined, metadata: undefined }
}

export const isTask = (answer: Task | Message): answer is Task => !('messageId' in answer)
