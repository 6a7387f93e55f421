import type { Amounts } from '../../src/core/budget.ts'
import { checkpointAt } from '../../src/core/checkpoint.ts'
import { executionById, executionsOf, nodeOf } from '../../src/core/draft.ts'
import type { Event } from '../../src/core/event.ts'
import { type ExecutionState, heldAttempt } from '../../src/core/execution.ts'
import { hash } from '../../src/core/hash.ts'
import type { Answer, InterruptState } from '../../src/core/interrupt.ts'
import type { Json } from '../../src/core/json.ts'
import { DEFAULT_COMPILE } from '../../src/core/pattern.ts'
import type { Plan } from '../../src/core/plan.ts'
import { isEnded } from '../../src/core/session.ts'
import { DEFAULT_LIMITS, type SessionState, type Step } from '../../src/core/state.ts'
import type { Report } from '../../src/core/attempt.ts'
import { type Happening, open, type Opening, step } from '../../src/core/step.ts'
import { nextTick } from '../../src/core/tick.ts'
import { askedOf } from '../../src/core/verdict.ts'
import type { Command, LedgerCommand } from './commands.ts'
import { checkEnd, checkStep, equal, type Facts, foldStep, holds, isWithin, startFacts } from './invariants.ts'
import { BEGIN } from './sessions.ts'

/** An attempt that was made at some time. */
interface Made {
  executionId: string
  attemptId: string
  fence: number
}

/** What a session begins with, beside its plan. */
export interface Beginning extends Partial<Pick<Opening, 'limits' | 'policy' | 'budget' | 'parentSessionId'>> {
  carried?: Readonly<Record<string, ExecutionState>>
  commit?: string
}

/** A session in a random world. Each of its steps has been held against the rules. */
export interface World {
  readonly state: SessionState
  readonly events: Event[]
  readonly facts: Facts
  obey(command: Command): void
  /** Claims, reports, judges and answers everything, and lets time pass where there is nothing to do. */
  work(reports: readonly Report[]): void
  /** Lets time pass, and what servers do by themselves happen where time alone does nothing. */
  letTimePass(): void
}

/** Turns that any session needs at most to come to its end. */
const MANY_TURNS = 3_000

const AGENT = { id: 'a', name: 'a', type: 'GENERAL', description: '', capabilities: [], slots: 1, status: 'ONLINE' } as const // prettier-ignore

export function world(plan: Plan, beginning: Beginning = {}): World {
  const { limits = DEFAULT_LIMITS, carried, commit, ...opening } = beginning
  let now = BEGIN
  let attempts = 0
  const session = { id: 's', projectId: 'p', taskId: 't', pattern: plan.pattern, priority: 0, plan, limits, ...opening }
  // What is drawn has no prototypes, which what comes from a database has.
  let last = open(JSON.parse(JSON.stringify(session)), now)
  const events: Event[] = [...last.events]
  const checkpoints: number[] = []
  const made: Made[] = []
  const facts = startFacts()
  /** Units of which somebody has used more than was put aside. */
  let isExceeded = false
  foldStep(facts, undefined, last, now)

  const happen = (happening: Happening, allowed: boolean): Step => {
    const before = last.state
    last = step(before, happening, now)
    events.push(...last.events)
    checkpoints.push(...last.events.filter(({ type }) => type === 'CHECKPOINT_MADE').map(({ seq }) => seq))
    checkStep(before, last, allowed)
    foldStep(facts, before, last, now)
    if (!isExceeded) for (const account of Object.values(last.state.budget).slice(0, 2)) holds(isWithin(account), 'no limit is passed') // prettier-ignore
    holds(isWithin(last.state.budget.EXECUTIONS), 'no limit of executions is passed')
    // Both take longer than all the rest.
    if (last.state.version % 5 === 0 || isEnded(last.state.status)) {
      equal(step(before, happening, now), last, 'a step of the same is the same')
      equal(JSON.parse(JSON.stringify(last.state)), last.state, 'a state survives JSON')
    }
    return last
  }
  const status = (): SessionState['status'] => last.state.status
  const inOneOf = (...statuses: SessionState['status'][]): boolean => statuses.includes(status())
  const all = (): ExecutionState[] => executionsOf(last.state)
  const held = (): Made[] =>
    all().flatMap((execution) => {
      const attempt = heldAttempt(execution)
      return attempt ? [{ executionId: execution.id, attemptId: attempt.id, fence: attempt.fence }] : []
    })

  const makePlan = (): void => {
    const given = { ...(carried && { carried }), ...(commit !== undefined && { commit }) }
    happen({ type: 'PLAN', executionIds: {}, ...given }, inOneOf('QUEUED'))
  }
  const claim = ({ id: executionId, key }: ExecutionState, leaseMs: number): void => {
    const allowed = mayClaim(last.state, key)
    attempts += 1
    const id = `attempt ${attempts}`
    const attempt = { id, agentId: 'a', agentVersion: 1, owner: 'o', leaseUntil: now + leaseMs }
    happen({ type: 'CLAIM', executionId, attempt, selection: null }, allowed)
    if (!allowed) return
    const current = heldAttempt(executionById(last.state, executionId) as ExecutionState)
    // A lease or a budget may be over before it has begun.
    if (current) made.push({ executionId, attemptId: id, fence: current.fence })
  }
  const report = (to: Made, given: Report, uses: number, jitter: number, ledger: LedgerCommand): void => {
    const { executionId, attemptId, fence } = to
    const execution = executionById(last.state, executionId) as ExecutionState
    const attempt = heldAttempt(execution)
    const allowed = !isEnded(status()) && attempt?.id === attemptId && attempt.fence === fence
    let told = given
    if (given.kind !== 'LOST' || given.meant) {
      const { usage, beyond } = use(last.state, attempt?.reserved, uses)
      if (allowed && beyond) isExceeded = true
      told = { ...given, usage } as Report
    }
    if (given.kind === 'OK' && nodeOf(last.state, execution.key).kind === 'MANAGE') {
      told = { ...told, output: ledgerOf(last.state, ledger) } as Report
    }
    happen({ type: 'REPORT', executionId, attemptId, fence, report: told, jitter, agents: [AGENT] }, allowed)
  }
  const judge = (execution: ExecutionState, verdict: Command & { do: 'VERDICT' }): void => {
    const { id: executionId, status: is, current, gate = 0, gateErrors = 0, candidate } = execution
    const [wrongGate, wrongErrors, wrongAttempt] = [verdict.gate, verdict.errors, verdict.attempt]
    const kind = nodeOf(last.state, execution.key).gates?.[gate]?.kind
    const asked = kind !== 'JUDGE' || candidate?.judge !== undefined
    const right = asked && !wrongGate && !wrongErrors && !wrongAttempt
    const allowed = !isEnded(status()) && is === 'VALIDATING' && kind !== undefined && right
    const { usage, beyond } = use(last.state, candidate?.judge, (verdict.pick % 4) / 2)
    if (allowed && kind === 'JUDGE' && beyond) isExceeded = true
    happen(
      {
        type: 'VERDICT',
        executionId,
        attemptId: wrongAttempt ? 'another' : (current?.id ?? executionId),
        gate: gate + wrongGate,
        errors: gateErrors + wrongErrors,
        verdict: verdict.verdict,
        evidence: null,
        ...(kind === 'JUDGE' && { usage }),
      },
      allowed,
    )
  }
  /** Its server has died, or has stopped in order. */
  const loseJudge = (execution: ExecutionState, pick: number): void => {
    const meant = pick % 4 === 0
    const { status: is, gate = 0, candidate } = execution
    const judges = nodeOf(last.state, execution.key).gates?.[gate]?.kind === 'JUDGE' && candidate?.judge !== undefined
    const allowed = !isEnded(status()) && is === 'VALIDATING' && judges
    const { usage, beyond } = use(last.state, candidate?.judge, (pick % 3) / 2)
    if (allowed && meant && beyond) isExceeded = true
    happen({ type: 'JUDGE_LOST', ...askedOf(execution), ...(meant && { usage }) }, allowed)
  }
  const answer = (interrupt: InterruptState, given: Answer, by: Command & { do: 'ANSWER' }): void => {
    const { id: interruptId, role, choices, shownHash, status: is } = interrupt
    const roles = by.role === 'RIGHT' ? [role] : by.role === 'ADMIN' ? (['ADMIN'] as const) : (['VIEWER'] as const)
    const shown = by.shown === 'RIGHT' ? shownHash : by.shown === 'WRONG' ? hash('another') : undefined
    const allowed =
      !isEnded(status()) &&
      is === 'OPEN' &&
      by.role !== 'WRONG' &&
      by.shown !== 'WRONG' &&
      choices.includes(given.choice) &&
      (given.choice !== 'RAISE' || mayRaise(last.state, given.data))
    happen({ type: 'ANSWER', interruptId, answer: given, by: 'ada', roles, ...(shown !== undefined && { shownHash: shown }) }, allowed) // prettier-ignore
  }
  const endChild = (execution: ExecutionState, command: Command & { do: 'CHILD' }): void => {
    const { id: executionId, childId = 'none', status: is, slice } = execution
    const wrong = command.wrong || execution.childId === undefined
    const allowed = !isEnded(status()) && !wrong && is === 'RUNNING'
    const { used, beyond } = use(last.state, slice, command.uses)
    if (allowed && beyond) isExceeded = true
    // A child never begins more executions than it was given.
    const executions = Math.floor((slice?.executions ?? 3) * Math.min(1, command.uses))
    const undo = command.status === 'ROLLED_BACK' ? [] : LEFT.slice(0, command.pick % 3)
    const end = { status: command.status, output: { a: 1 }, used: { ...used, executions }, undo }
    happen({ type: 'CHILD_ENDED', executionId, childId: wrong ? 'another' : childId, ...end, reason: 'chance' }, allowed) // prettier-ignore
  }
  const rollBack = (pick: number): void => {
    const toSeq = pick % 2 === 0 ? undefined : choose(checkpoints, pick)
    const { accepted = [] } = (toSeq !== undefined && checkpointAt(last.state, toSeq)) || {}
    const allowed = inOneOf('RUNNING', 'INTERRUPTED', 'PAUSED')
    const goal = { toSeq: toSeq ?? 0, keep: accepted, ...(pick % 3 === 0 && { commit: 'c' }) }
    happen({ type: 'ROLL_BACK', reason: 'chance', ...goal }, allowed)
  }
  const restore = (error: boolean): void => {
    const asked = last.state.interrupts.some((interrupt) => interrupt.status === 'OPEN')
    const allowed = inOneOf('ROLLING_BACK') && last.state.rollback?.phase === 'RESTORING' && !asked
    happen({ type: 'RESTORED', ...(error && { error: 'chance' }) }, allowed)
  }
  const tick = (ms: number): void => {
    const due = nextTick(last.state)
    now += ms
    happen({ type: 'TICK' }, !isEnded(status()))
    // The alarm neither rings in vain nor too late.
    equal(last.events.length > 0, due !== undefined && now >= due, 'a tick at nextTick does something')
  }
  const waitUntilDue = (): void => tick(Math.max(0, (nextTick(last.state) ?? now) - now))
  const resume = (): Step => happen({ type: 'RESUME' }, inOneOf('PAUSED'))

  const obey = (command: Command): void => {
    switch (command.do) {
      case 'PLAN':
        return makePlan()
      case 'CANCEL': {
        const allowed = !isEnded(status()) && !inOneOf('QUEUED', 'CANCELING', 'ROLLING_BACK')
        happen({ type: 'CANCEL', reason: command.reason }, allowed)
        return
      }
      case 'WAIT':
        return tick(command.ms)
      case 'WAIT_UNTIL_DUE':
        return waitUntilDue()
      case 'CLAIM': {
        // Mostly what can be claimed, now and then what cannot.
        const ready = all().filter(({ key }) => mayClaim(last.state, key))
        const chosen = choose(command.pick % 5 > 0 && ready.length > 0 ? ready : all(), command.pick)
        if (chosen) claim(chosen, command.leaseMs)
        return
      }
      case 'REPORT': {
        const chosen = choose(held(), command.pick)
        if (chosen) report(chosen, command.report, command.uses, command.jitter, command.ledger)
        return
      }
      case 'REPEAT': {
        const chosen = choose(made, command.pick)
        if (chosen) report({ ...chosen, fence: chosen.fence + command.fence }, command.report, 1, 0.5, 'DELEGATE')
        return
      }
      case 'VERDICT': {
        const asked = all().filter((execution) => execution.status === 'VALIDATING')
        const chosen = choose(command.pick % 5 > 0 && asked.length > 0 ? asked : all(), command.pick)
        if (chosen && command.attempt && command.pick % 2 === 0) loseJudge(chosen, command.pick)
        else if (chosen) judge(chosen, command)
        return
      }
      case 'ANSWER': {
        const opened = last.state.interrupts.filter((interrupt) => interrupt.status === 'OPEN')
        const chosen = choose(command.pick % 5 > 0 && opened.length > 0 ? opened : last.state.interrupts, command.pick)
        if (chosen) answer(chosen, answerTo(last.state, chosen, command), command)
        return
      }
      case 'CHILD': {
        const children = all().filter((execution) => execution.childId !== undefined)
        const chosen = choose(children.length > 0 ? children : all(), command.pick)
        if (chosen) endChild(chosen, command)
        return
      }
      case 'PAUSE':
        happen({ type: 'PAUSE', reason: 'chance' }, inOneOf('RUNNING', 'INTERRUPTED'))
        return
      case 'RESUME':
        resume()
        return
      case 'INPUT': {
        const allowed = last.state.policy.input !== 'REJECT' && inOneOf('RUNNING', 'INTERRUPTED', 'PAUSED')
        happen({ type: 'INPUT', text: 'more', by: 'ada' }, allowed)
        return
      }
      case 'EDIT': {
        const nodes = last.state.plan.nodes.map((node) => ({ ...node, title: `${node.title}!` }))
        const edit = { plan: { ...last.state.plan, nodes }, version: last.state.planVersion, by: 'ada' }
        const allowed = last.state.planVersion < last.state.limits.planVersions
        happen({ type: 'EDIT', ...edit }, inOneOf('AWAITING_APPROVAL') && allowed)
        return
      }
      case 'ROLL_BACK':
        return rollBack(command.pick)
      case 'RESTORED':
        return restore(command.error)
    }
  }

  /** What servers do by themselves, or whoever has paused. */
  const serve = (): void => {
    if (inOneOf('QUEUED')) makePlan()
    else if (inOneOf('PAUSED')) resume()
    else if (last.state.rollback?.phase === 'RESTORING' && !last.state.interrupts.some((one) => one.status === 'OPEN')) restore(false) // prettier-ignore
    else for (const execution of all()) if (execution.status === 'RUNNING' && execution.childId !== undefined && !isEnded(status())) endChild(execution, DONE) // prettier-ignore
  }
  const end = (turns: (turn: number) => void): void => {
    for (let turn = 0; !isEnded(status()); turn++) {
      holds(turn < MANY_TURNS, 'the session comes to its end')
      turns(turn)
    }
    checkEnd(last.state, events)
  }

  return {
    get state() {
      return last.state
    },
    events,
    facts,
    obey,
    work(reports: readonly Report[]) {
      end((turn) => {
        const { seq } = last.state
        for (const execution of all()) if (mayClaim(last.state, execution.key)) claim(execution, 600_000)
        for (const attempt of held()) report(attempt, choose(reports, turn) as Report, 0.5, 0.5, turn < 20 ? 'DELEGATE' : 'SATISFIED') // prettier-ignore
        for (const execution of all()) if (isJudged(last.state, execution)) judge(executionById(last.state, execution.id) as ExecutionState, GOOD) // prettier-ignore
        for (const interrupt of last.state.interrupts) {
          const is = last.state.interrupts.find(({ id }) => id === interrupt.id)
          if (is?.status !== 'OPEN') continue
          answer(is, answerTo(last.state, is, { ...WELL, choice: turn }), WELL)
        }
        serve()
        if (last.state.seq === seq) waitUntilDue()
      })
    },
    letTimePass() {
      end(() => {
        if (nextTick(last.state) === undefined) serve()
        else waitUntilDue()
      })
    },
  }
}

const GOOD = {
  do: 'VERDICT',
  pick: 0,
  verdict: { kind: 'ACCEPT' },
  gate: 0,
  errors: 0,
  attempt: false,
  uses: 0.5,
} as const
const WELL = { do: 'ANSWER', pick: 0, choice: 0, role: 'RIGHT', shown: 'RIGHT' } as const
const DONE = { do: 'CHILD', pick: 0, status: 'SUCCEEDED', uses: 0.5, wrong: false } as const

/** What a child leaves to be undone. */
const LEFT = ['x', 'y/x'].map((key) => {
  const { timeouts, retry } = DEFAULT_COMPILE
  return { key, compensation: { title: 'undo it' }, input: null, output: 'done', timeouts, retry }
})

/** Whether a validator is awaited; a person's gate is none. */
function isJudged(state: SessionState, { id }: ExecutionState): boolean {
  return !isEnded(state.status) && executionById(state, id)?.status === 'VALIDATING'
}

/** What may be claimed, said once more: readiness, room, and something left of the budget. */
function mayClaim(state: SessionState, key: string): boolean {
  const { status, attempt } = state.executions[key] as ExecutionState
  const node = nodeOf(state, key)
  const takes = node.kind === 'UNDO' ? 'ROLLING_BACK' : 'RUNNING'
  if (state.status !== takes || status !== 'READY' || node.kind === 'SESSION' || !hasRoom(state, node.group))
    return false
  if (node.kind === 'UNDO') return true
  const left = (unit: 'TOKENS' | 'COST' | 'EXECUTIONS'): number => {
    const { hard = Number.POSITIVE_INFINITY, used, reserved } = state.budget[unit]
    return hard - used - reserved
  }
  // Less than a millionth is nothing.
  return left('TOKENS') > 5e-7 && left('COST') > 5e-7 && (attempt > 0 || left('EXECUTIONS') >= 1)
}

/** Rule 5, said once more; a child session takes up room too. */
function hasRoom(state: SessionState, group: string): boolean {
  const held = executionsOf(state).filter(({ status }) => status === 'RUNNING' || status === 'VALIDATING')
  const limit = state.plan.groups.find(({ key }) => key === group)?.concurrency as number
  const inGroup = held.filter(({ key }) => nodeOf(state, key).group === group)
  return held.length < state.limits.concurrency && inGroup.length < limit
}

function mayRaise({ budget, parentSessionId }: SessionState, data: Json | undefined): boolean {
  const { soft, hard } = (data as { TOKENS: { soft?: number; hard?: number } }).TOKENS
  const { used, reserved } = budget.TOKENS
  if (soft !== undefined && soft <= 0) return false
  return hard === undefined || (hard > 0 && hard >= used + reserved && parentSessionId === undefined)
}

/** An answer among what can be chosen. */
function answerTo({ budget }: SessionState, { choices }: InterruptState, { choice: pick }: { choice: number }): Answer {
  const choice = choose(choices, pick) ?? 'APPROVE'
  if (choice !== 'RAISE') return { choice, ...(pick % 2 === 0 && { text: 'so it is' }) }
  const { used, reserved } = budget.TOKENS
  const more = used + reserved + (pick % 7) * 10
  const limits = [{ soft: more + 1 }, { hard: more }, { soft: more + 1, hard: more + 50 }][pick % 3] as Json
  return { choice, data: { TOKENS: limits } }
}

/** Some part of what was put aside is used, or more than that. */
function use(
  { budget }: SessionState,
  given: Amounts | undefined,
  uses: number,
): { usage: Json; used: Amounts; beyond: boolean } {
  const tokens = Math.floor((given?.tokens || 20) * uses)
  const cost = Math.floor((given?.cost || 0.2) * uses * 1e6) / 1e6
  const beyond =
    (budget.TOKENS.hard !== undefined && tokens > (given?.tokens ?? 0)) ||
    (budget.COST.hard !== undefined && cost > (given?.cost ?? 0))
  return { usage: { inputTokens: tokens, outputTokens: 0, cost }, used: { tokens, cost, executions: 0 }, beyond }
}

/** What a manager says: nonsense, that it is done, or new work, with progress or without. */
function ledgerOf({ plan }: SessionState, kind: LedgerCommand): Json {
  if (kind === 'NONSENSE') return 'I will do it'
  const key = `t${plan.nodes.length}`
  const session = { pattern: 'SEQUENTIAL', parts: [{ key: 'x', title: 'x', description: '' }] }
  const earlier = plan.nodes.filter((node) => node.kind === 'TASK').map((node) => node.key)
  const next = [
    { key: `${key}-a`, title: key, description: '', dependsOn: earlier.slice(-1) },
    { key, title: key, description: '' },
    { key: `${key}-b`, title: key, description: '', dependsOn: [key], ...(kind === 'CHILD' && { session }) },
  ]
  const said = { instruction: 'go on', reasons: [], looping: false }
  if (kind === 'SATISFIED') return { ...said, satisfied: true, progressing: true, next: [] }
  return { ...said, satisfied: false, progressing: kind !== 'STALLED', next }
}

function choose<T>(among: readonly T[], number: number): T | undefined {
  return among.length > 0 ? among[number % among.length] : undefined
}
