import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { copyFile, mkdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'

/** Results by reference: files under the hash of what they hold, so equal ones are kept once and none ever changes. */
export interface ArtifactStore {
  /** Where the bytes with this hash lie. */
  path(sha256: string): string
  /** Keeps a file's bytes and says what they are. The file itself may go afterwards. */
  keep(file: string): Promise<{ sha256: string; size: number }>
  /** An empty folder for one attempt to put its results in. */
  openFolder(attemptId: string): Promise<string>
  /** Where `openFolder` puts it. */
  folder(attemptId: string): string
  closeFolder(attemptId: string): Promise<void>
}

export function createArtifactStore(dataDir: string): ArtifactStore {
  const path = (sha256: string): string => join(dataDir, 'artifacts', sha256.slice(0, 2), sha256)
  const folder = (attemptId: string): string => join(dataDir, 'work', attemptId)
  return {
    path,
    folder,
    async keep(file) {
      const digest = createHash('sha256')
      await pipeline(createReadStream(file), digest)
      const sha256 = digest.digest('hex')
      const place = path(sha256)
      const { size } = await stat(file)
      const known = await stat(place).catch(() => undefined)
      if (known?.size !== size) {
        await mkdir(join(place, '..'), { recursive: true })
        // Under its final name only once it is whole: a killed server leaves no half artifact behind. Two executions may
        // keep the same bytes at the same time.
        const part = `${place}.${randomUUID()}.part`
        await copyFile(file, part)
        await rename(part, place)
      }
      return { sha256, size }
    },
    async openFolder(attemptId) {
      await mkdir(folder(attemptId), { recursive: true })
      return folder(attemptId)
    },
    closeFolder: (attemptId) => rm(folder(attemptId), { recursive: true, force: true }),
  }
}
