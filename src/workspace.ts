/**
 * What is known of the folder that agents work in: its content at a moment can be kept, compared and put back.
 * Implementations stand in workspaces/. A workspace is an absolute path; paths in it are relative to it, with '/'.
 */
export interface Workspaces {
  /**
   * Whether there can be snapshots of a workspace: it is a folder under version control. Nothing is written.
   *
   * @throws when that cannot be told
   */
  keeps(workspace: string): Promise<boolean>
  /**
   * Keeps the present content of the workspace, all files but ignored ones, without touching anything of the person's.
   *
   * @param name session/seq; a second snapshot of the same name takes the place of the first
   * @returns what to restore by; undefined if the workspace is under no version control
   * @throws when the name is none, or the content cannot be stored
   */
  snapshot(workspace: string, name: string): Promise<string | undefined>
  /**
   * Brings the workspace's files back to a snapshot of it. What they hold until then is kept as a snapshot of its own
   * first, so that nothing that was ever there is lost.
   *
   * @throws before anything has changed, when this is no snapshot of the workspace, or when something would have to go
   *   that cannot be kept
   */
  restore(workspace: string, commit: string): Promise<void>
  /**
   * Paths whose content, kind or mode differs from a snapshot, sorted; those that came or went included. None if `since`
   * is undefined: where nothing could be kept, nothing is known to have changed.
   *
   * @throws when this is no snapshot of the workspace
   */
  changed(workspace: string, since: string | undefined): Promise<string[]>
  /** Whether something exists at a relative path, and really inside: no '..', and no link that leads out. */
  holds(workspace: string, path: string): Promise<boolean>
}

/**
 * Folders of their own in which attempts change a workspace, so that nothing of the person's is touched and attempts do
 * not see each other: a git worktree each, of the person's repository where the workspace is in one. What they leave is
 * kept as commits, and brought together by merging these. Implementations stand in workspaces/.
 */
export interface Worktrees {
  /**
   * Keeps the present content of the workspace, the whole repository around it included, as what a session begins with.
   *
   * @returns the commit
   * @throws when it cannot be kept, or is larger than the operator allows
   */
  begin(workspace: string, sessionId: string): Promise<string>
  /**
   * Makes a worktree with the content of a commit.
   *
   * @param folder where; must not exist yet. A server that died left it there: whoever removes the folder has cleaned up
   * @throws when it cannot be made, or is larger than the operator allows
   */
  open(workspace: string, commit: string, folder: string): Promise<Worktree>
  /** Brings commits together, in this order. */
  merge(workspace: string, sessionId: string, commits: readonly string[]): Promise<Merged>
  /** The files that differ between two commits, by their paths from the workspace. */
  changes(workspace: string, from: string, to: string): Promise<Change[]>
  /** What leads from one commit to the other, byte for byte as git apply takes it, binary files included. */
  patch(workspace: string, from: string, to: string): Promise<Uint8Array>
  /**
   * Shows a commit to the person as the branch tutti/<session>. A branch on which somebody else has gone on is left alone.
   *
   * @returns the name of the branch; undefined where there is none: no repository of the person's, or not ours any more
   */
  publish(workspace: string, sessionId: string, commit: string): Promise<string | undefined>
}

export interface Worktree {
  /** Absolute path of the workspace in it. */
  path: string
  /**
   * Keeps what it holds now, ignored files left out.
   *
   * @returns the commit, on the one that it was made from; undefined if nothing has changed
   */
  keep(sessionId: string, name: string): Promise<string | undefined>
  /** Removes it. Twice is once. */
  close(): Promise<void>
}

/** All of the commits in one, or the paths that two of them changed in ways that do not go together. */
export type Merged = { kind: 'MERGED'; commit: string } | { kind: 'CONFLICT'; commit: string; paths: string[] }

export interface Change {
  path: string
  status: 'ADDED' | 'CHANGED' | 'REMOVED'
}
