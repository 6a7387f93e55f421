import { mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import type { Json } from '../../src/core/json.ts'
import type { Activity, Outcome, Runtime, Work } from '../../src/runtime.ts'

/** What an agent of the suite does. The ones that go on print a line `ready` first, and `pid <n>` for what they start. */
export type Behaviour =
  | 'ok with result'
  | 'echo lines'
  | 'sleep'
  | 'ignore SIGTERM'
  | 'spawn grandchildren'
  | 'double fork daemon'
  | 'leave a daemon behind'
  | 'flood'
  | 'crash'
  | 'exit 3'
  | 'garbage result'
  | 'huge result'
  | 'nothing'
  | 'never reads stdin'
  | 'artifacts with symlink'
  | 'ask'

export interface RuntimeFixture {
  runtime: Runtime
  /** The runtimeConfig of an agent that behaves like this; undefined where a runtime cannot have such an agent. */
  agent(behaviour: Behaviour): Json | undefined
  /** Milliseconds from asking an agent to stop to stopping it by force. */
  graceMs: number
  /** Lines that an attempt may show. */
  lines: number
  /** Milliseconds that an agent takes on a busy machine until it shows something; next to nothing unless told. */
  startMs?: number
  /** How many attempts are canceled at random moments; 100 unless told. */
  cancels?: number
  /** Its agents see processes under numbers of their own, so that what they tell means nothing outside. */
  ownPids?: boolean
  /** How much goes on for an attempt, where that is no process of this machine; its processes unless told. */
  running?(work: Work): number
  /** false: its agents prove nothing by their own word. */
  tellsEvidence?: false
}

const hasProc = process.platform === 'linux'

/** Beyond the grace, on a busy machine. */
const SLACK_MS = 3_000

/** What an attempt may hold while it is flooded: its lines with room to spare, and next to nothing of what comes after. */
const HELD_BYTES = 60_000_000

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/**
 * Bytes that are in use at this moment, in the heap and in buffers beside it. What the process has of the system says
 * less: garbage stays there until the collector finds the time, and under a flood that is a matter of luck.
 */
function heldBytes(): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** The promises of Runtime in src/runtime.ts, against real agents. */
export function runtimeSuite(name: string, makeFixtureRuntime: () => RuntimeFixture): void {
  const { runtime, agent, graceMs, lines, ownPids = false, ...fixture } = makeFixtureRuntime()
  const running = fixture.running ?? ((work: Work) => processesOf(work).length)
  const folder = mkdtempSync(join(tmpdir(), 'tutti-runtime-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const workFor = (behaviour: Behaviour, change: Partial<Work> = {}): Work => ({
    ...makeWork(folder),
    runtimeConfig: agent(behaviour) ?? null,
    ...change,
  })
  const expectNothing = (work: Work, activities: Activity[]): void => {
    expectNothingLeft(work, ownPids ? [] : activities)
    expect(running(work)).toBe(0)
  }
  const specify = (behaviours: Behaviour[], title: string, test: () => Promise<void>, timeoutMs = 15_000): void =>
    it.skipIf(behaviours.some((behaviour) => agent(behaviour) === undefined))(title, test, timeoutMs)

  describe(`${name}: results`, () => {
    specify(['ok with result'], 'hands the work to the agent and its result back', async () => {
      const { outcome } = await perform(runtime, workFor('ok with result', { title: 'a part', input: { n: 1 } }))
      expect(outcome).toMatchObject({
        kind: 'OK',
        summary: 'did a part',
        output: { work: { title: 'a part', input: { n: 1 } } },
      })
      const evidence = outcome.kind === 'OK' ? outcome.evidence : []
      if (fixture.tellsEvidence === false) return
      expect(evidence).toContainEqual({ name: 'findings', kind: 'COUNT', passed: false, detail: { findings: 2 } })
    })

    specify(['echo lines'], 'shows lines in the order in which the agent printed them', async () => {
      const { activities } = await perform(runtime, workFor('echo lines'))
      const shown = activities.filter(({ stream }) => stream !== 'stderr').map(({ text }) => Number(text))
      expect(shown).toEqual(Array.from({ length: 2_000 }, (_, index) => index + 1))
    })

    specify(['artifacts with symlink'], 'reports regular files only, also in deeper folders', async () => {
      const { outcome } = await perform(runtime, workFor('artifacts with symlink'))
      expect(outcome).toMatchObject({
        kind: 'OK',
        files: [
          { name: 'code.ts', kind: 'FILE', mediaType: 'text/typescript' },
          { name: 'data.json', kind: 'JSON', mediaType: 'application/json' },
          { name: 'deep/er/fix.patch', kind: 'PATCH', mediaType: 'text/x-diff' },
          { name: 'report.md', kind: 'REPORT', mediaType: 'text/markdown' },
        ],
      })
    })

    specify(['never reads stdin'], 'does not need its work to be read', async () => {
      const work = workFor('never reads stdin', { input: 'x'.repeat(5_000_000) })
      const { outcome } = await perform(runtime, work)
      expect(outcome).toMatchObject({ kind: 'OK', summary: 'stdin is not for me' })
    })

    specify(['leave a daemon behind'], 'leaves nothing running when the agent ended by itself', async () => {
      const work = workFor('leave a daemon behind')
      const { outcome, activities } = await perform(runtime, work)
      expect(outcome.kind).toBe('OK')
      expectNothing(work, activities)
    })
  })

  describe(`${name}: questions`, () => {
    specify(['ask'], 'hands the question of an agent on, with what is shown and what it has used', async () => {
      const { outcome } = await perform(runtime, workFor('ask'))
      expect(outcome).toEqual({
        kind: 'ASK',
        ask: { kind: 'QUESTION', question: 'Where to?', shown: { places: ['staging', 'production'] } },
        usage: expect.objectContaining({ inputTokens: 12, outputTokens: 3, cost: 0.5 }),
      })
    })

    specify(['ask'], 'hands the answer, what people said and why it was rejected to the next attempt', async () => {
      const said = {
        replies: [{ question: 'Where to?', text: 'not on a Friday', data: { where: 'staging' } }],
        notes: ['the disk is nearly full'],
        feedback: [{ attempt: 1, gate: 'PERSON', text: 'say where' }],
      }
      const { outcome } = await perform(runtime, workFor('ask', { attempt: 2, ...said }))
      expect(outcome).toMatchObject({
        kind: 'OK',
        summary: 'deployed to staging',
        output: { reply: said.replies[0], notes: said.notes, feedback: said.feedback },
        usage: { inputTokens: 12, outputTokens: 3, cost: 0.5 },
      })
    })
  })

  describe(`${name}: failures`, () => {
    const failures: [Behaviour, string, RegExp][] = [
      ['crash', 'CRASH', /SIGSEGV.*about to crash/],
      ['exit 3', 'AGENT', /exit code 3.*the license is missing/],
      ['garbage result', 'AGENT', /summary.*evidence\[0\]\.passed/],
      ['huge result', 'TOO_LARGE', /2000\d{3} bytes.*artifacts/],
    ]
    for (const [behaviour, errorClass, message] of failures) {
      specify([behaviour], `"${behaviour}" is an error of class ${errorClass}`, async () => {
        const { outcome } = await perform(runtime, workFor(behaviour))
        expect(outcome).toMatchObject({ kind: 'ERROR', error: { class: errorClass } })
        if (outcome.kind === 'ERROR') expect(outcome.error.message).toMatch(message)
      })
    }

    specify(['nothing'], 'an agent that ends as if it were done and leaves nothing has done nothing', async () => {
      const { outcome } = await perform(runtime, workFor('nothing'))
      expect(outcome).toMatchObject({ kind: 'NOTHING', why: expect.stringMatching(/^it .*nothing/) })
      expect(outcome.kind === 'NOTHING' && outcome.evidence).not.toEqual([])
    })

    it('refuses a configuration that is not its own, with the reason', async () => {
      expect(await runtime.check(['nonsense'])).toEqual(expect.any(String))
      const { outcome } = await perform(runtime, { ...makeWork(folder), runtimeConfig: ['nonsense'] })
      expect(outcome).toMatchObject({ kind: 'ERROR', error: { class: 'VALIDATION' } })
    })

    specify(['nothing'], 'accepts its own configuration', async () => {
      expect(await runtime.check(agent('nothing') ?? null)).toBeUndefined()
    })
  })

  describe(`${name}: limits`, () => {
    specify(['sleep'], 'ends an attempt that takes too long', async () => {
      const work = workFor('sleep', { timeouts: { attemptMs: 300, idleMs: 60_000 } })
      const { outcome, activities } = await perform(runtime, work)
      expect(outcome).toMatchObject({ kind: 'TIMEOUT', timeout: 'ATTEMPT' })
      expectNothing(work, activities)
    })

    specify(['sleep'], 'ends an attempt that shows nothing for too long', async () => {
      const work = workFor('sleep', { timeouts: { attemptMs: 60_000, idleMs: 300 } })
      const { outcome, activities } = await perform(runtime, work)
      expect(outcome).toMatchObject({ kind: 'TIMEOUT', timeout: 'IDLE' })
      expectNothing(work, activities)
    })

    specify(['flood'], 'stays within its limits of lines and memory under a flood', async () => {
      const work = workFor('flood', { timeouts: { attemptMs: 2_000 + (fixture.startMs ?? 0), idleMs: 60_000 } })
      const before = heldBytes()
      let most = before
      const looking = setInterval(() => (most = Math.max(most, heldBytes())), 250)
      const { outcome, activities } = await perform(runtime, work).finally(() => clearInterval(looking))
      expect(outcome).toMatchObject({ kind: 'TIMEOUT', timeout: 'ATTEMPT' })
      expect(activities).toHaveLength(lines + 1)
      expect(activities.at(-1)?.text).toContain(`${lines} lines`)
      expect(most - before).toBeLessThan(HELD_BYTES)
    })

    specify(['flood'], 'ends in time although nobody reads', async () => {
      const work = workFor('flood', { timeouts: { attemptMs: 300 + (fixture.startMs ?? 0), idleMs: 60_000 } })
      const attempt = runtime.run(work, new AbortController().signal)
      const first = await attempt.next()
      await waitFor(() => running(work) === 0)
      // On a slow machine nothing may have come by then.
      const outcome = first.done ? first.value : (await drain(attempt)).outcome
      expect(outcome).toMatchObject({ kind: 'TIMEOUT', timeout: 'ATTEMPT' })
    })
  })

  describe(`${name}: cancel`, () => {
    specify(['sleep'], 'does not start what was canceled before', async () => {
      const work = workFor('sleep')
      const { outcome, activities } = await perform(runtime, work, AbortSignal.abort())
      expect(outcome.kind).toBe('CANCELED')
      expect(activities).toEqual([])
      expectNothing(work, activities)
    })

    for (const behaviour of ['sleep', 'ignore SIGTERM', 'spawn grandchildren', 'double fork daemon'] as const) {
      specify([behaviour], `stops "${behaviour}" within the grace and leaves nothing running`, async () => {
        const work = workFor(behaviour)
        const controller = new AbortController()
        const attempt = runtime.run(work, controller.signal)
        const activities = await readUntilReady(attempt)
        if (hasProc || fixture.running) expect(running(work)).toBeGreaterThan(0)
        const canceled = performance.now()
        controller.abort()
        controller.abort()
        const { outcome } = await drain(attempt)
        expect(outcome.kind).toBe('CANCELED')
        expect(performance.now() - canceled).toBeLessThan(graceMs + SLACK_MS)
        expectNothing(work, activities)
      })
    }

    specify(['sleep'], 'stops when its reader leaves', async () => {
      const work = workFor('sleep')
      for await (const { text } of runtime.run(work, new AbortController().signal)) if (text === 'ready') break
      expectNothing(work, [])
    })

    specify(['sleep'], 'stops when its reader leaves while it waits for a line', async () => {
      const work = workFor('sleep')
      const attempt = runtime.run(work, new AbortController().signal)
      await readUntilReady(attempt)
      const pending = attempt.next()
      await attempt.return({ kind: 'CANCELED', usage: {} })
      expect(await pending).toMatchObject({ done: true })
      expectNothing(work, [])
    })

    const kinds = (['sleep', 'ignore SIGTERM', 'spawn grandchildren', 'double fork daemon', 'flood'] as const).filter(
      (behaviour) => agent(behaviour) !== undefined,
    )
    const cancelCount = fixture.cancels ?? 100
    const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
    specify(
      ['sleep'],
      `leaves nothing running after ${cancelCount} cancels at random moments (SEED=${seed})`,
      async () => {
        const plan = fc.record({ behaviour: fc.constantFrom(...kinds), afterMs: fc.integer({ min: 0, max: 150 }) })
        const cancels = fc.sample(plan, { seed, numRuns: cancelCount })
        const cancelOne = async ({ behaviour, afterMs }: (typeof cancels)[number]): Promise<void> => {
          const work = workFor(behaviour)
          const controller = new AbortController()
          const moment = delay(afterMs).then(() => controller.abort())
          const { outcome, activities } = await perform(runtime, work, controller.signal)
          await moment
          expect(outcome.kind).toBe('CANCELED')
          expectNothing(work, activities)
        }
        const lane = async (): Promise<void> => {
          for (let next = cancels.pop(); next; next = cancels.pop()) await cancelOne(next)
        }
        await Promise.all(Array.from({ length: 8 }, lane))
        expect(cancels).toEqual([])
      },
      90_000,
    )
  })

  describe(`${name}: reap`, () => {
    it('has nothing to do where nothing ran', async () => {
      await runtime.reap(makeWork(folder).outputDir)
    })

    specify(
      ['ok with result'],
      'has nothing to do after an attempt that ended, however often it is asked',
      async () => {
        const work = workFor('ok with result')
        await perform(runtime, work)
        await runtime.reap(work.outputDir)
        await runtime.reap(work.outputDir)
      },
    )
  })
}

/** Work of a new attempt in folders of its own below `folder`. */
export function makeWork(folder: string): Work {
  const attemptId = randomUUID()
  const workspace = join(folder, attemptId, 'workspace')
  const outputDir = join(folder, attemptId, 'output')
  mkdirSync(workspace, { recursive: true })
  mkdirSync(outputDir)
  return {
    sessionId: randomUUID(),
    executionId: randomUUID(),
    attemptId,
    attempt: 1,
    fence: 1,
    key: 'part',
    title: 'A part',
    description: 'Do a part of the task.',
    task: { title: 'The task', description: 'All of it.' },
    agent: { id: randomUUID(), name: 'fixture', type: 'GENERAL' },
    input: null,
    upstream: [],
    feedback: [],
    replies: [],
    notes: [],
    allowance: { tokens: null, cost: null },
    workspace,
    outputDir,
    timeouts: { attemptMs: 60_000, idleMs: 60_000 },
    runtimeConfig: null,
  }
}

/** Runs an attempt to its end. */
export async function perform(
  runtime: Runtime,
  work: Work,
  signal: AbortSignal = new AbortController().signal,
): Promise<{ activities: Activity[]; outcome: Outcome }> {
  return drain(runtime.run(work, signal))
}

export async function drain(
  attempt: AsyncGenerator<Activity, Outcome>,
): Promise<{ activities: Activity[]; outcome: Outcome }> {
  const activities: Activity[] = []
  for (;;) {
    const { done, value } = await attempt.next()
    if (done) return { activities, outcome: value }
    activities.push(value)
  }
}

export async function readUntilReady(attempt: AsyncGenerator<Activity, Outcome>): Promise<Activity[]> {
  const activities: Activity[] = []
  while (activities.at(-1)?.text !== 'ready') {
    const { done, value } = await attempt.next()
    if (done) throw new Error(`ended before it was ready: ${JSON.stringify(value)}`)
    activities.push(value)
  }
  return activities
}

/** Polls until a condition of the outer world holds. */
export async function waitFor(condition: () => boolean): Promise<void> {
  for (const start = performance.now(); !condition(); await delay(10)) {
    if (performance.now() - start > 10_000) throw new Error('waited 10 s in vain')
  }
}

/** Processes that carry an attempt's marker or stand in its workspace, as the kernel knows them. */
export function processesOf(work: Work): number[] {
  if (!hasProc) return []
  const isOurs = (pid: string): boolean =>
    attempt(() => readlinkSync(`/proc/${pid}/cwd`)) === work.workspace ||
    attempt(() => readFileSync(`/proc/${pid}/environ`, 'latin1'))
      .split('\0')
      .includes(`TUTTI_ATTEMPT_ID=${work.attemptId}`)
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && isOurs(entry))
    .map(Number)
}

export function isRunning(pid: number): boolean {
  if (hasProc) return /\) [^ZX]/.test(attempt(() => readFileSync(`/proc/${pid}/stat`, 'latin1')))
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** Neither a marked process nor one whose pid the agent told. */
export function expectNothingLeft(work: Work, activities: Activity[]): void {
  const told = activities.map(({ text }) => /^pid (\d+)$/.exec(text)?.[1]).filter((pid) => pid !== undefined)
  expect([...processesOf(work), ...told.map(Number).filter((pid) => isRunning(pid))]).toEqual([])
}

/** What `read` finds, or nothing where the process has just ended. */
function attempt(read: () => string): string {
  try {
    return read()
  } catch {
    return ''
  }
}
