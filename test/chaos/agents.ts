import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** How long the agents' programs take by name, in milliseconds. */
const LASTING = { blink: 50, breath: 150, step: 300, walk: 500 } as const

export const AGENTS = Object.keys(LASTING) as (keyof typeof LASTING)[]

const SCRIPT =
  'echo "began $TUTTI_EXECUTION_ID $TUTTI_ATTEMPT" >> "$DEEDS"; sleep "$LASTING"; ' +
  'echo "ended $TUTTI_EXECUTION_ID $TUTTI_ATTEMPT" >> "$DEEDS"; echo "$TUTTI_EXECUTION_ID $TUTTI_ATTEMPT"'

/** What an attempt of an execution leaves as its output. */
export const outputOf = (executionId: string, attempt: number): string => `${executionId} ${attempt}`

const deedsIn = (folder: string): string => join(folder, 'deeds')

/** The configuration of servers whose agents write what they do into a file that no server knows of. */
export function configuration(folder: string): object {
  return {
    builtinAgents: false,
    // They write where no server looks, and are to outlive theirs.
    sandbox: { mode: 'off' },
    commands: Object.fromEntries(
      Object.entries(LASTING).map(([name, ms]) => [
        name,
        { argv: ['sh', '-c', SCRIPT], env: { DEEDS: deedsIn(folder), LASTING: String(ms / 1_000) } },
      ]),
    ),
    agents: AGENTS.map((name) => ({ name, command: name, capabilities: [name], slots: 100 })),
  }
}

/** What agents have written, by "execution attempt": how often its program began, and how often it came to its end. */
export function readDeeds(folder: string): Map<string, { began: number; ended: number }> {
  const deeds = new Map<string, { began: number; ended: number }>()
  for (const line of readFileSync(deedsIn(folder), 'utf8').split('\n')) {
    const [what, executionId, attempt] = line.split(' ')
    if (what !== 'began' && what !== 'ended') continue
    const name = outputOf(executionId as string, Number(attempt))
    const deed = deeds.get(name) ?? { began: 0, ended: 0 }
    deed[what]++
    deeds.set(name, deed)
  }
  return deeds
}
