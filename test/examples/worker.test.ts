import { type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from 'vitest'
import { folderWith, start } from '../cli/tutti.ts'
import { startMember } from '../servers/member.ts'

const EXAMPLE = fileURLToPath(new URL('../../examples/worker', import.meta.url))
const read = (name: string): string => readFileSync(join(EXAMPLE, name), 'utf8')
const processes: ChildProcess[] = []
afterAll(() => processes.forEach((child) => child.kill('SIGKILL')))

it('workers in TypeScript and with curl alone do what the example says', async () => {
  const folder = folderWith({ 'tutti.config.json': read('tutti.config.json') })
  const server = await startMember(folder, {}, (child) => processes.push(child))
  const made = await server.ask(
    `mutation ($workspace: String!) { createProject(input: { name: "p", workspace: $workspace }) {
      ... on CreateProjectSuccess { project { id } } } }`,
    { workspace: folder },
  )
  const { project } = made['createProject'] as { project: { id: string } }
  const started = await server.ask(
    `mutation ($input: StartOrchestrationInput!) { startOrchestration(input: $input) {
      ... on StartOrchestrationSuccess { session { id } } ... on Error { message } } }`,
    { input: { ...(JSON.parse(read('task.json')) as object), project: project.id } },
  )
  const { session } = started['startOrchestration'] as { session?: { id: string } }
  expect(started).toMatchObject({ startOrchestration: { session: {} } })

  const env = { TUTTI_URL: server.url }
  const typescript = start(EXAMPLE, process.execPath, ['worker.ts'], env)
  const shell = start(EXAMPLE, 'sh', ['worker.sh'], env)
  const ended = async () => {
    const query = 'query ($id: ID!) { session(id: $id) { status output artifacts { nodes { name } } } }'
    return (await server.ask(query, { id: session?.id }))['session']
  }
  await expect.poll(ended, { timeout: 60_000 }).toMatchObject({
    status: 'SUCCEEDED',
    output: { words: 9, system: expect.any(String), processor: expect.any(String) },
    artifacts: { nodes: [{ name: 'words.txt' }] },
  })
  expect(typescript.stderr()).toContain('Count the words: done')
  typescript.child.kill('SIGTERM')
  expect(await typescript.ended).toMatchObject({ code: 0 })
  shell.child.kill('SIGTERM')
  await shell.ended
})
