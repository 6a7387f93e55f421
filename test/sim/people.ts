import type { PlanEdit } from '../../src/core/edit.ts'
import type { Answer, Choice, InterruptState } from '../../src/core/interrupt.ts'
import { isEnded } from '../../src/core/session.ts'
import type { SessionState } from '../../src/core/state.ts'
import { choose, deed } from './deed.ts'
import type { Random } from './random.ts'
import { type AnyStart, anyStart, needsVersions } from './start.ts'
import type { World } from './world.ts'

/** What people do. A new verb of the coordinator is one entry. */
export const PEOPLE = {
  START: deed<AnyStart & { twice: boolean }>({
    weight: 12,
    draw: (random) => ({ ...anyStart(random), twice: random.chance(0.1) }),
    happen(world, { twice, project, ...input }) {
      const { title } = input.task
      const { id: projectId = '', workspace = '' } = choose(world.tables.projects, project) ?? {}
      const isFit = !workspace.includes('plain') || !needsVersions(input)
      for (const who of twice ? ['somebody', 'somebody else'] : ['somebody']) {
        world.ask(
          `${who} starts ${title}`,
          (coordinator) => coordinator.start({ ...input, projectId, idempotencyKey: title }),
          isFit ? 'STARTED' : 'INVALID',
        )
      }
    },
  }),
  CANCEL: deed({
    weight: 1,
    draw: pick,
    happen(world, { pick }) {
      const id = choose(unfinished(world), pick)?.id
      if (id) world.ask(`somebody cancels ${id}`, (coordinator) => coordinator.cancel(id, 'no longer wanted'))
    },
  }),
  RETRY: deed({
    weight: 1,
    draw: keyed,
    happen(world, { pick, key }) {
      const id = choose(world.witness.states().filter(hasEnded), pick)?.id
      if (id) world.ask(`somebody tries ${id} again, ${key}`, (coordinator) => coordinator.retry(id, key))
    },
  }),
  FORK: deed({
    weight: 1,
    draw: keyed,
    happen(world, { pick, key }) {
      const state = choose(world.witness.states(), pick)
      if (!state) return
      const sessionId = state.id
      const seq = choose(checkpointsOf(state), pick)
      const from = seq !== undefined && pick % 2 > 0 ? { seq } : {}
      world.ask(`somebody forks ${sessionId}, ${key}`, (coordinator) =>
        coordinator.fork({ sessionId, idempotencyKey: key, ...from }),
      )
    },
  }),
  PAUSE: deed({
    weight: 2,
    draw: (random) => ({ ...pick(random), ms: random.between(1, 60_000) }),
    happen(world, { pick, ms }) {
      const id = choose(unfinished(world), pick)?.id
      if (!id) return
      world.ask(`somebody pauses ${id}`, (coordinator) => coordinator.pause(id, 'let me think'))
      world.outside.timers.after(ms, () => world.ask(`somebody resumes ${id}`, (coordinator) => coordinator.resume(id)))
    },
  }),
  INPUT: deed({
    weight: 2,
    draw: pick,
    happen(world, { pick }) {
      const id = choose(unfinished(world), pick)?.id
      if (id) world.ask(`somebody tells ${id}`, (coordinator) => coordinator.input(id, 'do it well', 'somebody'))
    },
  }),
  ANSWER: deed({
    weight: 12,
    draw: (random) => ({ ...pick(random), choice: random.below(10), allowed: random.chance(0.9) }),
    happen(world, { pick, choice, allowed }) {
      const interrupt = choose(openQuestions(world), pick)
      if (!interrupt) return
      const { id: interruptId, choices, shownHash } = interrupt
      const answer = answerWith(choose(choices, choice) as Choice)
      const roles = allowed ? (['APPROVER', 'ADMIN'] as const) : (['VIEWER'] as const)
      world.ask(`somebody answers ${interruptId} (${pick})`, (coordinator) =>
        coordinator.answer({ interruptId, answer, by: 'somebody', roles, shownHash }),
      )
    },
  }),
  EDIT: deed({
    weight: 2,
    draw: pick,
    happen(world, { pick }) {
      const state = choose(
        unfinished(world).filter(({ status }) => status === 'AWAITING_APPROVAL'),
        pick,
      )
      if (!state) return
      const { id, plan } = state
      const key = choose(plan.nodes, pick)?.key ?? ''
      const added = { key: `added-${pick}`, title: 'One more', description: '', capabilities: ['work'], dependsOn: [] }
      const edits: PlanEdit[] = [
        { kind: 'REPLACE', key, changes: { title: 'Do it otherwise' } },
        { kind: 'REMOVE', key },
        { kind: 'ADD', subTask: added },
      ]
      const edit = choose(edits, pick) as PlanEdit
      world.ask(`somebody edits ${id} (${pick})`, (coordinator) => coordinator.edit(id, [edit], 'somebody'))
    },
  }),
  ROLL_BACK: deed({
    weight: 1,
    draw: pick,
    happen(world, { pick }) {
      const state = choose(unfinished(world), pick)
      if (!state) return
      const { id } = state
      const toSeq = choose([0, ...checkpointsOf(state)], pick) ?? 0
      world.ask(`somebody rolls ${id} back`, (coordinator) =>
        coordinator.rollBack(id, { toSeq, reason: 'it is wrong' }),
      )
    },
  }),
  SWITCH_OFF: deed({
    weight: 1,
    draw: (random) => ({ ...pick(random), ms: random.between(1, 30_000) }),
    happen(world, { pick, ms }) {
      const agent = choose(world.tables.agents, pick)
      // A task is refused that no enabled agent can do.
      if (!agent || world.tables.agents.every(({ id, status }) => id === agent.id || status === 'DISABLED')) return
      agent.status = 'DISABLED'
      world.outside.timers.after(ms, () => {
        agent.status = 'ONLINE'
      })
    },
  }),
}

/** How often people look after a world at rest, in milliseconds. */
const LOOK_MS = 1_000
/** What they choose of several choices, so that things come to their end. */
const PREFERRED: readonly Choice[] = ['APPROVE', 'ANSWER', 'SKIP', 'STOP', 'REJECT']

/** Answers every question from now on, and lets nothing stay paused. */
export function attend(world: World): void {
  if (world.over) return
  for (const { id, status } of unfinished(world)) {
    if (status === 'PAUSED') world.ask(`somebody resumes ${id}`, (coordinator) => coordinator.resume(id))
  }
  for (const { id: interruptId, choices } of openQuestions(world)) {
    const answer = answerWith(PREFERRED.find((choice) => choices.includes(choice)) as Choice)
    world.ask(`somebody answers ${interruptId}`, (coordinator) =>
      coordinator.answer({ interruptId, answer, by: 'somebody', roles: ['ADMIN'] }),
    )
  }
  world.outside.timers.after(LOOK_MS, () => attend(world))
}

function pick(random: Random): { pick: number } {
  return { pick: random.below(1_000) }
}

function keyed(random: Random): { pick: number; key: string } {
  return { ...pick(random), key: `key ${random.below(1_000_000_000)}` }
}

function hasEnded({ status }: SessionState): boolean {
  return isEnded(status)
}

function unfinished({ witness }: World): SessionState[] {
  return witness.states().filter((state) => !hasEnded(state))
}

function openQuestions(world: World): InterruptState[] {
  return unfinished(world).flatMap(({ interrupts }) => interrupts.filter(({ status }) => status === 'OPEN'))
}

/** The numbers of its checkpoints' events: each follows that of its acceptance. */
function checkpointsOf({ executions }: SessionState): number[] {
  return Object.values(executions).flatMap(({ acceptedSeq }) => (acceptedSeq === undefined ? [] : [acceptedSeq + 1]))
}

function answerWith(choice: Choice): Answer {
  const raised = { TOKENS: { soft: 1e9, hard: 1e9 }, COST: { hard: 1e6 } }
  return { choice, text: 'so be it', ...(choice === 'RAISE' && { data: raised }) }
}
