import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createConnection, createServer, type Server } from 'node:net'
import { join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { lifeOf, ownIdentity, type ProcessIdentity } from './process.ts'

/** Who holds a data directory: what lock.json says. */
export interface LockHolder extends ProcessIdentity {
  /** Where its server listens, once it does. */
  url?: string
  /** When it took the directory, as an ISO timestamp. */
  since: string
  /** Of this holding alone. */
  nonce: string
  /** Name of a socket in the directory on which the holder listens as long as it lives. */
  socket?: string
}

export interface Lock {
  /** Makes known where the server listens. */
  update(info: { url: string }): void
  /** Gives the directory free. Does nothing the second time. */
  release(): Promise<void>
}

/** Another process works on the data directory. The message says which, and what to do about it. */
export class DataDirectoryInUse extends Error {
  override name = 'DataDirectoryInUse'
  readonly holder: LockHolder
  constructor(message: string, holder: LockHolder) {
    super(message)
    this.holder = holder
  }
}

const LOCK = 'lock.json'
/** How long another process may take to take over a dead holder's lock, in milliseconds; it needs a few. */
const TAKEOVER_MS = 5_000

/**
 * Takes the data directory for this process alone, since two processes on one embedded database destroy it. The lock of
 * a process that has ended is taken over; that of a living one never is.
 *
 * @throws DataDirectoryInUse
 */
export async function acquireLock(dataDir: string, info: { url?: string } = {}): Promise<Lock> {
  mkdirSync(dataDir, { recursive: true })
  const path = join(dataDir, LOCK)
  const nonce = randomUUID()
  const sign = await hangOutSign(dataDir, `lock-${nonce.slice(0, 8)}.sock`)
  let holder: LockHolder = {
    ...ownIdentity(),
    ...info,
    since: new Date().toISOString(),
    nonce,
    ...(sign ? { socket: sign.name } : {}),
  }
  try {
    await take(dataDir, holder)
  } catch (error) {
    await sign?.takeDown()
    throw error
  }

  let released = false
  const isMine = () => readHolder(path)?.nonce === nonce
  return {
    update({ url }) {
      if (released || !isMine()) return
      holder = { ...holder, url }
      putInPlace(dataDir, holder, renameSync)
    },
    async release() {
      if (released) return
      released = true
      if (isMine()) rmSync(path, { force: true })
      await sign?.takeDown()
    },
  }
}

/** The living process that holds the data directory; undefined when there is none. */
export async function readLock(dataDir: string): Promise<LockHolder | undefined> {
  const holder = readHolder(join(dataDir, LOCK))
  return holder && (await isDead(dataDir, holder)) ? undefined : holder
}

async function take(dataDir: string, mine: LockHolder): Promise<void> {
  const path = join(dataDir, LOCK)
  for (const patience = Date.now() + TAKEOVER_MS; Date.now() < patience; await setTimeout(5)) {
    // A link comes into being whole, and only where there is none.
    if (putInPlace(dataDir, mine, linkSync)) return
    const holder = readHolder(path)
    if (holder === undefined) continue
    if (!(await isDead(dataDir, holder))) throw inUse(dataDir, holder)
    if (await takeOver(dataDir, holder, mine)) return
  }
  throw new Error(
    `The lock ${path} of an ended server could not be taken over: another process is about it. Try again.`,
  )
}

/**
 * Replaces a dead holder's lock. Only one process may at a time: the one whose claim on this very holding stands. Whoever
 * dies as a claimant is itself a dead holder, of the claim, which is claimed in the same way; so the right to replace
 * always belongs to at most one living process, and it looks again before it does.
 */
async function takeOver(dataDir: string, dead: LockHolder, mine: LockHolder): Promise<boolean> {
  const claims: string[] = []
  for (let before = dead; ;) {
    const claim = `claim-${before.nonce}`
    if (putInPlace(dataDir, mine, linkSync, claim)) {
      claims.push(claim)
      break
    }
    const claimant = readHolder(join(dataDir, claim))
    if (claimant === undefined || !(await isDead(dataDir, claimant))) return false
    claims.push(claim)
    before = claimant
  }
  try {
    if (readHolder(join(dataDir, LOCK))?.nonce !== dead.nonce) return false
    putInPlace(dataDir, mine, renameSync)
  } finally {
    rmSync(join(dataDir, claims.pop() as string), { force: true })
  }
  // Dead claims on what is no more.
  for (const name of dead.socket === undefined ? claims : [...claims, dead.socket])
    rmSync(join(dataDir, name), { force: true })
  return true
}

/** Writes the holder to a file of its own and puts that into place at once, so that nobody ever reads half of it. */
function putInPlace(
  dataDir: string,
  holder: LockHolder,
  put: (from: string, to: string) => void,
  name = LOCK,
): boolean {
  const scratch = join(dataDir, `lock-${randomUUID()}.tmp`)
  writeFileSync(scratch, `${JSON.stringify(holder, null, 2)}\n`)
  try {
    put(scratch, join(dataDir, name))
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return false
    if (code === 'EPERM' || code === 'ENOTSUP' || code === 'ENOSYS')
      throw new Error(
        `The file system of ${resolve(dataDir)} has no hard links, without which it cannot be locked. ` +
          'Choose a data directory on another one with TUTTI_DATA_DIR.',
        { cause: error },
      )
    throw error
  } finally {
    rmSync(scratch, { force: true })
  }
}

function readHolder(path: string): LockHolder | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    return JSON.parse(text) as LockHolder
  } catch {
    throw new Error(`${path} is damaged. When no server uses this data directory, delete the file and start again.`)
  }
}

async function isDead(dataDir: string, holder: LockHolder): Promise<boolean> {
  const life = lifeOf(holder)
  if (life !== 'unknown') return life === 'dead'
  // A socket shows who lives on this machine only.
  const sameMachine = holder.bootId !== '' && holder.bootId === ownIdentity().bootId
  return sameMachine && holder.socket !== undefined && isAbandoned(join(dataDir, holder.socket))
}

function inUse(dataDir: string, holder: LockHolder): DataDirectoryInUse {
  const where = holder.url === undefined ? '' : `, and listens at ${holder.url}`
  const elsewhere =
    lifeOf(holder) === 'unknown'
      ? ` It runs in another container or on another machine (${holder.host}); if it is certain that it has ended, delete ${join(dataDir, LOCK)}.`
      : ''
  return new DataDirectoryInUse(
    `The data directory ${resolve(dataDir)} is in use: process ${holder.pid} has had it since ${holder.since}${where}. ` +
      `Use that server, or stop it (kill ${holder.pid}), or choose another data directory with TUTTI_DATA_DIR.${elsewhere}`,
    holder,
  )
}

/**
 * Listens on a socket in the data directory. The system closes it when the process ends, however it ends, and it can be
 * seen from other containers, where process numbers mean nothing. Undefined where such sockets cannot be made.
 */
async function hangOutSign(
  dataDir: string,
  name: string,
): Promise<{ name: string; takeDown: () => Promise<void> } | undefined> {
  const path = join(dataDir, name)
  // Longer names would be cut off silently by some systems.
  if (process.platform === 'win32' || Buffer.byteLength(path) > 100) return undefined
  const server: Server = createServer((visitor) => visitor.destroy())
  server.unref()
  try {
    server.listen(path)
    await once(server, 'listening')
  } catch {
    return undefined
  }
  return {
    name,
    async takeDown() {
      server.close()
      rmSync(path, { force: true })
    },
  }
}

/** Whether nobody listens on the socket any more. When in doubt somebody does. */
function isAbandoned(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const visit = createConnection(path)
    visit.on('connect', () => {
      visit.destroy()
      resolve(false)
    })
    visit.on('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'ECONNREFUSED' || error.code === 'ENOENT'),
    )
  })
}
