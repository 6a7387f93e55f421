import type { SavedResult } from './save.ts'

/** What `--json` prints of a session: one object with what a program may want to know. */
export function answer({ session, executions, report, folder }: SavedResult): object {
  const { id, status, pattern, complexity, durationMs, reason, branch, output } = session
  return {
    session: { id, status, pattern, complexity, durationMs, reason, branch, output },
    executions: executions.map(({ artifacts, ...execution }) => ({
      ...execution,
      artifacts: artifacts.map(({ name, kind, size, sha256, path }) => ({ name, kind, size, sha256, path })),
    })),
    report,
    folder,
  }
}
