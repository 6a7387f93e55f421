import type { Logger } from 'pino'
import type { Retention } from '../store/retention.ts'
import type { Servers } from '../store/servers.ts'
import type { Timers } from './timers.ts'

/** How long what belongs to ended sessions is kept, in milliseconds from their end; undefined: for ever. */
export interface Keeping {
  eventsMs: number | undefined
  sessionsMs: number | undefined
  /** The same for the audit log, from when it was written. */
  auditMs: number | undefined
}

/** Removes what has been kept for long enough. */
export interface Cleaner {
  /** Cleans once, if it is this server's turn. Never throws: the next time tries again. */
  clean(): Promise<void>
  /** Cleans soon, and then again and again; never if everything is kept for ever. */
  begin(): void
  end(): void
}

interface CleanerParts {
  retention: Retention
  /** Removes entries of the audit log from before a time; returns how many. */
  removeAudit(before: Date, goOn: () => Promise<boolean>): Promise<number>
  servers: Pick<Servers, 'isOldest'>
  /** Removes the bytes that nothing refers to any more, of the data directory of this server. */
  sweep(): Promise<void>
  /** Forgets the snapshots that there are of the workspace of a project, for a session that is no more. */
  forget(projectId: string, sessionId: string): Promise<void>
  timers: Timers
  log: Logger
  /** Id of this server. */
  owner: string
  now(): number
}

/** How long after it began a server cleans for the first time, and how often from then on, in milliseconds. */
const FIRST_MS = 60_000
const EVERY_MS = 3_600_000
/** How long others have the database for themselves after each piece, in milliseconds. */
const PAUSE_MS = 100

/** Cleans for all servers of the database: the oldest with a crew does it. Two at once would do no harm. */
export function createCleaner(parts: CleanerParts, { eventsMs, sessionsMs, auditMs }: Keeping): Cleaner {
  const { retention, servers, timers, log, owner, now } = parts
  let over = false
  let callOff = (): void => {}

  async function isTurn(): Promise<boolean> {
    return (await servers.isOldest(owner)) && !over
  }

  async function goOn(): Promise<boolean> {
    if (!over) await timers.pause(PAUSE_MS)
    return isTurn()
  }

  async function removeEvents(keptMs: number): Promise<void> {
    const sessions = await retention.removeEvents(new Date(now() - keptMs), goOn)
    if (sessions > 0) log.info({ sessions }, 'the events and activities of old sessions were removed')
  }

  async function removeSessions(keptMs: number): Promise<void> {
    let sessions = 0
    try {
      await retention.removeSessions(
        new Date(now() - keptMs),
        async (family) => {
          sessions += family.sessions.length
          for (const id of family.sessions) await forget(family.projectId, id)
        },
        goOn,
      )
    } finally {
      if (sessions > 0) log.info({ sessions }, 'old sessions were removed')
    }
  }

  async function removeAudit(keptMs: number): Promise<void> {
    const entries = await parts.removeAudit(new Date(now() - keptMs), goOn)
    if (entries > 0) log.info({ entries }, 'old entries of the audit log were removed')
  }

  async function forget(projectId: string, sessionId: string): Promise<void> {
    try {
      await parts.forget(projectId, sessionId)
    } catch (error) {
      log.warn({ err: error, sessionId }, 'the snapshots of a removed session stay: remove their refs by hand')
    }
  }

  async function clean(): Promise<void> {
    try {
      // What is removed now is swept the next time.
      await parts.sweep()
      if (eventsMs !== undefined && (await isTurn())) await removeEvents(eventsMs)
      if (sessionsMs !== undefined && (await isTurn())) await removeSessions(sessionsMs)
      if (auditMs !== undefined && (await isTurn())) await removeAudit(auditMs)
    } catch (error) {
      if (!over) log.warn({ err: error }, 'what is old could not be removed; it is tried again')
    }
  }

  function cleanIn(ms: number): void {
    if (over) return
    callOff = timers.after(ms, () => void clean().finally(() => cleanIn(EVERY_MS)))
  }

  return {
    clean,
    begin() {
      if ([eventsMs, sessionsMs, auditMs].some((keptMs) => keptMs !== undefined)) cleanIn(FIRST_MS)
    },
    end() {
      over = true
      callOff()
    },
  }
}
