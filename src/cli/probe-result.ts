import { z } from 'zod'
import { ProbeQuery } from './agent-operations.ts'
import { type AgentLine, takesWork } from './agents.ts'
import type { Client } from './client.ts'
import { Failure } from './failure.ts'
import type { Paint } from './render/paint.ts'
import { uuidOf } from './result.ts'
import { count, duration, inWords, oneLine } from './words.ts'

/** What came of trying an agent; also what `--json` prints. */
export interface ProbeResult {
  agent: Pick<AgentLine, 'name' | 'type' | 'runtime' | 'version' | 'status' | 'reason'>
  works: boolean
  /** Why it does not work, and what to do next; null: it works. */
  why: string | null
  next: string | null
  /** What is worth a thought although it works. */
  notes: string[]
  session: { id: string; status: string; durationMs: number | null } | null
  summary: string | null
  output: unknown
  /** US dollars; null: not known. */
  usage: { inputTokens: number | null; outputTokens: number | null; cost: number | null }
  evidence: { name: string; kind: string; passed: boolean }[]
  /** What it changed in the workspace. */
  changes: { path: string; status: string }[]
  artifacts: { name: string; kind: string; size: number }[]
}

type Session = Awaited<ReturnType<typeof executionOf>>['session']
type Execution = NonNullable<Awaited<ReturnType<typeof executionOf>>['execution']>

async function executionOf(client: Client, id: string) {
  const { session } = await client.ask(ProbeQuery, { id })
  if (!session) throw new Failure(`There is no session ${id} any more.`)
  return { session, execution: session.executions.nodes[0] }
}

/** Why an agent that takes no work now is not tried. */
export const notTried = (agent: AgentLine): ProbeResult => ({
  ...nothing(agent),
  why: `It is ${inWords(agent.status)}: ${agent.reason ?? 'nobody knows why'}`,
  next: nextFor(agent),
})

const nothing = (agent: AgentLine): ProbeResult => {
  const { name, type, runtime, version, status, reason } = agent
  return {
    agent: { name, type, runtime, version, status, reason },
    works: false,
    why: null,
    next: null,
    notes: [],
    session: null,
    summary: null,
    output: null,
    usage: { inputTokens: null, outputTokens: null, cost: null },
    evidence: [],
    changes: [],
    artifacts: [],
  }
}

/**
 * What came of the session that tried an agent.
 *
 * @param agent as it is after the session
 * @param leaves whether it was to leave something
 */
export async function probeResult(
  client: Client,
  sessionId: string,
  agent: AgentLine,
  leaves: boolean,
): Promise<ProbeResult> {
  const { session, execution } = await executionOf(client, sessionId)
  const { status, durationMs = null } = session
  const base = { ...nothing(agent), session: { id: uuidOf(sessionId), status, durationMs } }
  if (!execution) return { ...base, why: session.reason ?? inWords(status), next: nextFor(agent) }
  const works = execution.status === 'ACCEPTED'
  const { summary = null, output = null, evidence, attempts } = execution
  const artifacts = execution.artifacts.nodes.map(({ name, kind, size }) => ({ name, kind, size }))
  const changes = changesIn(evidence)
  const isEmpty = changes.length === 0 && artifacts.length === 0
  return {
    ...base,
    agent: { ...base.agent, version: attempts.at(-1)?.agentVersion ?? agent.version },
    works,
    why: works ? null : whyNot(session, execution, agent),
    next: works ? null : isStopped(session) ? LATER : nextFor(agent),
    notes: works && leaves && isEmpty ? ['It was to leave something, and left neither changes nor artifacts.'] : [],
    summary,
    output,
    usage: usageOf(attempts),
    evidence: evidence.map(({ name, kind, passed }) => ({ name, kind, passed })),
    changes,
    artifacts,
  }
}

/** Whether it was stopped before it had an end of its own. */
const isStopped = ({ status }: Session): boolean => status === 'CANCELED' || status === 'TIMED_OUT'

const LATER = 'Try it again; with --timeout <time> it has more time.'

function whyNot({ status, reason, interrupts }: Session, { error, attempts }: Execution, agent: AgentLine): string {
  if (error) return error.message
  const [asked] = interrupts.nodes
  if (asked && asked.status !== 'ANSWERED') return `it asked "${oneLine(asked.question)}", and had no answer in time`
  // Nobody took the work: its health says more than the time that ran out.
  if (attempts.length === 0 && !takesWork(agent) && agent.reason !== null) return agent.reason
  return reason ?? `its session is ${inWords(status)}`
}

/** What whoever keeps the registration can do. */
function nextFor({ status, origin }: AgentLine): string {
  if (status === 'DISABLED') return 'Switch it on again with updateAgent(input: {id, disabled: false}).'
  return origin === 'CONFIGURATION'
    ? 'Correct what the reason names; what tutti.config.ts says of it holds once the server is started again.'
    : 'Correct what the reason names, or register it anew with `tutti agents add`, and try again.'
}

const changed = z.object({ files: z.array(z.object({ path: z.string(), status: z.string() })) })

function changesIn(evidence: Execution['evidence']): ProbeResult['changes'] {
  return evidence.flatMap(({ kind, detail }) => {
    const told = kind === 'CHANGES' ? changed.safeParse(detail) : undefined
    return told?.success === true ? told.data.files : []
  })
}

/** What all attempts used together. */
function usageOf(attempts: Execution['attempts']): ProbeResult['usage'] {
  const sum = (of: (usage: NonNullable<Execution['attempts'][number]['usage']>) => number | null | undefined) => {
    const known = attempts.flatMap(({ usage }) => (usage ? [of(usage)] : [])).filter((value) => value != null)
    return known.length === 0 ? null : known.reduce((total, value) => total + value, 0)
  }
  return {
    inputTokens: sum((usage) => usage.inputTokens),
    outputTokens: sum((usage) => usage.outputTokens),
    cost: sum((usage) => usage.cost),
  }
}

/** Things of a kind that are named one by one. */
const NAMED = 10

/** What a person wants to know of an agent that was tried: the verdict first. */
export function probeLines(result: ProbeResult, paint: Paint): string[] {
  const { agent, works, why, next, notes, session, summary, usage, evidence, changes, artifacts } = result
  const name = oneLine(agent.name)
  const verdict = works
    ? paint('green', `${name} works.`)
    : paint('red', `${name} does not work: ${oneLine(why ?? '')}`)
  const facts: [string, string | null][] = [
    ['Agent', `${inWords(agent.type)}, runtime ${oneLine(agent.runtime)}, version ${agent.version}`],
    ['Health', `${inWords(agent.status)}${agent.reason === null ? '' : `: ${oneLine(agent.reason)}`}`],
    ['Session', session && `${session.id}, ${inWords(session.status)}${tookOf(session)}`],
    ['Used', session && usedOf(usage)],
    ['Result', summary === null ? null : oneLine(summary)],
    [
      'Evidence',
      named(evidence.map(({ name, kind, passed }) => `${oneLine(name)} (${kind}${passed ? '' : ', not passed'})`)),
    ],
    ['Changed', named(changes.map(({ path, status }) => `${oneLine(path)} (${inWords(status)})`))],
    ['Artifacts', named(artifacts.map(({ name, size }) => `${oneLine(name)} (${count(size, 'byte')})`))],
  ]
  return [
    paint('bold', verdict),
    ...facts.flatMap(([label, text]) => (text === null ? [] : [`${`${label}:`.padEnd(10)} ${text}`])),
    ...notes.map((note) => paint('yellow', `${'Note:'.padEnd(10)} ${note}`)),
    ...(next === null ? [] : [`${'Next:'.padEnd(10)} ${next}`]),
  ]
}

const tookOf = ({ durationMs }: { durationMs: number | null }): string =>
  durationMs === null ? '' : ` in ${duration(durationMs)}`

function usedOf({ inputTokens, outputTokens, cost }: ProbeResult['usage']): string | null {
  const parts = [
    ...(inputTokens === null ? [] : [`${count(inputTokens, 'token')} read`]),
    ...(outputTokens === null ? [] : [`${count(outputTokens, 'token')} written`]),
    ...(cost === null ? [] : [`$${cost.toFixed(4)}`]),
  ]
  return parts.length === 0 ? null : parts.join(', ')
}

function named(all: readonly string[]): string | null {
  if (all.length === 0) return null
  const more = all.length - NAMED
  return `${all.slice(0, NAMED).join(', ')}${more > 0 ? `, and ${more} more` : ''}`
}
