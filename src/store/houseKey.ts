import { randomBytes, randomUUID } from 'node:crypto'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

const FILE = 'house-key'

/**
 * A secret for as long as this server runs. Whoever can read the data directory has all that is in it anyway, so they may
 * do everything, and whoever forgot all tokens can make another one.
 */
export const newHouseKey = (): string => `house_${randomBytes(32).toString('base64url')}`

/**
 * Puts the key where other programs of the same user find it.
 *
 * @returns takes it away
 */
export function layHouseKey(dataDir: string, key: string): () => void {
  const scratch = join(dataDir, `house-key-${randomUUID()}.tmp`)
  // For its owner alone, from the first moment on.
  writeFileSync(scratch, key, { mode: 0o600, flag: 'wx' })
  renameSync(scratch, join(dataDir, FILE))
  return () => rmSync(join(dataDir, FILE), { force: true })
}

/** The key of the server that has the data directory; undefined: there is none, or it is not for this user. */
export async function findHouseKey(dataDir: string): Promise<string | undefined> {
  return readFile(join(dataDir, FILE), 'utf8').catch(() => undefined)
}
