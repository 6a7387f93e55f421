import type { StartInput, TaskInput } from '../../src/coordinator/coordinator.ts'
import type { Gate } from '../../src/core/gate.ts'
import { type Aggregate, PATTERNS, type Pattern, type SubTask } from '../../src/core/plan.ts'
import { INPUT_POLICIES } from '../../src/core/state.ts'
import type { Random } from './random.ts'

/** A task that somebody starts, in one of the projects. */
export type AnyStart = Omit<StartInput, 'projectId' | 'idempotencyKey' | 'task'> & { project: number; task: TaskInput }

/** Keys that objects know by themselves or put into an order of their own are among them. */
const KEYS = ['b', 'a', '10', '9', 'constructor', '__proto__', 'toString']
const DAY_MS = 86_400_000
/** Of a world's agents: the first one is always there. */
const AGENT = 'agent 1'

/** One to seven parts that depend on those before them, of any pattern and with all that can be asked for. */
export function anyStart(random: Random): AnyStart {
  const pattern = random.pick([...PATTERNS, 'AUTO'] as const)
  const subTasks = anyParts(random, pattern, 1)
  const managed = pattern === 'HIERARCHICAL' && random.chance(0.3)
  const itemized = pattern === 'PIPELINE' && random.chance(0.3) && subTasks.every((part) => !part.evenIfSkipped)
  return {
    project: random.below(2),
    task: {
      title: `task ${random.below(1_000_000_000)}`,
      description: '',
      priority: random.between(-1, 1),
      subTasks,
    },
    pattern,
    ...(managed && { manager: anyManager(random) }),
    ...(itemized && { items: anyItems(random) }),
    ...(!managed && !itemized && anyClosing(random, pattern, subTasks.length)),
    policy: {
      input: random.pick(INPUT_POLICIES),
      review: random.chance(0.15),
      rollback: random.chance(0.2),
      close: random.pick(['CANCEL_CHILDREN', 'WAIT', 'ABANDON']),
      interruptMs: random.pick([5_000, 60_000, DAY_MS]),
    },
    ...(random.chance(0.3) && { budget: anyBudget(random) }),
    limits: {
      concurrency: random.between(1, 4),
      totalMs: random.pick([DAY_MS, DAY_MS, DAY_MS, 20_000, 120_000]),
      cancelGraceMs: random.pick([0, 1_000, 30_000]),
    },
    attemptTimeoutMs: random.pick([5_000, 60_000]),
    maxAttempts: random.between(1, 3),
  }
}

/** Whether it can be kept only in a workspace under version control. What a manager is given are but hints. */
export function needsVersions({ task, manager, policy }: Omit<AnyStart, 'project'>): boolean {
  const parts = manager ? [] : (task.subTasks ?? []).flatMap(withBelow)
  const compares = parts.some(({ gates = [] }) => gates.some((gate) => gate.kind === 'FILES' && gate.changed))
  return compares || (policy?.rollback === true && parts.every(({ compensation }) => !compensation))
}

function withBelow(part: SubTask): SubTask[] {
  return [part, ...(part.session?.parts ?? []).flatMap(withBelow)]
}

/** @param level of the session that they are for; 1: it is nobody's child */
function anyParts(random: Random, pattern: Pattern | 'AUTO', level: number): SubTask[] {
  const keys = KEYS.slice(0, random.between(1, level === 1 ? KEYS.length : 3))
  const parts = keys.map((key, at) => anyPart(random, key, pattern === 'PARALLEL' ? [] : keys.slice(0, at), level))
  return random.chance(0.5) ? parts : parts.toReversed()
}

function anyPart(random: Random, key: string, before: readonly string[], level: number): SubTask {
  const dependsOn = before.filter(() => random.chance(1.5 / (before.length + 1)))
  const common: SubTask = {
    key,
    title: `Do ${key}`,
    description: '',
    capabilities: ['work'],
    dependsOn,
    ...(random.chance(0.3) && { optional: true }),
    ...(random.chance(0.1) && { timeouts: { queueMs: 20_000 } }),
    ...(dependsOn.length > 0 && random.chance(0.2) && { evenIfSkipped: true }),
    ...(random.chance(0.3) && { gates: Array.from({ length: random.between(1, 2) }, () => anyGate(random)) }),
    ...(random.chance(0.3) && { compensation: { title: `Undo ${key}`, capabilities: ['work'] } }),
  }
  if (level < 3 && random.chance(0.08)) return { ...common, session: anySession(random, level + 1) }
  return {
    ...common,
    ...(random.chance(0.15) && { fallback: [AGENT] }),
    ...(random.chance(0.1) && { reserve: { tokens: 20 } }),
  }
}

function anySession(random: Random, level: number): NonNullable<SubTask['session']> {
  const pattern = random.pick(PATTERNS)
  const parts = anyParts(random, pattern, level)
  return { pattern, parts, ...anyClosing(random, pattern, parts.length) }
}

/** How a plan closes, and what a failure does to the rest of it. */
function anyClosing(
  random: Random,
  pattern: Pattern | 'AUTO',
  parts: number,
): Pick<StartInput, 'aggregate' | 'votes' | 'onFailure' | 'quorum'> {
  const any: readonly Aggregate[] = ['NONE', 'COLLECT', 'AGENT']
  const ofBranches: readonly Aggregate[] = ['REDUCE', 'VOTE', 'FIRST']
  const aggregate = random.pick(pattern === 'PARALLEL' ? [...any, ...ofBranches] : any)
  const onFailure = random.pick([undefined, 'FAIL_FAST', 'CONTINUE', 'QUORUM'] as const)
  return {
    ...(random.chance(0.7) && { aggregate, ...(aggregate === 'VOTE' && { votes: random.between(1, parts) }) }),
    ...(onFailure && { onFailure, ...(onFailure === 'QUORUM' && { quorum: random.between(1, parts) }) }),
  }
}

function anyItems(random: Random): NonNullable<StartInput['items']> {
  const list = Array.from({ length: random.between(1, 3) }, (_, index) => `item ${index}`)
  return { list, buffer: random.between(1, 2), onFailure: random.pick(['STOP', 'DEAD_LETTER']) }
}

function anyManager(random: Random): NonNullable<StartInput['manager']> {
  return {
    maxRounds: random.between(1, 4),
    maxReplans: random.between(0, 1),
    maxStalls: random.between(0, 2),
    maxChildren: random.between(2, 6),
  }
}

function anyBudget(random: Random): NonNullable<StartInput['budget']> {
  const hard = random.chance(0.5)
  const limit = (amount: number): { soft: number } | { hard: number } => (hard ? { hard: amount } : { soft: amount })
  return random.pick([
    { TOKENS: limit(random.between(10, 100)) },
    { COST: limit(random.between(1, 10) / 100) },
    { EXECUTIONS: limit(random.between(1, 8)) },
    { WALL_TIME: limit(random.between(1_000, 60_000)) },
  ])
}

function anyGate(random: Random): Gate {
  const gates: readonly Gate[] = [
    { kind: 'SCHEMA', schema: { type: random.pick(['string', 'object']) } },
    { kind: 'COMMAND', command: 'check' },
    { kind: 'TEST_REPORT', minPassed: 1, maxFailed: 0 },
    { kind: 'FILES', exist: [random.pick(['README.md', 'missing.ts'])] },
    { kind: 'FILES', changed: [random.pick(['changed.ts', 'other.ts'])] },
    { kind: 'EVIDENCE', minArtifacts: 1 },
    { kind: 'JUDGE', criteria: 'it is good' },
    {
      kind: 'PERSON',
      question: 'Is it good?',
      expiresMs: random.pick([5_000, DAY_MS]),
      onExpiry: random.pick(['APPROVE', 'REJECT']),
    },
  ]
  return random.pick(gates)
}
