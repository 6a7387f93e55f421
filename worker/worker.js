// Plain JavaScript, so that any Node from 20 on can run it from node_modules. Its types stand in worker.d.ts.
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'

/**
 * @import { Activity, Claimed, Context, Result, Work, WorkOptions } from './worker.d.ts'
 * @typedef {{ url: string, token: string | undefined }} Server
 * @typedef {{ attempt: string, fence: number }} Held
 * @typedef {{ __typename: string, code?: string, message?: string } & Record<string, any>} Told
 */

const ERRORS = '__typename ... on Error { code message }'
const CLAIM = `mutation WorkerClaim($input: ClaimWorkInput!) { claimWork(input: $input) {
  ${ERRORS} ... on ClaimWorkSuccess { work { attempt fence leaseUntil work } } } }`
const HEARTBEAT = `mutation WorkerHeartbeat($input: HeartbeatInput!) { heartbeat(input: $input) {
  ${ERRORS} ... on HeartbeatSuccess { canceled } } }`
const ACTIVITY = `mutation WorkerActivity($input: ReportActivityInput!) { reportActivity(input: $input) {
  ${ERRORS} ... on ReportActivitySuccess { canceled } } }`
const COMPLETE = `mutation WorkerComplete($input: CompleteWorkInput!) { completeWork(input: $input) { ${ERRORS} } }`
const FAIL = `mutation WorkerFail($input: FailWorkInput!) { failWork(input: $input) { ${ERRORS} } }`

/** What the server is asked; a test holds them against its schema. */
export const DOCUMENTS = [CLAIM, HEARTBEAT, ACTIVITY, COMPLETE, FAIL]

/** How long one call waits for work, and may take, in milliseconds. */
const WAIT_MS = 25_000
const CALL_MS = 60_000
/** Pauses between tries: doubled from the first to the last, with jitter. */
const PAUSES = { first: 250, last: 10_000 }
/** How long activities gather before they are sent, in milliseconds, and how many are sent at once. */
const GATHER_MS = 200
const AT_ONCE = 100
/** What one line for a person, and one activity, may have. */
const LINE = 500
const TEXT = 8_192
const FAILURES = new Set(['AGENT', 'CRASH', 'UNAVAILABLE', 'RATE_LIMIT', 'VALIDATION', 'AUTH', 'TOO_LARGE'])

/** The server refuses what it was asked, and would refuse it again. */
class Refusal extends Error {
  /**
   * @param {string} message
   * @param {string} [errorClass] what failWork says of it
   */
  constructor(message, errorClass = 'AGENT') {
    super(message)
    this.name = 'Refusal'
    this.class = errorClass
  }
}

/**
 * Does the work of an agent until `signal` fires; then it finishes what it has in hand.
 *
 * @param {WorkOptions} options
 * @returns {Promise<void>} rejects if the server refuses the worker: the token does not hold, or there is no such agent
 */
export async function work({
  url,
  token,
  agent,
  perform,
  name = `${hostname()}:${process.pid}`,
  slots = 1,
  leaseMs = 30_000,
  signal = new AbortController().signal,
  log = () => {},
}) {
  const server = { url: endpointOf(url), token }
  // One slot that is refused stops the others.
  const failure = new AbortController()
  const stopping = AbortSignal.any([signal, failure.signal])
  const slot = async () => {
    while (!stopping.aborted) {
      const claimed = await claim(server, { agent, worker: name, leaseMs }, stopping, log)
      if (claimed) await carryOut(server, claimed, leaseMs, perform, log)
    }
  }
  const all = Array.from({ length: slots }, () => slot().catch((error) => failure.abort(error)))
  await Promise.all(all)
  if (failure.signal.aborted) throw failure.signal.reason
}

/** @param {string} url @returns {string} */
function endpointOf(url) {
  const endpoint = new URL(url)
  if (endpoint.pathname === '/') endpoint.pathname = '/graphql'
  return endpoint.href
}

/**
 * @param {Server} server
 * @param {{ agent: string, worker: string, leaseMs: number }} wish
 * @param {AbortSignal} stopping
 * @param {(said: string) => unknown} log
 * @returns {Promise<Claimed | undefined>}
 */
async function claim(server, wish, stopping, log) {
  // Should the answer get lost, the same work is handed out again.
  const input = { ...wish, waitMs: WAIT_MS, idempotencyKey: randomUUID() }
  const told = await persist(() => call(server, CLAIM, 'claimWork', input, stopping), stopping, log)
  if (!told) return undefined
  if (told.code !== undefined && told.code !== 'LIMIT') throw new Refusal(told.message ?? told.code)
  return told.work ?? undefined
}

/**
 * @param {Server} server
 * @param {Claimed} claimed
 * @param {number} leaseMs
 * @param {(work: Work, context: Context) => Promise<Result> | Result} perform
 * @param {(said: string) => unknown} log
 */
async function carryOut(server, { attempt, fence, work }, leaseMs, perform, log) {
  const held = { attempt, fence }
  const stop = new AbortController()
  /** @param {string} why */
  const lose = (why) => {
    if (stop.signal.aborted) return
    log(`${work.title}: ${why}`)
    stop.abort(new Error(why))
  }
  /** @param {Told | undefined} told @returns {Told | undefined} */
  const hear = (told) => {
    if (told?.canceled) lose('it was canceled')
    else if (told?.code !== undefined && told.code !== 'LIMIT') lose(told.message ?? told.code)
    return told
  }
  /** @param {string} document @param {string} field @param {object} input */
  const say = async (document, field, input) =>
    hear(await persist(() => call(server, document, field, { ...held, ...input }), stop.signal, log))
  const beating = setInterval(() => {
    call(server, HEARTBEAT, 'heartbeat', held).then(hear, (error) => log(`no heartbeat: ${error.message}`))
  }, leaseMs / 3)
  const shown = createActivities(
    (first, activities) => say(ACTIVITY, 'reportActivity', { first, activities }),
    stop.signal,
  )
  log(`${work.title}: begins`)
  try {
    const result = await perform(work, { activity: shown.add, signal: stop.signal })
    await shown.flush()
    if (stop.signal.aborted) return
    const told = await persist(
      () => call(server, COMPLETE, 'completeWork', { ...held, ...inLimits(result) }),
      stop.signal,
      log,
    )
    if (told?.code === 'INVALID_INPUT') throw new Refusal(`the result is refused: ${told.message}`)
    if (hear(told)) log(`${work.title}: done`)
  } catch (error) {
    if (stop.signal.aborted) return
    const { message, class: errorClass } = /** @type {{ message?: string, class?: string }} */ (error ?? {})
    log(`${work.title}: failed: ${message}`)
    const failed = errorClass !== undefined && FAILURES.has(errorClass) ? errorClass : 'AGENT'
    await shown.flush().catch(() => {})
    await say(FAIL, 'failWork', { class: failed, message: (message || String(error)).slice(0, LINE) }).catch((last) =>
      log(`${work.title}: the failure could not be told: ${last.message}`),
    )
  } finally {
    clearInterval(beating)
  }
}

/** @param {Result} result @returns {object} */
function inLimits(result) {
  return typeof result.summary === 'string' ? { ...result, summary: result.summary.slice(0, LINE) } : result
}

/**
 * Sends activities in order, some at a time.
 *
 * @param {(first: number, activities: Activity[]) => Promise<unknown>} send
 * @param {AbortSignal} stopped
 */
function createActivities(send, stopped) {
  /** @type {Activity[]} */
  let waiting = []
  let sent = 0
  /** @type {Promise<void>} */
  let sending = Promise.resolve()
  /** @type {NodeJS.Timeout | undefined} */
  let timer
  const sendAll = async () => {
    while (waiting.length > 0 && !stopped.aborted) {
      const batch = waiting.slice(0, AT_ONCE)
      waiting = waiting.slice(AT_ONCE)
      const first = sent + 1
      sent += batch.length
      await send(first, batch)
    }
  }
  const flush = () => {
    clearTimeout(timer)
    timer = undefined
    sending = sending.then(sendAll)
    return sending
  }
  return {
    /** @param {string | Activity} shown */
    add(shown) {
      const { text, ...rest } = typeof shown === 'string' ? { text: shown } : shown
      waiting.push({ ...rest, text: text.slice(0, TEXT) })
      // What cannot be told is told at the end, or lost with the work.
      timer ??= setTimeout(() => void flush().catch(() => {}), GATHER_MS)
    },
    flush,
  }
}

/**
 * Tries again until there is an answer, or nobody wants one any more.
 *
 * @param {() => Promise<Told>} ask
 * @param {AbortSignal} stopped
 * @param {(said: string) => unknown} log
 * @returns {Promise<Told | undefined>} undefined: nobody wants one
 */
async function persist(ask, stopped, log) {
  for (let pauseMs = PAUSES.first; !stopped.aborted; pauseMs = Math.min(2 * pauseMs, PAUSES.last)) {
    try {
      const told = await ask()
      if (told.code !== 'LIMIT') return told
    } catch (error) {
      if (error instanceof Refusal) throw error
      if (stopped.aborted) return undefined
      log(`the server cannot be had, trying again: ${/** @type {Error} */ (error).message}`)
    }
    await pause(pauseMs * (0.5 + Math.random() / 2), stopped)
  }
  return undefined
}

/** @param {number} ms @param {AbortSignal} stopped @returns {Promise<void>} */
function pause(ms, stopped) {
  return new Promise((resolve) => {
    const over = () => {
      clearTimeout(timer)
      stopped.removeEventListener('abort', over)
      resolve()
    }
    const timer = setTimeout(over, ms)
    stopped.addEventListener('abort', over)
  })
}

/**
 * @param {Server} server
 * @param {string} query
 * @param {string} field
 * @param {object} input
 * @param {AbortSignal} [stopped]
 * @returns {Promise<Told>}
 * @throws Refusal if asking again is in vain
 */
async function call({ url, token }, query, field, input, stopped) {
  const limit = AbortSignal.timeout(CALL_MS)
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query, variables: { input } }),
    signal: stopped ? AbortSignal.any([limit, stopped]) : limit,
  })
  const text = await response.text()
  if (response.status === 413) throw new Refusal('the result is larger than a request may be', 'TOO_LARGE')
  if (response.status === 401 || response.status === 403)
    throw new Refusal(`the server lets nobody in: ${text}`, 'AUTH')
  if (response.status >= 500 || response.status === 429) throw new Error(`${response.status} ${text.slice(0, 200)}`)
  const { data, errors } = JSON.parse(text)
  if (data?.[field]) return data[field]
  const [error] = errors ?? []
  const message = error?.message ?? text.slice(0, 200)
  // Anything but a mistake in what was asked may be over in a moment.
  if (/^(GRAPHQL_|BAD_USER_INPUT|FORBIDDEN)/.test(error?.extensions?.code ?? '')) throw new Refusal(message)
  throw new Error(message)
}
