import { createHash, randomUUID } from 'node:crypto'
import { constants, createWriteStream } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'

/** Results by reference: files under the hash of what they hold, so equal ones are kept once and none ever changes. */
export interface ArtifactStore {
  /** Where the bytes with this hash lie. */
  path(sha256: string): string
  /**
   * Keeps a file's bytes and says what they are. The file itself may go afterwards.
   *
   * @throws when there is no regular file
   */
  keep(file: string): Promise<{ sha256: string; size: number }>
  /** An empty folder for one attempt to put its results in. */
  openFolder(attemptId: string): Promise<string>
  /** Where `openFolder` puts it. */
  folder(attemptId: string): string
  /** Where the attempt may have a copy of the workspace; goes with its folder. */
  worktree(attemptId: string): string
  closeFolder(attemptId: string): Promise<void>
  /** Attempts of which a killed server left a folder or a record beside it. Call it while no attempt is under way. */
  leftovers(): Promise<string[]>
}

/** What is being kept and not yet whole. */
const PART = '.part'

/** Where the kept files lie, each in a folder of the first two digits of its hash. */
export const artifactsIn = (dataDir: string): string => join(dataDir, 'artifacts')

/**
 * The artifacts of a data directory.
 *
 * @param work where attempts have their folders: no two servers at once work there
 */
export function createArtifactStore(dataDir: string, work: string = join(dataDir, 'work')): ArtifactStore {
  const path = (sha256: string): string => join(artifactsIn(dataDir), sha256.slice(0, 2), sha256)
  // Every step asks for it: it is joined once.
  const below = join(work, sep)
  const folder = (attemptId: string): string => below + attemptId
  const worktree = (attemptId: string): string => join(work, `${attemptId}.worktree`)
  return {
    path,
    folder,
    async keep(file) {
      await mkdir(work, { recursive: true })
      const part = join(work, `${randomUUID()}${PART}`)
      try {
        const { sha256, size } = await copy(file, part)
        const place = path(sha256)
        const known = await stat(place).catch(() => undefined)
        if (known?.size !== size || !(await renew(place))) {
          await mkdir(dirname(place), { recursive: true })
          // Under its final name only once it is whole: a killed server leaves no half artifact behind. Two executions
          // may keep the same bytes at the same time.
          await rename(part, place)
        }
        return { sha256, size }
      } finally {
        await rm(part, { force: true })
      }
    },
    async openFolder(attemptId) {
      await mkdir(folder(attemptId), { recursive: true })
      return folder(attemptId)
    },
    worktree,
    async closeFolder(attemptId) {
      for (const path of [folder(attemptId), worktree(attemptId)]) await rm(path, { recursive: true, force: true })
    },
    async leftovers() {
      const names = await readdir(work).catch(() => [])
      for (const name of names) if (name.endsWith(PART)) await rm(join(work, name), { force: true })
      const others = names.filter((name) => !name.endsWith(PART))
      return [...new Set(others.map((name) => name.slice(0, `${name}.`.indexOf('.'))))]
    },
  }
}

/** An old file that nothing referred to until now must not be swept away; returns whether it was still there. */
async function renew(path: string): Promise<boolean> {
  const now = new Date()
  return utimes(path, now, now).then(
    () => true,
    () => false,
  )
}

/**
 * Copies a file as long as it is now. What is hashed is what is written, whoever may still write to the file; a link or
 * a pipe that stands there by now is not followed.
 */
async function copy(file: string, to: string): Promise<{ sha256: string; size: number }> {
  const source = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const stats = await source.stat()
    if (!stats.isFile()) throw new Error('it is not a regular file')
    const digest = createHash('sha256')
    let size = 0
    const chunks = stats.size > 0 ? source.createReadStream({ end: stats.size - 1, autoClose: false }) : []
    async function* hashed(): AsyncGenerator<Buffer> {
      for await (const chunk of chunks as AsyncIterable<Buffer>) {
        digest.update(chunk)
        size += chunk.length
        yield chunk
      }
    }
    // On the disk before its row is in the database.
    await pipeline(hashed, createWriteStream(to, { flush: true }))
    return { sha256: digest.digest('hex'), size }
  } finally {
    await source.close()
  }
}
