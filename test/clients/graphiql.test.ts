import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Door, openDoor } from '../graphql/door.ts'
import { areInstalled, findProgram, missing } from './installed.ts'

const chromium = findProgram('chromium', 'chromium-browser', 'google-chrome')
if (chromium === undefined) missing('a browser', 'apt-get install chromium')
const canTry = areInstalled && chromium !== undefined

let door: Door
let browser: Browser
beforeAll(async () => {
  if (!canTry) return
  const playwright = await import('playwright-core')
  const args = ['--no-sandbox', '--disable-dev-shm-usage']
  ;[door, browser] = await Promise.all([openDoor(), playwright.chromium.launch({ executablePath: chromium, args })])
})
afterAll(async () => {
  await browser?.close()
  await door?.close()
})

/** GraphiQL with a document in its editor, and all that it complains about and asks elsewhere. */
async function open(query: string): Promise<{ page: Page; complaints: string[]; elsewhere: string[] }> {
  const page = await browser.newPage({ colorScheme: 'dark' })
  page.setDefaultTimeout(60_000)
  const complaints: string[] = []
  const elsewhere: string[] = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  const asked = (address: string) => {
    const { protocol, pathname, host } = new URL(address)
    const of = protocol === 'blob:' ? new URL(pathname).host : protocol === 'data:' ? new URL(door.url).host : host
    if (of !== new URL(door.url).host) elsewhere.push(address)
  }
  page.on('request', (request) => asked(request.url()))
  page.on('websocket', (socket) => asked(socket.url()))
  await page.goto(`${door.url}/graphql?query=${encodeURIComponent(query)}`)
  await page.click('.graphiql-execute-button')
  return { page, complaints, elsewhere }
}

const shows = (page: Page, text: string) => page.locator('.result-window', { hasText: text }).waitFor()

describe.skipIf(!canTry)('GraphiQL in a browser', () => {
  it('loads under its policy, in the dark, runs a query, and asks no other host for anything', async () => {
    const { page, complaints, elsewhere } = await open('{ health { version } }')
    await shows(page, '1.2.3')
    const background = await page.evaluate(
      `getComputedStyle(document.querySelector('.graphiql-container')).backgroundColor`,
    )
    const [red, green, blue] = String(background).match(/\d+/g)!.map(Number)
    expect(Math.max(red!, green!, blue!)).toBeLessThan(100)
    // Its schema has arrived: the documentation shows what can be asked for.
    await page.getByLabel('Show Documentation Explorer').click()
    await page.locator('.graphiql-plugin', { hasText: 'Subscription' }).waitFor()
    expect({ complaints, elsewhere }).toEqual({ complaints: [], elsewhere: [] })
  })

  it('shows the events of a session as they come, to the last one', async () => {
    const gate = { person: { question: 'Go on?' } }
    const started = await door.data(
      `mutation ($input: StartOrchestrationInput!) {
        startOrchestration(input: $input) { ... on StartOrchestrationSuccess { session { id } } }
      }`,
      {
        input: {
          project: door.house.projectId,
          task: { title: 'x', subTasks: [{ key: 'a', title: 'a', capabilities: ['anything'], gates: [gate] }] },
        },
      },
    )
    const { id } = (started as { startOrchestration: { session: { id: string } } }).startOrchestration.session
    const { page, complaints, elsewhere } = await open(
      `subscription { sessionEvents(sessionId: "${id}") { ... on SessionEvent { cursor event { type } } } }`,
    )
    await shows(page, 'SESSION_INTERRUPTED')
    const { interrupts } = await door.house.until(id.replace('Session:', ''), (state) => state.interrupts.length > 0)
    await door.data(
      'mutation ($id: ID!) { answerInterrupt(input: { id: $id, choice: APPROVE }) { ... on Error { message } } }',
      { id: interrupts[0]?.id },
    )
    await shows(page, 'SESSION_SUCCEEDED')
    expect({ complaints, elsewhere }).toEqual({ complaints: [], elsewhere: [] })
  })
})
