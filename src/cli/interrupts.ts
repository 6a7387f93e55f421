import type { CliInterruptsQuery } from '../generated/gql/graphql.ts'
import type { Client } from './client.ts'
import { Failure } from './failure.ts'
import { InterruptQuery, InterruptsQuery } from './interrupt-operations.ts'
import { everyPage } from './pages.ts'
import { uuidOf } from './result.ts'
import { inWords, oneLine } from './words.ts'

/** Something that waits for a person, as it is shown. */
export interface Asked {
  /** Its UUID. */
  id: string
  kind: string
  question: string
  shown: unknown
  /** Counts with the answer: it holds for nothing else than what was shown. */
  shownHash: string
  choices: readonly string[]
  /** Who may answer. */
  role: string
  /** What counts once nobody has answered. */
  onExpiry: string
  createdAt: string
  expiresAt: string
  /** Key of the execution that it is about; null: the session as a whole. */
  execution: string | null
  /** UUID of its session. */
  session: string
  /** Title of its session's task. */
  title: string
}

type Node = CliInterruptsQuery['interrupts']['nodes'][number]

/**
 * All that waits for a person, the oldest first.
 *
 * @param session id of a session: only what it and those below it ask
 */
export async function askedOf(client: Client, session?: string): Promise<Asked[]> {
  const filter = session === undefined ? null : { session }
  const nodes = await everyPage((after) =>
    client.ask(InterruptsQuery, { filter, after }).then((answer) => answer.interrupts),
  )
  return nodes.map(askedIn)
}

function askedIn({ id, execution, session, onExpiry, ...rest }: Node): Asked {
  return {
    ...rest,
    id: uuidOf(id),
    onExpiry: onExpiry.choice,
    execution: execution?.key ?? null,
    session: uuidOf(session.id),
    title: session.task.title,
  }
}

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/

/**
 * The open interrupt whose id begins like this.
 *
 * @throws Failure if there is none, or more than one; of a whole id that is no longer open it says what became of it
 */
export async function findAsked(client: Client, beginning: string): Promise<Asked> {
  const wanted = uuidOf(beginning).toLowerCase()
  const open = await askedOf(client)
  const found = open.filter(({ id }) => wanted !== '' && id.startsWith(wanted))
  const [one, other] = found
  if (one && !other) return one
  if (one) {
    throw new Failure(`${found.length} interrupts begin with ${wanted}: ${found.map(({ id }) => id).join(', ')}`)
  }
  if (UUID.test(wanted)) await tellOver(client, wanted)
  throw new Failure(`Nothing that waits for a person begins with ${beginning}. \`tutti approve --list\` lists it.`)
}

async function tellOver(client: Client, id: string): Promise<void> {
  const { node } = await client.ask(InterruptQuery, { id: `Interrupt:${id}` })
  if (node?.__typename !== 'Interrupt') return
  const { status, answeredBy, answer } = node
  const by = answeredBy == null ? '' : ` by ${oneLine(answeredBy)}`
  const choice = answer == null ? '' : `: ${inWords(answer.choice)}`
  throw new Failure(`It waits no longer: it is ${inWords(status)}${by}${choice}.`)
}
