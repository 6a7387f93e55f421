import { type StreamResponse, type Task, TaskState } from '@a2a-js/sdk'
import type { Client } from '@a2a-js/sdk/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isTask, openTutti, PROJECT, say, type Tutti } from './tutti.ts'

let tutti: Tutti
let operator: Client
beforeAll(async () => {
  tutti = await openTutti({ a2aServer: await definition() })
  operator = await tutti.client(await tutti.token(['OPERATOR']))
})
afterAll(() => tutti.close())

async function definition(change: object = {}) {
  const { a2aServerDefinition } = await import('../../src/a2a/definition.ts')
  return a2aServerDefinition.parse({ project: PROJECT, ...change })
}

const stateIn = ({ status }: Pick<Task, 'status'>): string => TaskState[status?.state ?? 0] as string
async function send(client: Client, ...of: Parameters<typeof say>): Promise<Task> {
  const answer = await client.sendMessage(say(...of))
  if (!isTask(answer)) throw new Error(JSON.stringify(answer))
  return answer
}
const wordsIn = ({ status }: Pick<Task, 'status'>): unknown => status?.message?.parts[0]?.content?.value
async function all(stream: AsyncGenerator<StreamResponse>): Promise<NonNullable<StreamResponse['payload']>[]> {
  const payloads = []
  for await (const { payload } of stream) if (payload) payloads.push(payload)
  return payloads
}

describe('the card of Tutti', () => {
  it('is shown to everybody, and says where it is spoken to and that a token is needed', async () => {
    expect(await tutti.card()).toMatchObject({
      name: 'Tutti',
      supportedInterfaces: [{ url: `${tutti.url}/a2a`, protocolBinding: 'JSONRPC', protocolVersion: '1.0' }],
      capabilities: { streaming: true },
      securityRequirements: [{ schemes: { token: {} } }],
      skills: [{ id: 'orchestrate' }],
    })
  })
})

describe('a task that another agent gives', () => {
  it('is a session: it comes to its end, with its output and its files as artifacts', async () => {
    const task = await send(operator, 'Greet the world')
    expect(stateIn(task)).toBe('TASK_STATE_COMPLETED')
    expect(wordsIn(task)).toBe('Greet is done')
    const parts = Object.fromEntries(task.artifacts.map(({ name, parts: [part] }) => [name, part]))
    expect(parts['note.txt']).toMatchObject({ filename: 'note.txt', content: { $case: 'raw' } })
    expect(String(parts['note.txt']?.content?.value)).toBe('a note of Greet the world')
    expect(parts['output']).toMatchObject({ content: { $case: 'data', value: { task: { title: 'Greet the world' } } } })
    const { session } = await tutti.data(`{ session(id: "${task.id}") { status task { title } } }`)
    expect(session).toEqual({ status: 'SUCCEEDED', task: { title: 'Greet the world' } })
    expect(await operator.getTask({ tenant: '', id: task.id })).toMatchObject({
      id: task.id,
      contextId: task.contextId,
    })
  })

  it('is told as a stream: first the task, then what happens, artifacts, and the end', async () => {
    const payloads = await all(operator.sendMessageStream(say('Greet in a stream')))
    const cases = payloads.map(({ $case }) => $case)
    expect(cases[0]).toBe('task')
    expect(cases).toContain('artifactUpdate')
    const statuses = payloads.flatMap((payload) => (payload.$case === 'statusUpdate' ? [payload.value] : []))
    expect(statuses.map(wordsIn)).toContain('The plan is made.')
    expect(statuses.map(wordsIn)).toContainEqual(expect.stringMatching(/: Greet is done$/))
    expect(stateIn(statuses.at(-1) as never)).toBe('TASK_STATE_COMPLETED')
    expect(cases.at(-1)).toBe('statusUpdate')
  })

  it('that fails says why', async () => {
    const task = await send(operator, 'Fail at once')
    expect(stateIn(task)).toBe('TASK_STATE_FAILED')
    expect(wordsIn(task)).toContain('the pen is broken')
  })

  it('is canceled and ends CANCELED, for whoever streams it too; and what has ended cannot be', async () => {
    const stream = operator.sendMessageStream(say('Sleep for long'))
    const first = (await stream.next()).value as StreamResponse
    const { id } = (first.payload as { value: Task }).value
    const rest = all(stream)
    expect(stateIn(await operator.cancelTask({ tenant: '', id, metadata: undefined }))).toBe('TASK_STATE_CANCELED')
    const last = (await rest).at(-1)
    expect(last?.$case === 'statusUpdate' && stateIn(last.value)).toBe('TASK_STATE_CANCELED')
    expect(stateIn(await operator.cancelTask({ tenant: '', id, metadata: undefined }))).toBe('TASK_STATE_CANCELED')
    const done = await send(operator, 'Greet again')
    await expect(operator.cancelTask({ tenant: '', id: done.id, metadata: undefined })).rejects.toThrow('SUCCEEDED')
  })

  it('is one task however often its message comes', async () => {
    const messageId = crypto.randomUUID()
    const tasks = await Promise.all([1, 2, 3].map(() => send(operator, 'Greet once', { messageId })))
    expect(new Set(tasks.map(({ id }) => id)).size).toBe(1)
    await expect(send(operator, 'Greet twice', { messageId })).rejects.toThrow()
  })

  it('is found by its context, page by page', async () => {
    const contextId = 'our talk'
    const ids: string[] = []
    for (const name of ['one', 'two', 'three']) ids.unshift((await send(operator, `Greet ${name}`, { contextId })).id)
    const list = (pageToken: string) =>
      operator.listTasks({ tenant: '', contextId, status: 0, pageSize: 2, pageToken, statusTimestampAfter: undefined })
    const first = await list('')
    expect(first).toMatchObject({ totalSize: 3, pageSize: 2 })
    const second = await list(first.nextPageToken)
    expect([...first.tasks, ...second.tasks].map(({ id }) => id)).toEqual(ids)
    expect(second.nextPageToken).toBe('')
    await expect(list('nonsense')).rejects.toThrow('pageToken')
    await expect(send(operator, 'Greet', { contextId: '\0' })).rejects.toThrow('printable')
  })
})

describe('a question of a session', () => {
  it('is input that is required, answered by an APPROVER with a message, and the task goes on', async () => {
    const task = await send(operator, 'Ask for it')
    expect(stateIn(task)).toBe('TASK_STATE_INPUT_REQUIRED')
    expect(wordsIn(task)).toBe('What is the name?')
    expect(task.status?.message?.parts[1]).toMatchObject({
      content: {
        $case: 'data',
        value: { asks: [{ kind: 'QUESTION', shown: { hint: 'short' }, choices: ['ANSWER', 'REJECT'] }] },
      },
    })
    await expect(send(operator, 'Anna', { taskId: task.id })).rejects.toThrow('only APPROVER or ADMIN may answer')
    const approver = await tutti.client(await tutti.token(['APPROVER']))
    await expect(send(approver, '', { taskId: task.id, data: { choice: 'RAISE' } })).rejects.toThrow('ANSWER, REJECT')
    const done = await send(approver, 'Anna', { taskId: task.id, contextId: task.contextId })
    expect(stateIn(done)).toBe('TASK_STATE_COMPLETED')
    expect(wordsIn(done)).toBe('Ask is done for Anna')
    await expect(send(approver, 'Bert', { taskId: task.id })).rejects.toThrow('has ended')
  })

  it('can be answered with exactly one of its choices', async () => {
    const task = await send(operator, 'Ask and be refused')
    const approver = await tutti.client(await tutti.token(['APPROVER']))
    const [, shown] = task.status?.message?.parts ?? []
    const { asks } = (shown?.content?.value ?? { asks: [] }) as { asks: { interruptId: string; shownHash: string }[] }
    const [{ interruptId, shownHash }] = asks as [{ interruptId: string; shownHash: string }]
    const data = { interruptId, shownHash, choice: 'REJECT', text: 'not today' }
    expect(stateIn(await send(approver, '', { taskId: task.id, data }))).toBe('TASK_STATE_FAILED')
  })
})

describe('who may not', () => {
  const post = (headers: Record<string, string>, body: unknown = rpc('GetTask', { id: 'x' })) =>
    fetch(`${tutti.url}/a2a`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  const rpc = (method: string, params: object) => ({ jsonrpc: '2.0', id: 1, method, params })
  const as = (secret: string) => ({ authorization: `Bearer ${secret}` })

  it('has no token: 401, and an entry in the audit log', async () => {
    const response = await post({})
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toBe('Bearer')
    await expect((await tutti.client()).sendMessage(say('Greet'))).rejects.toThrow('401')
    expect((await post(as('wrong'))).status).toBe(401)
  })

  it('has no right: 403, nothing happens, and it is written down', async () => {
    const viewer = await tutti.client(await tutti.token(['VIEWER']))
    await expect(viewer.sendMessage(say('Greet nobody'))).rejects.toThrow('That takes OPERATOR or ADMIN')
    const stranger = await tutti.token(['ADMIN'], 'other')
    const refused = await post(as(stranger))
    expect([refused.status, await refused.json()]).toMatchObject([
      403,
      { error: { message: expect.stringContaining('other projects') } },
    ])
    const { auditLog } = await tutti.data('{ auditLog(first: 50) { nodes { act code outcome } } }')
    const entries = (auditLog as { nodes: object[] }).nodes
    expect(entries).toContainEqual({ act: 'A2A SendMessage', code: 'FORBIDDEN', outcome: 'REFUSED' })
    expect(entries).toContainEqual({ act: 'A2A GetTask', code: 'FOREIGN_PROJECT', outcome: 'REFUSED' })
    expect(entries).toContainEqual({ act: 'A2A cancelSession', code: null, outcome: 'DONE' })
    expect(entries).toContainEqual({ act: 'A2A answerInterrupt', code: null, outcome: 'DONE' })
  })

  it('loses the token: what is streamed ends, and the task goes on', async () => {
    const secret = await tutti.token(['OPERATOR'])
    const stream = (await tutti.client(secret)).sendMessageStream(say('Sleep on'))
    const { payload } = (await stream.next()).value as StreamResponse
    const { id } = (payload as { value: Task }).value
    await tutti.revoke(secret)
    expect((await all(stream)).map(({ $case }) => $case)).not.toContain('task')
    expect(stateIn(await operator.getTask({ tenant: '', id }))).toBe('TASK_STATE_WORKING')
    await operator.cancelTask({ tenant: '', id, metadata: undefined })
    await expect((await tutti.client(secret)).getTask({ tenant: '', id })).rejects.toThrow('401')
  })

  it('asks for a session that did not come in as a task: it is not there', async () => {
    const id = await tutti.orchestrate('Greet the house')
    await expect(operator.getTask({ tenant: '', id })).rejects.toThrow(`There is no task ${id}`)
    await expect(operator.getTask({ tenant: '', id: '../etc' })).rejects.toThrow('There is no task')
  })

  it('sends what is none of the protocol: an error in its shape', async () => {
    const headers = as(await tutti.token(['OPERATOR']))
    const answers = async (body: unknown, more = {}) => {
      const response = await post({ ...headers, ...more }, body)
      return [response.status, ((await response.json()) as { error: { code: number } }).error.code]
    }
    expect(await answers('{"not json')).toEqual([200, -32602])
    expect(await answers('[]')).toEqual([200, -32602])
    expect(await answers(rpc('Nonsense', {}))).toEqual([200, -32601])
    expect(await answers(rpc('SendMessage', {}))).toEqual([200, -32602])
    expect(await answers(rpc('GetTask', { id: 'a'.repeat(1_100_000) }))).toEqual([413, -32600])
    const endless = new ReadableStream({ pull: (queue) => queue.enqueue(new Uint8Array(65_536).fill(32)) })
    const init = {
      method: 'POST',
      body: endless,
      duplex: 'half',
      headers: { ...headers, 'content-type': 'application/json' },
    }
    expect((await fetch(`${tutti.url}/a2a`, init as RequestInit)).status).toBe(413)
    expect(await answers(rpc('GetTask', { id: 'x' }), { 'content-type': 'text/plain' })).toEqual([415, -32600])
    expect(await answers(rpc('GetTask', { id: 'x' }), { 'a2a-version': '0.3' })).toEqual([400, -32600])
    expect((await fetch(`${tutti.url}/a2a`, { headers })).status).toBe(405)
    expect(
      await answers(rpc('CreateTaskPushNotificationConfig', { taskId: 'x', url: 'http://169.254.169.254/' })),
    ).toEqual([200, -32003])
  })
})

describe('Tutti', () => {
  it('gives work to another Tutti, whose files become its own, and is no agent itself unless told', async () => {
    const other = await openTutti({
      a2a: { friend: { card: tutti.url, allowPrivate: ['127.0.0.1'], tokenEnv: 'FRIEND' } },
      environment: { PATH: process.env['PATH'], FRIEND: await tutti.token(['OPERATOR']) },
      agents: [{ name: 'friend', type: 'GENERAL', description: '', capabilities: ['friend'], a2a: 'friend', slots: 1 }],
    })
    try {
      for (const path of ['/.well-known/agent-card.json', '/a2a']) {
        expect((await fetch(`${other.url}${path}`)).status).toBe(404)
      }
      const session = await other.orchestrate('Greet from afar')
      const fields =
        'status artifacts(first: 5) { nodes { name text } } executions(first: 5) { nodes { agent { name } evidence { kind passed detail } } }'
      const read = async () =>
        (await other.data(`{ session(id: "${session}") { ${fields} } }`))['session'] as { status: string }
      await expect.poll(async () => (await read()).status, { timeout: 50_000 }).toBe('SUCCEEDED')
      expect(await read()).toMatchObject({
        artifacts: { nodes: [{ name: 'note.txt', text: expect.stringContaining('a note of Greet from afar') }] },
        executions: {
          nodes: [
            { agent: { name: 'friend' }, evidence: [{ kind: 'A2A_TASK', passed: true, detail: { agent: 'Tutti' } }] },
          ],
        },
      })
    } finally {
      await other.close()
    }
  })
})
