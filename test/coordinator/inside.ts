import { once } from 'node:events'
import type { Json } from '../../src/core/json.ts'
import type { Activity, Outcome, ProducedFile, Runtime, Work } from '../../src/runtime.ts'

/** What an agent inside of the test's own process does; without a script it answers at once. */
type Script = (work: Work, signal: AbortSignal) => AsyncGenerator<Activity, Outcome> | Promise<Outcome> | Outcome

/** A runtime whose agents are functions of the test, so that each moment of an attempt can be held. */
export interface Inside extends Runtime {
  /** What is done from now on. */
  script: Script
  /** "key attempt" of everything that was begun, in order. */
  readonly begun: string[]
  readonly reaped: string[]
  /** From now on it does this, and has not begun anything. */
  renew(script?: Script): void
}

export const ok = (output: Json = 'done', files: ProducedFile[] = []): Outcome => {
  return { kind: 'OK', summary: 'done', output, files, evidence: [], usage: {} }
}

/** Works until it is told to stop. */
export const untilStopped: Script = async (_, signal) => {
  if (!signal.aborted) await once(signal, 'abort')
  return { kind: 'CANCELED', usage: {} }
}

export function inside(): Inside {
  const runtime: Inside = {
    name: 'inside',
    script: () => ok(),
    begun: [],
    reaped: [],
    renew(script = () => ok()) {
      runtime.script = script
      runtime.begun.length = 0
    },
    async *run(work, signal) {
      runtime.begun.push(`${work.key} ${work.attempt}`)
      const done = runtime.script(work, signal)
      return Symbol.asyncIterator in done ? yield* done : await done
    },
    async reap(outputDir) {
      runtime.reaped.push(outputDir)
    },
    check: async () => undefined,
  }
  return runtime
}
