import { runTool } from '../protocol/tool.ts'
import type { ToolOptions, ToolResult } from '../protocol/tool.ts'

/** No question to git takes longer, in milliseconds. */
const GIT_TIMEOUT_MS = 30_000

/**
 * Reads from a repository with git. Nothing is written (not even the index' cached times), and nothing that the
 * repository's own configuration names is run.
 */
export function git(
  workspace: string,
  args: readonly string[],
  options: Partial<ToolOptions> = {},
): Promise<ToolResult> {
  const safe = ['safe.directory=*', 'core.fsmonitor=false', 'core.hooksPath=/dev/null', 'core.quotePath=false']
  return runTool(['git', ...safe.flatMap((setting) => ['-c', setting]), ...args], {
    cwd: workspace,
    timeoutMs: GIT_TIMEOUT_MS,
    ...options,
    env: { GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0', GIT_PAGER: '', LC_ALL: 'C', ...options.env },
  })
}

/** Whether the folder is under version control and git is there to ask. */
export async function isGitRepository(workspace: string): Promise<boolean> {
  const answer = await git(workspace, ['rev-parse', '--is-inside-work-tree'])
  return answer.exitCode === 0 && answer.stdout.trim() === 'true'
}
