import { lstatSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import ignore from 'ignore'
import type { Ignore } from 'ignore'
import { git, isGitRepository } from './git.ts'
import { languageOf } from './languages.ts'
import { byPath, isBuildOutput, isForeign, isMaterial, isTest } from './paths.ts'

/** More files than this are not looked at; the note says so. */
export const MAX_FILES = 20_000
/** Files beyond this many bytes are listed but not read. */
export const MAX_FILE_BYTES = 2_000_000
/** Files beyond this many bytes in all are not looked at; those that are not read do not count. */
const MAX_TOTAL_BYTES = 400_000_000
/** Folders deeper than this are not entered when there is no git to list them. */
const MAX_DEPTH = 40
/** Reasons for leaving out single files that are kept by name; the rest is counted. */
const MAX_SKIPPED_NAMED = 50

export interface RepositoryFile {
  /** Relative to the workspace, with `/`. */
  path: string
  bytes: number
  language: string | null
  test: boolean
  /** Part of what tests are made with, such as fixtures. */
  material: boolean
}

export interface Repository {
  root: string
  /** Whether git knows the folder. */
  git: boolean
  /** Files that people maintain, in order of their paths. */
  files: RepositoryFile[]
  /** Files that were left out although they are theirs, and why. */
  skipped: { path: string; reason: string }[]
  skippedCount: number
  /** What a reader of any result should know: limits that were hit, no git. */
  notes: string[]
}

/** Paths that git tracks, or would track, below the workspace. Undefined if there is no git. */
async function listWithGit(workspace: string): Promise<string[] | undefined> {
  if (!(await isGitRepository(workspace))) return undefined
  const paths = new Set<string>()
  const listed = await git(workspace, ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    maxKept: 64_000_000,
  })
  if (listed.exitCode !== 0 || listed.truncated) return undefined
  for (const path of listed.stdout.split('\0')) if (path !== '') paths.add(path)
  return [...paths]
}

/** Paths below the workspace by walking, with the .gitignore files on the way. Symbolic links are not followed. */
function walk(workspace: string): { paths: string[]; complete: boolean } {
  const paths: string[] = []
  let complete = true
  const visit = (folder: string, rules: { base: string; ignored: Ignore }[], depth: number): void => {
    let entries
    try {
      entries = readdirSync(join(workspace, folder), { withFileTypes: true })
    } catch {
      return
    }
    const here = [...rules]
    if (entries.some((entry) => entry.name === '.gitignore' && entry.isFile())) {
      const ignored = ignore().add(readFileSync(join(workspace, folder, '.gitignore'), 'utf8'))
      here.push({ base: folder === '' ? '' : `${folder}/`, ignored })
    }
    for (const entry of entries.toSorted((a, b) => byPath(a.name, b.name))) {
      if (paths.length > 2 * MAX_FILES) {
        complete = false
        return
      }
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      const asked = entry.isDirectory() ? `${path}/` : path
      if (here.some(({ base, ignored }) => ignored.ignores(asked.slice(base.length)))) continue
      if (entry.isDirectory()) {
        if (isForeign(asked) || isBuildOutput(asked)) continue
        if (depth >= MAX_DEPTH) complete = false
        else visit(path, here, depth + 1)
      } else paths.push(path)
    }
  }
  visit('', [], 0)
  return { paths, complete }
}

/**
 * What there is to look at in a workspace: tracked and new files without ignored, vendored and generated ones.
 * Symbolic links are left out, so that loops cannot matter. Never throws.
 */
export async function readRepository(workspace: string): Promise<Repository> {
  const notes: string[] = []
  const tracked = await listWithGit(workspace)
  let paths = tracked
  if (paths === undefined || paths.length === 0) {
    const walked = walk(workspace)
    paths = walked.paths
    if (!walked.complete)
      notes.push(`Only a part of the folders was walked (more than ${2 * MAX_FILES} files or too deep).`)
  }
  const skipped: Repository['skipped'] = []
  let skippedCount = 0
  const skip = (path: string, reason: string): void => {
    skippedCount++
    if (skipped.length < MAX_SKIPPED_NAMED) skipped.push({ path, reason })
  }
  const files: RepositoryFile[] = []
  let total = 0
  for (const path of paths.toSorted(byPath)) {
    if (isForeign(path) || (tracked === undefined && isBuildOutput(path))) continue
    let stat
    try {
      stat = lstatSync(join(workspace, path))
    } catch {
      continue // Tracked, but deleted in the work tree.
    }
    if (stat.isSymbolicLink()) skip(path, 'symbolic link')
    if (!stat.isFile()) continue
    if (stat.size <= MAX_FILE_BYTES) total += stat.size
    if (files.length === MAX_FILES || total > MAX_TOTAL_BYTES) {
      notes.push(`Only the first ${files.length} files in order of their paths were looked at.`)
      break
    }
    if (stat.size > MAX_FILE_BYTES) skip(path, `${megabytes(stat.size)}, not read (limit ${megabytes(MAX_FILE_BYTES)})`)
    files.push({ path, bytes: stat.size, language: languageOf(path), test: isTest(path), material: isMaterial(path) })
  }
  if (tracked === undefined)
    notes.push('Not a git repository: ignored files are known from .gitignore only, and there is no history.')
  return { root: workspace, git: tracked !== undefined, files, skipped, skippedCount, notes }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}

/** A file's text; undefined if it is too big, binary, gone or not readable. */
export function readText(root: string, file: { path: string; bytes: number }): string | undefined {
  if (file.bytes > MAX_FILE_BYTES) return undefined
  try {
    const content = readFileSync(join(root, file.path))
    if (content.subarray(0, 8_000).includes(0)) return undefined
    return content.toString('utf8')
  } catch {
    return undefined
  }
}

/** Whether the head of a file says that a program wrote it. */
export function saysGenerated(text: string): boolean {
  return /@generated\b|code generated .{0,80}do not edit|this file (was|is) (automatically|auto-?)\s?generated|DO NOT EDIT.{0,40}generated/i.test(
    text.slice(0, 1_000),
  )
}
