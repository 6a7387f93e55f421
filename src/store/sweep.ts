import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { artifactsIn } from './artifacts.ts'
import type { Query } from './driver.ts'

/** Files without a row are left alone until they are so old, in milliseconds: their row may still be on its way. */
const GRACE_MS = 3_600_000
/** Hashes that are looked up by one statement. */
const LOOKED_UP_AT_ONCE = 5_000

/**
 * Removes what attempts have kept though their report was then refused or got lost: files that no artifact refers to.
 * A file that is kept once more counts as new.
 *
 * A database that does not know half of the files is more likely another one than the one that they belong to, for
 * instance because DATABASE_URL was forgotten once: then nothing is removed.
 *
 * @param now milliseconds since 1970
 * @returns how many files were removed, and how many were left because of that doubt
 */
export async function sweepArtifacts(
  query: Query,
  dataDir: string,
  now: number,
): Promise<{ removed: number; doubtful: number }> {
  const folder = artifactsIn(dataDir)
  const found = await readdir(folder, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const files = found.map((path) => path.slice(3)).filter((name) => /^[0-9a-f]{64}$/.test(name))
  const known = new Set<string>()
  for (let at = 0; at < files.length; at += LOOKED_UP_AT_ONCE) {
    const sql = 'SELECT DISTINCT sha256 FROM "Artifact" WHERE sha256 = ANY($1::text[])'
    const rows = await query<{ sha256: string }>(sql, [files.slice(at, at + LOOKED_UP_AT_ONCE)])
    for (const { sha256 } of rows) known.add(sha256)
  }
  const old: string[] = []
  for (const sha256 of files.filter((name) => !known.has(name))) {
    const path = join(folder, sha256.slice(0, 2), sha256)
    if (await isOld(path, now)) old.push(path)
  }
  if (old.length > known.size) return { removed: 0, doubtful: old.length }
  let removed = 0
  for (const path of old) {
    // Somebody may have kept it once more by now.
    if (!(await isOld(path, now))) continue
    await rm(path, { force: true })
    removed++
  }
  return { removed, doubtful: 0 }
}

/** False as well if another server has removed it. */
async function isOld(path: string, now: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found !== undefined && now - found.mtimeMs > GRACE_MS
}
