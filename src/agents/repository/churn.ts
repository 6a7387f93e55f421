import { git } from './git.ts'
import { byPath } from './paths.ts'

/** Only the latest commits are looked at. */
export const MAX_COMMITS = 1_000
const MAX_LOG_CHARACTERS = 32_000_000

export interface Churn {
  /** Commits that were looked at, merges left out. */
  commits: number
  /** True if the history goes further back than was looked at. */
  truncated: boolean
  /** Seconds since 1970 of the first and the last one. */
  from: number | null
  to: number | null
  /** Commits that touched a file, by path. */
  byFile: Map<string, { commits: number; added: number; removed: number }>
}

/**
 * How often each file changed in the last {@link MAX_COMMITS} commits. Renames count for both names.
 * Undefined if git has no history here.
 */
export async function readChurn(workspace: string): Promise<Churn | undefined> {
  const log = await git(
    workspace,
    [
      'log',
      '-n',
      String(MAX_COMMITS + 1),
      '--no-merges',
      '--no-renames',
      '--relative',
      '--numstat',
      '--format=%x01%ct',
      '--',
      '.',
    ],
    { maxKept: MAX_LOG_CHARACTERS },
  )
  if (log.exitCode !== 0 || log.stdout.trim() === '') return undefined
  const churn: Churn = { commits: 0, truncated: log.truncated, from: null, to: null, byFile: new Map() }
  for (const commit of log.stdout.split('\x01').slice(1)) {
    if (churn.commits === MAX_COMMITS) {
      churn.truncated = true
      break
    }
    const [time, ...changes] = commit.split('\n')
    churn.commits++
    churn.to ??= Number(time)
    churn.from = Number(time)
    for (const change of changes) {
      const [added, removed, path] = change.split('\t')
      if (path === undefined) continue
      const known = churn.byFile.get(path) ?? { commits: 0, added: 0, removed: 0 }
      known.commits++
      // Binary files have a dash.
      known.added += Number(added) || 0
      known.removed += Number(removed) || 0
      churn.byFile.set(path, known)
    }
  }
  return churn
}

export interface HotSpot {
  file: string
  commits: number
  lines: number
  /** Commits times lines: where much code changes often, the next mistake is likeliest. */
  score: number
}

/** Files by churn times size (Tornhill, "Your Code as a Crime Scene", 2015), highest first. */
export function hotSpots(churn: Churn, lines: ReadonlyMap<string, number>): HotSpot[] {
  return [...churn.byFile]
    .flatMap(([file, { commits }]) => {
      const size = lines.get(file)
      return size === undefined ? [] : [{ file, commits, lines: size, score: commits * size }]
    })
    .toSorted((a, b) => b.score - a.score || byPath(a.file, b.file))
}
