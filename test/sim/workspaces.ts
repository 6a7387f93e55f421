import type { Workspaces } from '../../src/workspace.ts'
import { Fault, type Life } from './loop.ts'

/** Commits by the name of their snapshot, with the workspace that each is of. */
export type Commits = Map<string, string>

/** The workspaces as one server sees them. Those whose name says so are under no version control. */
export function workspacesOn(commits: Commits, life: Life, broken: () => boolean): Workspaces {
  const use = <T>(verb: string, apply: () => T): Promise<T> =>
    life.call(verb, () => {
      if (broken()) throw new Fault(`git failed: ${verb}`, 'ENOSPC')
      return apply()
    })
  const known = (workspace: string, commit: string): void => {
    if (commits.get(commit) !== workspace) throw new Error(`${commit} is no snapshot of ${workspace}`)
  }
  const isPlain = (workspace: string): boolean => workspace.includes('plain')
  return {
    keeps: (workspace) => use('version control', () => !isPlain(workspace)),
    snapshot: (workspace, name) =>
      use('snapshot', () => {
        if (isPlain(workspace)) return undefined
        const commit = `commit of ${name}`
        commits.set(commit, workspace)
        return commit
      }),
    restore: (workspace, commit) => use('restore', () => known(workspace, commit)),
    changed: (workspace, since) =>
      use('changes', () => {
        if (since === undefined) return []
        known(workspace, since)
        return ['changed.ts']
      }),
    holds: (_, path) => use('look for a file', () => path !== 'missing.ts'),
  }
}
