import { ERROR_CLASSES, type ErrorClass } from '../../src/core/retry.ts'
import type { Json } from '../../src/core/json.ts'
import type { Evidence, Outcome, ProducedFile, Runtime, Work } from '../../src/runtime.ts'
import type { Coverage } from './coverage.ts'
import { Fault, type Life } from './loop.ts'
import type { Random } from './random.ts'
import { REFUSED_TEXT } from './tables.ts'
import type { Witness } from './witness.ts'

/** How often agents of a world do what. */
export type Habits = Record<Habit, number>

/** What an attempt comes to. HANG: it works until its time is over, or until it is told to stop. */
type Habit = keyof typeof HABITS

/** What an attempt leaves; a new kind of outcome is one entry here. */
const HABITS = {
  OK: (random) => ok(random.pick(['done', { done: true }]), 'did it'),
  TESTED: () =>
    ok(
      'done',
      'tested it',
      [],
      [{ name: 'tests', kind: 'TEST_REPORT', passed: true, detail: { passed: 3, failed: 0 } }],
    ),
  FILES: () => ok(null, 'left files', [{ name: 'report.md', kind: 'REPORT', mediaType: 'text/markdown' }]),
  EMPTY: () => ok('', 'did nothing'),
  NOTHING: () => ({ kind: 'NOTHING', why: 'no file has changed', evidence: [], usage: { inputTokens: 10 } }),
  ERROR: (random) => failed(random.pick(ERROR_CLASSES), 'it went wrong'),
  REFUSED: () => ok('done', REFUSED_TEXT),
  QUITS: () => ({ kind: 'CANCELED', usage: {} }),
  ASK: (random) => ({
    kind: 'ASK',
    ask: { kind: random.pick(['QUESTION', 'AUTH']), question: 'What now?', shown: {} },
    usage: {},
  }),
  IDLE: () => ({ kind: 'TIMEOUT', timeout: 'IDLE', usage: { cpuMs: 1 } }),
  HANG: () => ({ kind: 'TIMEOUT', timeout: 'ATTEMPT', usage: {} }),
  THROWS: () => {
    throw new Fault('the runtime broke')
  },
} as const satisfies Record<string, (random: Random) => Outcome>

export const HABIT_KINDS = Object.keys(HABITS) as Habit[]

/** Agents that do what they are asked to. */
export const WELL = Object.fromEntries(HABIT_KINDS.map((kind) => [kind, kind === 'OK' ? 1 : 0])) as Habits

function ok(output: Json, summary: string, files: ProducedFile[] = [], evidence: Evidence[] = []): Outcome {
  return { kind: 'OK', summary, output, files, evidence, usage: { inputTokens: 10, outputTokens: 1, cost: 0.01 } }
}

/** What those who have been asked something else than work say. */
function answerOf(work: Work, habit: Habit, random: Random): Outcome {
  const done = HABITS[habit](random)
  if (done.kind !== 'OK') return done
  if (work.fence === 0) return ok(random.chance(0.7) ? { verdict: 'ACCEPT' } : { verdict: 'REJECT' }, 'judged')
  // What is delegated fails more often than other work, so that managers learn of it.
  if (/^manage-\d+-part-/.test(work.key)) return random.chance(0.4) ? failed('AUTH', 'no key') : done
  if (work.key.startsWith('manage-')) return ok(anyLedger(work, random), 'delegated')
  return done
}

/** A manager's ledger that mostly can be read. */
function anyLedger({ key, upstream }: Work, random: Random): Json {
  // What depends on something that failed is never begun.
  const failed = upstream.filter(({ status }) => status === 'FAILED')
  const earlier = (failed.length > 0 ? failed : upstream).map((result) => result.key)
  const satisfied = random.chance(0.3)
  const count = satisfied ? 0 : random.between(0, 3)
  const next = Array.from({ length: count }, (_, index) => {
    return {
      key: `${key}-part-${index}`,
      title: `Part ${index}`,
      description: '',
      capabilities: ['work'],
      dependsOn: random.chance(0.5) ? earlier.slice(-1) : [],
    }
  })
  const progressing = random.chance(0.7)
  return { satisfied, looping: random.chance(0.1), progressing, next, instruction: 'go on', reasons: ['chance'] }
}

function failed(errorClass: ErrorClass, message: string): Outcome {
  return { kind: 'ERROR', error: { class: errorClass, message }, evidence: [], usage: {} }
}

/** What agents of all servers share. */
export interface Workshop {
  witness: Witness
  coverage: Coverage
  /** Chance for one attempt, the same whatever else happens in the world. */
  chanceOf(work: Work): Random
  habits(): Habits
  /** Why agents cannot run now, if so. */
  sick(): string | undefined
  /** Whether ending what an earlier server left fails now. */
  unendable(): boolean
}

/** A runtime whose agents are drawn by chance, on one host. */
export function createSimulatedRuntime(workshop: Workshop, host: string, life: Life, name: string): Runtime {
  const { witness, coverage } = workshop

  async function* run(work: Work, signal: AbortSignal): ReturnType<Runtime['run']> {
    const process = witness.begun(work, host)
    const random = workshop.chanceOf(work)
    const habit = random.weigh(workshop.habits())
    const obeys = random.chance(0.8)
    const worksMs = habit === 'HANG' ? work.timeouts.attemptMs : random.between(1, 10_000)
    coverage.agent(habit)
    try {
      for (let shown = random.below(3); shown > 0; shown--) {
        yield { kind: 'OUTPUT', text: `${work.key}, attempt ${work.attempt}`, stream: 'stdout' }
        await wait(random.below(500), obeys ? signal : undefined)
      }
      await wait(Math.min(worksMs, work.timeouts.attemptMs), obeys ? signal : undefined)
      if (!signal.aborted) return answerOf(work, habit, random)
      // Whoever obeys stops soon; whoever does not reports late what it has done, grace or no grace.
      coverage.agent(obeys ? 'stops' : 'reports late')
      await wait(random.below(obeys ? 1_000 : 90_000))
      return obeys ? { kind: 'CANCELED', usage: {} } : answerOf(work, habit, random)
    } finally {
      witness.gone(process)
    }
  }

  /** Waits so long, or until it is told to stop. */
  function wait(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const callOff = life.timers.after(ms, resolve)
      const stop = (): void => {
        callOff()
        resolve()
      }
      signal?.addEventListener('abort', stop, { once: true })
    })
  }

  return {
    name,
    run,
    reap: (outputDir) =>
      life.call('end leftovers', () => {
        const left = witness.running(host).filter(({ work }) => work.outputDir === outputDir)
        if (left.length > 0 && workshop.unendable()) {
          for (const run of left) run.stubborn = true
          throw new Fault('the process cannot be ended')
        }
        for (const run of left) witness.gone(run)
      }),
    // Programs that are gates are always there; agents can be away.
    check: () => life.call('check an agent', () => (name === 'command' ? undefined : workshop.sick())),
  }
}
