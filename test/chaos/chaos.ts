import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { findPostgres, startPostgres } from '../servers/postgres.ts'
import { scratch } from '../servers/process.ts'
import { startProxy } from '../servers/proxy.ts'
import { findRedis, startRedis } from '../servers/redis.ts'
import { randomOf } from '../sim/random.ts'
import { configuration, readDeeds } from './agents.ts'
import { askUntil } from './ask.ts'
import { check, type Findings } from './checks.ts'
import { drawFaults, type FaultKind, strike, type Targets } from './faults.ts'
import { type Busy, busyServers, caughtUpAfter, countLiving, runningAt, sessionsBehind } from './flight.ts'
import { type Load, startLoad } from './load.ts'
import { type Member, type Members, startMembers } from './members.ts'
import { readRows, type Rows } from './rows.ts'

const SERVERS = 3
/** Short, so that many deaths fit into a run. */
const LEASE_MS = 2_000
/** Work that has not gone on so long after a fault does not go on, in milliseconds. */
const STUCK_MS = 60_000
/** How long it is waited for something to be in flight before a further session is asked for, in milliseconds. */
const IDLE_MS = 1_000
const LOOK_MS = 20
/** From how many sleeping servers on one must have been late with a report: a single one may have had nothing to say. */
const SLEEPS_FOR_STALE = 5

export interface ChaosOptions {
  kills: number
  executions: number
  seed: number
  /** How soon after each fault work has to have gone on, in milliseconds. */
  withinMs: number
  /** Told how far it has come. */
  progress(line: string): void
  /** Told each line of the servers' logs, and each fault as one. */
  log(line: string): void
}

/** A fault that struck while something was in flight. */
export interface Hit {
  kind: FaultKind
  /** When, in milliseconds since 1970. */
  at: number
  /** Executions that were RUNNING then; of KILL and SLEEP those in the hand of the server that was struck. */
  running: string[]
  /** Until work had gone on everywhere, in milliseconds; null: it has not. */
  caughtUpMs: number | null
}

export interface ChaosReport extends Findings {
  hits: Hit[]
  /** Faults that struck while nothing was in flight any more: they were tried again. */
  missed: number
  /** Servers that ended by themselves, by exit code; 75: it found that others had taken over from it. */
  ends: Record<string, number>
  seconds: number
}

/**
 * Starts PostgreSQL that keeps what it has committed, Redis and servers, has clients ask for sessions, and lets faults
 * strike until all sessions have ended. Then it holds what there is against what is promised.
 *
 * @throws if PostgreSQL or Redis is not installed, with what to install
 */
export async function chaos(options: ChaosOptions): Promise<ChaosReport> {
  const [bin, redisProgram] = [findPostgres(), findRedis()]
  if (bin === undefined) throw new Error('PostgreSQL is not installed: apt-get install postgresql')
  if (redisProgram === undefined) throw new Error('Redis is not installed: apt-get install redis-server')
  const began = performance.now()
  const folder = scratch('chaos')
  const [postgres, redis] = await Promise.all([startPostgres(bin, true), startRedis(redisProgram)])
  const proxies = [await startProxy(Number(new URL(postgres.url).port)), await startProxy(redis.port)] as const
  const targets: Targets = { postgres, redis, redisProgram, proxies, leaseMs: LEASE_MS }
  await makeDatabase(postgres.url)
  const rows = readRows(at(postgres.url, undefined, 'chaos'))
  writeFileSync(join(folder, 'tutti.config.json'), JSON.stringify(configuration(folder)))
  mkdirSync(join(folder, 'workspace'))
  const members = startMembers(SERVERS, {
    folder,
    environment: {
      DATABASE_URL: at(postgres.url, proxies[0].port, 'chaos'),
      REDIS_URL: at(redis.url, proxies[1].port),
      TUTTI_DATA_DIR: join(folder, 'data'),
      TUTTI_LEASE_MS: String(LEASE_MS),
    },
    tell: options.log,
  })
  try {
    await members.until(SERVERS)
    const load = startLoad(members, randomOf(options.seed).apart('load'), await makeProject(members, folder))
    const struck = await strikeAll(options, { members, load, rows, targets })
    await load.finish()
    options.progress('all faults have struck; waiting for the rest to end')
    await ended(rows)
    await load.followed(STUCK_MS)
    const findings = await check(rows, load.asked, readDeeds(folder))
    const report = { ...findings, ...struck, ends: Object.fromEntries(members.ends) }
    report.broken.push(...load.refused.map((told) => `a request was not accepted: ${told}`), ...late(report, options))
    return { ...report, seconds: (performance.now() - began) / 1_000 }
  } finally {
    await members.close()
    await rows.close()
    for (const proxy of proxies) proxy.close()
    await Promise.all([postgres.stop(), targets.redis.stop('SIGKILL')])
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** Lets one fault after the other strike, each while something is in flight, and asks for more work as they go. */
async function strikeAll(
  { kills, executions, seed, withinMs, progress, log }: ChaosOptions,
  { members, load, rows, targets }: { members: Members; load: Load; rows: Rows; targets: Targets },
): Promise<Pick<ChaosReport, 'hits' | 'missed'>> {
  const random = randomOf(seed).apart('faults')
  const faults = drawFaults(random, kills)
  const hits: Hit[] = []
  let missed = 0
  let allowed = 0
  for (const [index, kind] of faults.entries()) {
    // Half of its share is under way when the fault strikes, the other half is asked for during and after it.
    const allow = (share: number): void => {
      allowed = Math.max(allowed, Math.ceil((executions * (index + share)) / faults.length))
      load.allow(allowed)
    }
    for (;;) {
      allow(0.5)
      const { busy, victim } = await inFlight(rows, members, random, () => load.allow(++allowed))
      const aimed = kind === 'KILL' || kind === 'SLEEP' ? busy.id : undefined
      const at = Date.now()
      const striking = strike(kind, targets, victim, random)
      allow(1)
      const from = await striking
      const running = await runningAt(rows, at, aimed)
      if (running.length === 0) {
        missed++
        continue
      }
      const behind = (sessions: object[]): void => log(JSON.stringify({ msg: 'behind', kind, at, from, sessions }))
      const hit = { kind, at, running, caughtUpMs: await untilCaughtUp(rows, { at, from, withinMs, behind }) }
      hits.push(hit)
      log(JSON.stringify({ msg: 'fault', ...hit }))
      const took = hit.caughtUpMs === null ? 'work has not gone on' : `work went on after ${hit.caughtUpMs} ms`
      progress(`${index + 1} of ${faults.length} ${kind}: ${running.length} were running; ${took}`)
      break
    }
  }
  load.allow(Math.max(allowed, executions))
  return { hits, missed }
}

/** Waits for a moment when one of at least two servers performs something. */
async function inFlight(
  rows: Rows,
  members: Members,
  random: ReturnType<typeof randomOf>,
  askForMore: () => void,
): Promise<{ busy: Busy; victim: Member }> {
  await pause(random.between(0, 500))
  await members.until(2)
  for (let idleSince = Date.now(); ; await pause(LOOK_MS)) {
    // One has to be left; a process that listens still may have been taken for dead.
    if ((await countLiving(rows)) < 2) continue
    const found = (await busyServers(rows)).flatMap((busy) => {
      const victim = [...members.all].find(({ name }) => name === busy.name)
      return victim ? [{ busy, victim }] : []
    })
    if (found.length > 0) return random.pick(found)
    if (Date.now() - idleSince < IDLE_MS) continue
    askForMore()
    idleSince = Date.now()
  }
}

/** @param behind told once what is too late */
async function untilCaughtUp(
  rows: Rows,
  { at, from, withinMs, behind }: { at: number; from: number; withinMs: number; behind(sessions: object[]): void },
): Promise<number | null> {
  let isLate = false
  for (const until = Date.now() + STUCK_MS; Date.now() < until; await pause(LOOK_MS)) {
    const took = await caughtUpAfter(rows, at, from)
    if (took !== undefined) return took
    if (isLate || Date.now() - from < withinMs) continue
    isLate = true
    behind(await sessionsBehind(rows, at, from))
  }
  return null
}

/** Waits until all sessions have ended, or none has moved for long. */
async function ended({ read }: Rows): Promise<void> {
  let last = { moves: -1, at: Date.now() }
  for (;;) {
    const [row] = await read<{ left: number; moves: number }>(
      `SELECT count(*) FILTER (WHERE "endedAt" IS NULL)::int AS left, sum(seq)::int AS moves FROM "Session"`,
    )
    if (row?.left === 0) return
    if (row && row.moves !== last.moves) last = { moves: row.moves, at: Date.now() }
    if (Date.now() - last.at > STUCK_MS) return
    await pause(LOOK_MS)
  }
}

/** What was promised about time, and was not so. */
function late({ hits, stale }: Pick<ChaosReport, 'hits' | 'stale'>, { withinMs }: ChaosOptions): string[] {
  const slow = hits.filter(({ caughtUpMs }) => caughtUpMs === null || caughtUpMs > withinMs)
  const lines = slow.map(
    ({ kind, caughtUpMs }) => `caught up: ${kind} took ${caughtUpMs ?? `more than ${STUCK_MS}`} ms, not ${withinMs}`,
  )
  const sleeps = hits.filter(({ kind }) => kind === 'SLEEP').length
  if (sleeps >= SLEEPS_FOR_STALE && stale === 0) lines.push(`STALE_LEASE: no report was refused after ${sleeps} sleeps`)
  return lines
}

async function makeDatabase(url: string): Promise<void> {
  const maintenance = readRows(url)
  await maintenance.read('CREATE DATABASE chaos')
  await maintenance.close()
}

async function makeProject(members: Members, folder: string): Promise<string> {
  const query = `mutation ($path: String!) { createProject(input: { name: "chaos", workspace: $path, concurrency: 100 }) {
    ... on CreateProjectSuccess { project { id } } ... on Error { message } } }`
  const good = (data: Record<string, unknown>): string | undefined =>
    (data['createProject'] as { project?: { id: string } }).project?.id
  const variables = { path: join(folder, 'workspace') }
  return askUntil(members, randomOf(0), { query, variables }, good, STUCK_MS)
}

/** An address with another port or path. */
function at(address: string, port?: number, path?: string): string {
  const url = new URL(address)
  if (port !== undefined) url.port = String(port)
  if (path !== undefined) url.pathname = path
  return url.href
}
