import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { acquireLock, DataDirectoryInUse, type Lock, readLock } from './lock.ts'

/**
 * Several servers may share a data directory: the artifacts are for all of them, but what attempts are working on is
 * below a slot, which one living process has for itself.
 */
export interface Slot {
  /** Where the attempts of its server have their folders. */
  work: string
  /** Gives it free. Does nothing the second time. */
  release(): Promise<void>
}

/** What a server has left in its slot that ended without giving it free. */
export interface Abandoned {
  work: string
  /** Its id. */
  server: string
}

/** Names the server that has the slot, or had it when it ended. */
const SERVER = 'server'

/**
 * Takes the first slot that no living process has.
 *
 * @param server id of the server that takes it
 * @returns with the id of the server that ended without giving it free, if one did
 */
export async function takeSlot(dataDir: string, server: string): Promise<Slot & { predecessor?: string }> {
  for (let number = 1; ; number++) {
    const folder = join(slotsIn(dataDir), String(number))
    const lock = await tryLock(folder)
    if (!lock) continue
    const predecessor = serverOf(folder)
    writeFileSync(join(folder, SERVER), server)
    const work = workIn(folder)
    mkdirSync(work, { recursive: true })
    return {
      work,
      ...(predecessor !== undefined && { predecessor }),
      async release() {
        if (serverOf(folder) === server) rmSync(join(folder, SERVER), { force: true })
        await lock.release()
      },
    }
  }
}

/**
 * Visits every slot whose server has ended without giving it free. Nobody else can take it meanwhile.
 *
 * @param visit tells whether nothing is left in it
 */
export async function visitAbandoned(dataDir: string, visit: (left: Abandoned) => Promise<boolean>): Promise<void> {
  for (const number of numbersIn(slotsIn(dataDir))) {
    const folder = join(slotsIn(dataDir), number)
    // Looked at before it is locked, since most have been given free or have somebody.
    if (serverOf(folder) === undefined || (await readLock(folder))) continue
    const lock = await tryLock(folder)
    if (!lock) continue
    try {
      const server = serverOf(folder)
      if (server !== undefined && (await visit({ work: workIn(folder), server })))
        rmSync(join(folder, SERVER), { force: true })
    } finally {
      await lock.release()
    }
  }
}

const slotsIn = (dataDir: string): string => join(dataDir, 'work')
const workIn = (folder: string): string => join(folder, 'attempts')

async function tryLock(folder: string): Promise<Lock | undefined> {
  try {
    return await acquireLock(folder)
  } catch (error) {
    if (error instanceof DataDirectoryInUse) return undefined
    throw error
  }
}

function serverOf(folder: string): string | undefined {
  return unlessMissing(() => readFileSync(join(folder, SERVER), 'utf8'), undefined)
}

function numbersIn(folder: string): string[] {
  return unlessMissing(() => readdirSync(folder), []).filter((name) => /^\d+$/.test(name))
}

function unlessMissing<T>(read: () => T, otherwise: T): T {
  try {
    return read()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return otherwise
    throw error
  }
}
