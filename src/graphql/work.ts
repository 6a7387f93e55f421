import type { Json } from '../core/json.ts'
import type { ClaimedOffer } from '../store/claim.ts'
import { workTopic } from '../store/offer.ts'
import { builder } from './builder.ts'
import type { Context } from './context.ts'
import { conflict, invalid, notFound, Refused, unknown } from './errors.ts'
import { decodeId, encodeId, idOf, isUuid } from './ids.ts'
import { mutation, type SuccessFields } from './mutation.ts'
import { projectsMeant } from './rights.ts'
import * as rules from './rules.ts'
import { follow } from './streams/bell.ts'

/** Name of the runtime whose agents have workers. */
const PULL = 'pull'
/** Lease of a claim unless told, and its limits, in milliseconds. */
const LEASE = { usual: 30_000, min: 1_000, max: 600_000 }
/** What an answer takes beside waiting, in milliseconds. */
const ANSWER_MS = 2_000
/** How long a worker waits at most before the rows are looked at again, in milliseconds. */
const LOOK_AGAIN_MS = 10_000

const Work = builder.objectRef<ClaimedOffer>('ClaimedWork').implement({
  description: 'Work that a worker has in hand until its lease runs out; each sign of it prolongs the lease.',
  fields: (t) => ({
    attempt: t.id({
      description: 'Global id of the attempt: hand it in with all that is reported of it.',
      resolve: ({ attemptId }) => encodeId('Attempt', attemptId),
    }),
    fence: t.exposeInt('fence', {
      description: 'How often this work was claimed, this time included: hand it in with all that is reported of it.',
    }),
    leaseUntil: t.expose('leaseUntil', {
      type: 'DateTime',
      description: 'When it is on offer again, unless there is a sign of the worker before.',
    }),
    work: t.field({
      type: 'JSON',
      description:
        'What is to be done, with the members that docs/agents.md lists. Artifacts have a `url` on this server in place of a path.',
      resolve: ({ work }) => work as Json,
    }),
  }),
})

/**
 * The agent that a caller means, whose work it may do: by id, or by name.
 *
 * @throws Refused
 */
async function agentMeant({ database }: Context, given: string): Promise<string> {
  const isId = isUuid(given) || decodeId(given) !== undefined
  const found = await database.prisma.agent.findMany({
    where: { archivedAt: null, ...(isId ? { id: idOf('Agent', given) } : { name: given, runtime: PULL }) },
    take: 2,
  })
  const [agent, another] = found
  if (!agent) throw notFound('Agent')
  if (another) throw invalid([{ path: ['agent'], message: 'is the name of several agents: give the id of one' }])
  if (agent.runtime !== PULL) {
    throw conflict(`The runtime ${agent.runtime} drives this agent: workers do the work of those of ${PULL} alone.`)
  }
  if (agent.status === 'DISABLED') throw conflict('This agent is switched off: updateAgent can undo it.')
  return agent.id
}

interface Wish {
  agentId: string
  worker: string
  leaseMs: number
  waitMs: number
  key: string | undefined
}

/** The next offer, as soon as there is one; undefined: there was none for so long. */
async function nextOffer(context: Context, wish: Wish): Promise<ClaimedOffer | undefined> {
  const { claims, viewer, stopping, request, limits } = context
  const { waitMs, agentId, ...rest } = wish
  const projects = projectsMeant(viewer, undefined)
  const until = performance.now() + Math.min(waitMs, Math.max(0, limits.operationMs - ANSWER_MS))
  let wake: (() => void) | undefined
  let ringing = false
  const ear = (): void => {
    ringing = true
    wake?.()
  }
  const stop = claims.onWork(agentId, ear)
  for (const signal of [stopping, request?.signal]) signal?.addEventListener('abort', ear)
  try {
    for (;;) {
      await claims.attend(agentId)
      // Whoever has gone could do nothing with it.
      if (stopping.aborted || request?.signal.aborted) return undefined
      ringing = false
      const claimed = await claims.claim({ ...rest, agentId, projects, holder: viewer.name })
      const leftMs = until - performance.now()
      if (claimed || leftMs <= 0) return claimed
      if (ringing) continue
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(leftMs, LOOK_AGAIN_MS))
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  } finally {
    stop()
    for (const signal of [stopping, request?.signal]) signal?.removeEventListener('abort', ear)
  }
}

const withWork: SuccessFields<{ work: ClaimedOffer | undefined }> = (t) => ({
  work: t.field({
    type: Work,
    nullable: true,
    description: 'What is to be done; null: there was nothing for so long, ask again.',
    resolve: ({ work }) => work,
  }),
})

mutation('claimWork', {
  needs: 'AGENT',
  description:
    'Hands a worker the oldest work of the highest priority that an agent is wanted for and nobody has, with a lease and a fence. Waits for it if told to. Who may act in some projects alone is handed work of these.',
  input: (t) => ({
    agent: t.id({
      required: true,
      description: 'Global id, UUID or name of an agent of the runtime pull.',
    }),
    worker: t.string({ required: true, description: 'What the worker calls itself, for people; 1 to 100 characters.' }),
    leaseMs: t.field({
      type: 'Duration',
      description: `How long it may be silent before the work is on offer again, in milliseconds: ${LEASE.min} to ${LEASE.max}, ${LEASE.usual} unless told.`,
    }),
    waitMs: t.field({
      type: 'Duration',
      description:
        'How long to wait for work, in milliseconds; 0 unless told. It is answered in time for the limit of an operation, 28000 unless the operator says otherwise.',
    }),
    idempotencyKey: t.string({
      description:
        'Any text of 1 to 200 characters. Asked again with the same key, the same work is handed out as long as the worker has it: for answers that got lost.',
    }),
  }),
  rules: rules.object({
    agent: rules.globalId,
    worker: rules.name,
    leaseMs: rules.optional(rules.whole(LEASE.min, LEASE.max)),
    waitMs: rules.optional(rules.whole(0, 3_600_000)),
    idempotencyKey: rules.optional(rules.idempotencyKey),
  }),
  success: withWork,
  resolve: async ({ agent, worker, leaseMs = LEASE.usual, waitMs = 0, idempotencyKey: key }, context) => {
    const agentId = await agentMeant(context, agent)
    return { work: await nextOffer(context, { agentId, worker, leaseMs, waitMs, key }) }
  },
})

const WorkAvailable = builder.objectRef<{ waiting: number }>('WorkAvailable').implement({
  description: 'That there may be work for a worker: claimWork tells.',
  fields: (t) => ({
    waiting: t.exposeInt('waiting', { description: 'How much of it nobody had at that moment.' }),
  }),
})

builder.subscriptionField('workAvailable', (t) =>
  t.field({
    type: WorkAvailable,
    authScopes: { role: 'AGENT' },
    description:
      'How much work an agent is wanted for that nobody has, now and whenever there is some. As long as somebody watches, the agent counts as one that has workers. After a lost connection subscribe again.',
    args: {
      agent: t.arg.id({ required: true, description: 'Global id, UUID or name of an agent of the runtime pull.' }),
    },
    subscribe: async (_root, { agent }, context) => {
      const { bus, claims, viewer } = context
      const agentId = await agentMeant(context, agent).catch((error: unknown) => {
        throw error instanceof Refused && error.refusal.type === 'NotFoundError' ? unknown('Agent') : error
      })
      return follow(bus, [workTopic(agentId)], async function* (rung) {
        for (let isFirst = true; ; isFirst = false) {
          await claims.attend(agentId)
          const waiting = await claims.waiting(agentId, projectsMeant(viewer, undefined))
          if (isFirst || waiting > 0) yield { waiting }
          await rung()
        }
      }) as never
    },
    resolve: (available) => available as unknown as { waiting: number },
  }),
)
