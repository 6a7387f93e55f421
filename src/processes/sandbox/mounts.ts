import { realpath } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { isFolder } from '../folder.ts'
import { gitParts } from './git.ts'
import { usualSecrets } from './secrets.ts'
import type { SandboxSettings } from './settings.ts'

/** Where a program works, and what it is given there. Absolute paths. */
export interface Place {
  workspace: string
  /** Folders for results. */
  write: readonly string[]
  /** What it is to read, though it may lie where it is hidden. */
  read: readonly string[]
}

export interface Surroundings {
  /** Home folders whose secrets are hidden; the first one is what ~ means. */
  homes: readonly string[]
  /** Folders of the server's own. */
  hidden: readonly string[]
}

/** private: empty and writable. hidden: empty. */
type Mount = { at: string; kind: 'private' | 'hidden' } | { at: string; kind: 'read' | 'write'; from: string }

/** Everybody's, so that other programs' files and sockets lie in it: each program has its own. */
const SHARED = ['/tmp', '/var/tmp', '/run', '/var/run']
/** What of /run programs cannot do without. */
const NEEDED = ['/run/current-system']
const FOR_NAMES = ['/run/systemd/resolve', '/run/resolvconf', '/run/NetworkManager']
/** What nobody needs much of. */
const HIDDEN_BYTES = 4_096

/**
 * The arguments of bubblewrap for what a program sees of the files of this machine: everything, read-only, but for what
 * is hidden; the workspace and the folders for results to be written. Of two that lie in each other the inner one
 * counts, so a secret in the workspace stays hidden; of two for the same path what somebody named counts.
 */
export async function mountArguments(
  place: Place,
  settings: SandboxSettings,
  { homes, hidden }: Surroundings,
): Promise<string[]> {
  const mounts = new Map<string, Mount>()
  const cover = async (kind: 'private' | 'hidden', paths: readonly string[]): Promise<void> => {
    for (const path of paths) {
      const at = await realpath(path).catch(() => undefined)
      if (at !== undefined) mounts.set(at, { at, kind })
    }
  }
  const isCovered = (path: string): boolean => {
    const kind = mounts.get(path)?.kind
    if (kind !== undefined || path === dirname(path)) return kind === 'private' || kind === 'hidden'
    return isCovered(dirname(path))
  }
  const show = async (kind: 'read' | 'write', paths: readonly string[]): Promise<void> => {
    for (const path of paths) {
      const from = await realpath(path).catch(() => undefined)
      if (from === undefined) continue
      // A link to it is gone as well where all around it is.
      for (const at of new Set([from, path])) if (at === from || isCovered(at)) mounts.set(at, { at, kind, from })
    }
  }
  /** What can be read anyway, or written, stays so. */
  const reveal = async (paths: readonly string[]): Promise<void> => {
    for (const path of paths) {
      const real = await realpath(path).catch(() => path)
      if (isCovered(path) || isCovered(real)) await show('read', [path])
    }
  }
  const home = homes[0] ?? '/'
  const written = (paths: readonly string[]): string[] => paths.map((path) => resolve(path.replace(/^~/, home)))

  await cover('private', SHARED)
  await cover('hidden', [...usualSecrets(homes), ...written(settings.hide), ...hidden])
  const git = await gitParts(await realpath(place.workspace))
  // Never all of what is everybody's.
  await reveal(git.outside.filter((path) => !mounts.has(path)))
  await show(settings.workspace, [place.workspace])
  if (settings.workspace === 'write') {
    // What is mounted cannot be moved away, and another one be put in its place.
    await show('write', git.own === undefined ? [] : [git.own])
    await show('read', git.fixed)
  }
  await reveal([...NEEDED, ...(settings.network ? FOR_NAMES : [])])
  await reveal([...place.read.filter((path) => !mounts.has(path)), ...written(settings.read)])
  await show('write', [...place.write, ...written(settings.write)])

  const inOrder = [...mounts.values()].toSorted((a, b) => depth(a.at) - depth(b.at))
  const covered = await Promise.all(inOrder.map((mount) => argumentsOf(mount, settings)))
  const closed = inOrder.filter(({ kind }) => kind === 'hidden').map(({ at }) => at)
  const folders = await Promise.all(closed.map(isFolder))
  // Only now, for places are made in them for what is shown inside.
  return [...covered.flat(), ...closed.flatMap((at, index) => (folders[index] ? ['--remount-ro', at] : []))]
}

async function argumentsOf(mount: Mount, { limits }: SandboxSettings): Promise<string[]> {
  if (mount.kind === 'read') return ['--ro-bind', mount.from, mount.at]
  if (mount.kind === 'write') return ['--bind', mount.from, mount.at]
  if (mount.kind === 'private') return ['--size', `${limits.tmpBytes}`, '--tmpfs', mount.at]
  return (await isFolder(mount.at))
    ? ['--size', `${HIDDEN_BYTES}`, '--tmpfs', mount.at]
    : ['--ro-bind', '/dev/null', mount.at]
}

const depth = (path: string): number => (path === '/' ? 0 : path.split('/').length)
