import type { IncomingMessage, ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'

/** What its tabs hold at first. */
export const EXAMPLES = [
  `# Make a project; workspace is a folder on the server that agents may work on.
mutation CreateProject {
  createProject(input: { name: "my-project", workspace: "/path/to/a/repository" }) {
    ... on CreateProjectSuccess { project { id name } }
    ... on InvalidInputError { fields { path message } }
    ... on Error { code message }
  }
}`,
  `# What would become of a task? Nothing is started.
query Analyze {
  analyzeTask(
    input: {
      project: "the id of a project"
      task: { title: "Audit the repository", description: "Find dependency cycles, look for duplicated code, and write a report." }
    }
  ) {
    ... on AnalyzeTaskSuccess {
      analysis { complexity pattern patternReason risk }
      plan { pattern nodes { key title } edges { from to } criticalPath }
      selections { key agent { name } reasons }
    }
    ... on Error { code message }
  }
}`,
  `# Start an orchestration.
mutation Start {
  startOrchestration(
    input: {
      project: "the id of a project"
      task: { title: "Audit the repository", description: "Find dependency cycles, look for duplicated code, and write a report." }
      pattern: AUTO
    }
  ) {
    ... on StartOrchestrationSuccess { session { id status pattern } }
    ... on InvalidInputError { fields { path message } }
    ... on Error { code message }
  }
}`,
  `# Watch a session: its state, then every event, live.
subscription Watch {
  sessionEvents(sessionId: "the id of a session") {
    ... on SessionSnapshot { seq session { status } }
    ... on SessionEvent { cursor event { type at execution { key status } data } }
  }
}`,
  `# The latest sessions.
query Sessions {
  sessions(first: 10) {
    totalCount
    nodes { id status pattern reason durationMs task { title } executionCounts { status count } }
  }
}`,
]

/** Its page is one inline script with workers of its own, and talks to nobody but this server. */
const POLICY = [
  "default-src 'none'",
  "script-src 'unsafe-inline' 'unsafe-eval' blob:",
  'worker-src blob:',
  "style-src 'unsafe-inline'",
  'img-src data:',
  'font-src data:',
  "connect-src 'self' ws: wss:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

interface Page {
  plain: Buffer
  zipped: Buffer
}

const pages = new Map<readonly string[], Promise<Page>>()
/** What whoever is not known here finds in it. */
const STRANGE = ['# Put {"authorization": "Bearer …"} into the tab Headers, with a token of yours.\n']

/**
 * Sends GraphiQL, whole and without anything from elsewhere.
 *
 * @param isKnown whether it may show the examples
 */
export async function sendGraphiql(
  request: IncomingMessage,
  response: ServerResponse,
  isKnown: boolean,
): Promise<void> {
  const { plain, zipped } = await pageWith(isKnown ? EXAMPLES : STRANGE)
  const zip = /\bgzip\b/.test(String(request.headers['accept-encoding']))
  response.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    'content-length': zip ? zipped.byteLength : plain.byteLength,
    ...(zip && { 'content-encoding': 'gzip' }),
    vary: 'accept, accept-encoding, authorization',
    'content-security-policy': POLICY,
    'cache-control': isKnown ? 'private, max-age=3600' : 'no-store',
  })
  response.end(request.method === 'HEAD' ? undefined : zip ? zipped : plain)
}

function pageWith(tabs: readonly string[]): Promise<Page> {
  let page = pages.get(tabs)
  if (!page) {
    page = render(tabs)
    pages.set(tabs, page)
  }
  return page
}

async function render(tabs: readonly string[]): Promise<Page> {
  // 9 MB that most servers are never asked for.
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql')
  const html = renderGraphiQL({
    title: 'Tutti',
    subscriptionsProtocol: 'SSE',
    shouldPersistHeaders: false,
    defaultTabs: tabs.map((query) => ({ query })),
  })
  const plain = Buffer.from(html)
  return { plain, zipped: await promisify(gzip)(plain) }
}
