import type { ArtifactStore } from '../store/artifacts.ts'
import type { Parts } from './parts.ts'

/** What could be ended of the work of dead servers, and what could not. */
export interface Ended {
  /** Attempts whose processes may still be running. */
  alive: Set<string>
  /** Servers of which it is certain that they are dead. */
  servers: string[]
}

/**
 * Ends what attempts of dead servers have running within reach, and removes their folders, whatever has become of them.
 *
 * @param own the folder of this server too: only before it works there itself
 */
export async function endLeftovers(parts: Parts, own: boolean): Promise<Ended> {
  const { membership, artifacts } = parts
  const alive = new Set<string>()
  const servers: string[] = []
  if (own) await endIn(parts, artifacts, alive)
  await membership?.visitRemains(async ({ server, artifacts }) => {
    servers.push(server)
    const left = new Set<string>()
    await endIn(parts, artifacts, left)
    for (const attemptId of left) alive.add(attemptId)
    return left.size === 0
  })
  return { alive, servers }
}

async function endIn(
  { runtimes, log }: Pick<Parts, 'runtimes' | 'log'>,
  artifacts: Pick<ArtifactStore, 'leftovers' | 'folder' | 'closeFolder'>,
  alive: Set<string>,
): Promise<void> {
  for (const attemptId of await artifacts.leftovers()) {
    try {
      // Which runtime drove it does not matter, nor whether its agent is still there: its folder tells.
      for (const runtime of Object.values(runtimes)) await runtime.reap(artifacts.folder(attemptId))
      await artifacts.closeFolder(attemptId)
    } catch (error) {
      alive.add(attemptId)
      log.error({ err: error, attemptId }, 'what an earlier server left running could not be ended')
    }
  }
}
