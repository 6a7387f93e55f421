import type { Logger } from 'pino'
import { newId } from '../ids.ts'
import { type AuditRow, writeAudit } from '../store/audit.ts'
import type { Query } from '../store/driver.ts'
import type { Viewer } from './rights.ts'

/** Who asked, and from where. */
export interface Asker {
  /** Undefined: nobody that is known. */
  viewer: Viewer | undefined
  /** Address that it came from. */
  peer: string
  requestId: string
}

/** What was refused or done. */
export interface Deed {
  /** Name of the mutation, or what was asked for. */
  act: string
  /** Why it was refused. */
  code?: string
  /** Global id of what it was about. */
  subject?: string | undefined
  detail?: string | undefined
  /** UUID of the project in whose log it is; null: in none, undefined: in that of the only project of who asked. */
  projectId?: string | null | undefined
}

/** Writes down what was refused, and what was done with rights that only few have. */
export interface Auditor {
  /** Never waits and never throws. */
  refused(asker: Asker, deed: Deed): void
  /** Resolves once it is written, or cannot be. */
  done(asker: Asker, deed: Deed): Promise<void>
  /** Writes what is left. */
  close(): Promise<void>
}

/** How long refusals are counted together, in milliseconds. */
const WINDOW_MS = 60_000
/** Refusals with a row each in that time, of one address and of all together. */
export const ROWS_PER_PEER = 20
const ROWS_IN_ALL = 600
/** Rows of refusals that came faster, in that time: each stands for all of an address with one reason. */
const FOLDED = 200
/** How often the counts of those are written, in milliseconds. */
const COUNTS_MS = 5_000
/** Rows that one statement writes, and that wait for a database that is away. */
const AT_ONCE = 500
const WAITING = 5_000
const LONGEST = 500

/**
 * Every refusal has a row of its own, unless they come in a flood: then they are counted by address and reason, so that
 * a flood writes a bounded number of rows, see docs/security.md.
 */
export function createAuditor({ query, log }: { query: Query; log: Logger }): Auditor {
  const waiting: AuditRow[] = []
  let writing: Promise<void> | undefined
  let begin = 0
  let inAll = 0
  const perPeer = new Map<string, number>()
  const folded = new Map<string, AuditRow>()
  /** Those of them that have counted since they were written. */
  const counting = new Set<AuditRow>()
  let timer: NodeJS.Timeout | undefined

  async function writeAll(): Promise<void> {
    while (waiting.length > 0) {
      const rows = waiting.slice(0, AT_ONCE)
      try {
        await writeAudit(query, rows)
      } catch (error) {
        log.warn({ err: error, rows: waiting.length }, 'the audit log could not be written; it is tried again')
        waiting.splice(0, waiting.length - WAITING)
        later()
        return
      }
      waiting.splice(0, rows.length)
    }
  }

  function write(): Promise<void> {
    // In the next turn: what comes in the same one is written together.
    writing ??= Promise.resolve()
      .then(writeAll)
      .finally(() => {
        writing = undefined
      })
    return writing
  }

  function later(): void {
    timer ??= setTimeout(() => {
      timer = undefined
      void flush()
    }, COUNTS_MS).unref()
  }

  function flush(): Promise<void> {
    waiting.push(...[...counting].map((row) => ({ ...row })))
    counting.clear()
    return write()
  }

  /** Whether there is room for a row of its own. */
  function hasRoom(peer: string): boolean {
    const rows = perPeer.get(peer) ?? 0
    if (rows >= ROWS_PER_PEER || inAll >= ROWS_IN_ALL) return false
    perPeer.set(peer, rows + 1)
    inAll += 1
    return true
  }

  function count(row: AuditRow): void {
    let key = `${row.peer} ${row.code}`
    if (!folded.has(key) && folded.size >= FOLDED) key = 'others'
    let sum = folded.get(key)
    if (sum) {
      sum.count += 1
      sum.lastAt = row.at
    } else {
      const detail = 'more of these than have a row each; who and what differ'
      sum = { ...row, viewer: null, tokenId: null, subject: null, requestId: null, detail }
      if (key === 'others') sum = { ...sum, peer: 'others', code: 'OTHERS' }
      folded.set(key, sum)
    }
    counting.add(sum)
    later()
  }

  return {
    refused(asker, deed) {
      const now = Date.now()
      if (now - begin >= WINDOW_MS) {
        begin = now
        inAll = 0
        perPeer.clear()
        void flush()
        folded.clear()
      }
      const row = rowOf('REFUSED', asker, deed)
      if (!hasRoom(row.peer)) return count(row)
      waiting.push(row)
      void write()
    },
    async done(asker, deed) {
      waiting.push(rowOf('DONE', asker, deed))
      // What is being written now may not hold it yet.
      await writing
      await write()
    },
    async close() {
      clearTimeout(timer)
      timer = undefined
      await writing
      await flush()
      clearTimeout(timer)
    },
  }
}

function rowOf(outcome: AuditRow['outcome'], { viewer, peer, requestId }: Asker, deed: Deed): AuditRow {
  const { act, code, subject, detail, projectId } = deed
  const at = new Date()
  const [own, ...others] = viewer?.projects ?? []
  return {
    id: newId(),
    at,
    lastAt: at,
    count: 1,
    projectId: projectId === undefined ? (others.length === 0 ? (own ?? null) : null) : projectId,
    outcome,
    act: inert(act),
    code: code ?? null,
    viewer: viewer === undefined ? null : inert(viewer.name),
    tokenId: viewer?.tokenId ?? null,
    peer,
    subject: subject === undefined ? null : inert(subject),
    detail: detail === undefined ? null : inert(detail),
    requestId,
  }
}

/** Text that the database takes, whoever wrote it. */
const inert = (text: string): string =>
  text
    .slice(0, LONGEST)
    .toWellFormed()
    .replaceAll(/\p{Cc}/gu, ' ')
