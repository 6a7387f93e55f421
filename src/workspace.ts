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
