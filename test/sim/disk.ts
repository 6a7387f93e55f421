import type { ArtifactStore } from '../../src/store/artifacts.ts'
import type { Life } from './loop.ts'
import { Fault } from './loop.ts'

/** The data directory of one host, which outlives its servers. */
export interface Disk {
  readonly host: string
  readonly folders: Set<string>
}

/** The artifacts of a server: everything that takes time is an action of its process. */
export function artifactsOn(disk: Disk, life: Life, broken: () => boolean): ArtifactStore {
  const root = `/${disk.host}`
  const folder = (attemptId: string): string => `${root}/work/${attemptId}`
  const fail = (): void => {
    if (broken()) throw new Fault('no space left on the device', 'ENOSPC')
  }
  return {
    path: (sha256) => `${root}/artifacts/${sha256}`,
    folder,
    keep: (file) =>
      life.call('keep a file', () => {
        fail()
        return { sha256: String(file.length).padStart(64, '0'), size: file.length }
      }),
    openFolder: (attemptId) =>
      life.call('open a folder', () => {
        fail()
        disk.folders.add(attemptId)
        return folder(attemptId)
      }),
    worktree: (attemptId) => `${attemptId}.worktree`,
    closeFolder: (attemptId) => life.call('close a folder', () => void disk.folders.delete(attemptId)),
    leftovers: () => life.call('look for leftovers', () => [...disk.folders]),
  }
}
