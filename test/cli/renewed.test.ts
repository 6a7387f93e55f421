import { expect, it } from 'vitest'
import { createClient } from '../../src/cli/client.ts'
import { events } from '../../src/cli/events.ts'
import { openDoor } from '../graphql/door.ts'

it('a session is followed to its end over as many connections as the server allows', async () => {
  const door = await openDoor({ limits: { socketMs: 200 } })
  let client = createClient(door.url)
  const notices: string[] = []
  const server = {
    get client() {
      return client
    },
    dataDir: door.house.dataDir,
    async reopen() {
      client.close()
      client = createClient(door.url)
    },
    close: async () => client.close(),
  }
  const id = await door.house.start([
    { key: 'a', input: { sleepMs: 3_000 } },
    { key: 'b', dependsOn: ['a'] },
  ])
  const seen: number[] = []
  for await (const { seq } of events(server, id, (text) => notices.push(text), new AbortController().signal))
    seen.push(seq)
  const { seq } = await door.house.end(id)
  expect(seen).toEqual(Array.from({ length: seq }, (_, index) => index + 1))
  expect(notices).toContain('the connection is lost; it is taken up again')
  await server.close()
  await door.close()
})
