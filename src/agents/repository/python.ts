import { fileURLToPath } from 'node:url'
import { runTool } from '../protocol/tool.ts'

/** Files are handed over in groups of this many, so that one run stays short. */
const MAX_FILES_AT_ONCE = 2_000

/**
 * Runs one of the helper scripts beside this file with the names of Python files on its stdin, and reads the JSON
 * lines that it prints. The files are parsed, never imported or run.
 *
 * @returns undefined if python3 is not there or the script failed
 */
export async function askPython<T>(
  script: 'python_syntax.py' | 'python_api.py',
  root: string,
  files: readonly string[],
  timeLeft: () => number,
): Promise<T[] | undefined> {
  const answers: T[] = []
  for (let start = 0; start < files.length; start += MAX_FILES_AT_ONCE) {
    const done = await runTool(['python3', '-I', fileURLToPath(new URL(script, import.meta.url))], {
      cwd: root,
      timeoutMs: timeLeft(),
      input: files.slice(start, start + MAX_FILES_AT_ONCE).join('\n'),
      maxKept: 50_000_000,
    })
    if (done.exitCode !== 0) return undefined
    for (const line of done.stdout.split('\n')) if (line !== '') answers.push(JSON.parse(line) as T)
  }
  return answers
}
