import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { artifactsIn } from './artifacts.ts'
import type { Query } from './driver.ts'
import { installationOf } from './installation.ts'

/**
 * Files without a row are left alone until they are so old, in milliseconds: their row may still be on its way, for as
 * long as the database is away from whoever wants to report them.
 */
const GRACE_MS = 86_400_000
/** Hashes that are looked up by one statement. */
const LOOKED_UP_AT_ONCE = 5_000

/** What a file is called while it is being removed, behind its hash. */
const GOING = '.going'
/** Names the database that the files belong to. */
const OWNER = 'database'

/**
 * Removes files that no artifact refers to: what attempts have kept though their report was then refused or got lost, and
 * what sessions had that are no more. A file that is kept once more counts as new, so attempts may be under way.
 *
 * A database that does not know half of the files is more likely another one than the one that they belong to, for
 * instance because DATABASE_URL was forgotten once: then nothing is removed, unless that database was seen to know most
 * of them before.
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
  const names = found.map((path) => path.slice(3))
  const place = (sha256: string): string => join(folder, sha256.slice(0, 2), sha256)
  const interrupted = names.filter((name) => /^[0-9a-f]{64}\.going$/.test(name)).map((name) => name.slice(0, 64))
  // A server was killed on the way: it is looked at once more, from the beginning.
  for (const sha256 of interrupted) await rename(place(sha256) + GOING, place(sha256)).catch(() => {})
  const files = [...new Set([...names.filter((name) => /^[0-9a-f]{64}$/.test(name)), ...interrupted])]
  const known = new Set<string>()
  for (let at = 0; at < files.length; at += LOOKED_UP_AT_ONCE) {
    const sql = 'SELECT DISTINCT sha256 FROM "Artifact" WHERE sha256 = ANY($1::text[])'
    const rows = await query<{ sha256: string }>(sql, [files.slice(at, at + LOOKED_UP_AT_ONCE)])
    for (const { sha256 } of rows) known.add(sha256)
  }
  const old: string[] = []
  for (const sha256 of files.filter((name) => !known.has(name))) {
    const path = place(sha256)
    if (await isOld(path, now)) old.push(path)
  }
  const database = await installationOf(query)
  const owner = await readFile(join(folder, OWNER), 'utf8').catch(() => undefined)
  if (old.length > known.size && owner !== database) return { removed: 0, doubtful: old.length }
  if (known.size > 0 && owner !== database) await writeFile(join(folder, OWNER), database)
  let removed = 0
  for (const path of old) if (await remove(path, now)) removed++
  return { removed, doubtful: 0 }
}

/**
 * Somebody may keep it once more at any moment: whoever does so before it has its other name makes it new, which is seen
 * then; whoever comes later does not find it and brings a copy.
 *
 * @returns whether it is gone
 */
async function remove(path: string, now: number): Promise<boolean> {
  const going = path + GOING
  try {
    await rename(path, going)
  } catch {
    // Another server removes it.
    return false
  }
  const old = await isOld(going, now)
  await (old ? rm(going, { force: true }) : rename(going, path))
  return old
}

/** False as well if another server has removed it. */
async function isOld(path: string, now: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found !== undefined && now - found.mtimeMs > GRACE_MS
}
