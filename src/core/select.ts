import type { AgentProfile, AgentType } from './agent.ts'
import { bm25, isStopWord, kebab, likeness, stem, stems, words } from './text.ts'

/** What a piece of work asks of an agent. */
export interface Wanted {
  type?: AgentType
  /** Every one of them is needed. */
  capabilities: readonly string[]
  /** The work in words; it tells able agents apart. */
  text: string
  /** Name or id of the one agent that may do it. */
  agent?: string
}

export interface Candidate {
  agent: AgentProfile
  /** Executions that it does now, over all sessions. */
  running: number
  /** Success learned so far, 0 to 1; 0.5 when nothing is known. */
  learned?: number
}

export interface Choice {
  agentId: string
  name: string
  /** 0 to 1. */
  score: number
  /** Short phrases that a person understands: `offers run-tests`, `1 of 4 slots taken`. */
  reasons: string[]
  /** Whether it has a free slot now. */
  free: boolean
}

export interface Refusal {
  agentId: string
  name: string
  reason: string
}

export interface Selection {
  /** The best one with a free slot; nobody when all able agents are busy, or none is able. */
  chosen?: Choice
  /** All able agents, the best first. */
  ranked: Choice[]
  refused: Refusal[]
}

/** Which agents could do a piece of work, whoever is online now. */
export interface Capable {
  able: AgentProfile[]
  /** Why nobody is able, and what to do about it; there only when `able` is empty. */
  reason?: string
  /** The offered capabilities most like the missing one, the best first. */
  nearest: string[]
}

/** How much each point counts. What is not known of the work, such as its type, leaves its share to the others. */
const SHARES = { capabilities: 0.35, text: 0.3, type: 0.15, learned: 0.12, load: 0.08 }

/** Two capabilities this alike in stems and letters mean the same. */
const SAME_CAPABILITY = 0.6

/** How many capability names a message offers instead. */
const NEAREST = 3

/** Letter by letter. */
const SAME = 1

/** For the same words in other forms or another order: `run tests` and `test running`. */
const SAME_STEMS = 0.95

/** For an offer that says all that is demanded and more: `run tests` and `run unit tests`. */
const INCLUDES = 0.9

/** How well offers meet demands: the same ones are compared for every piece of work, with every agent. */
const known = new Map<string, number>()
/** Pairs that are remembered. */
const MOST_KNOWN = 10_000

/** See `compare`. */
function meets(demanded: string, offered: string): number {
  const pair = `${demanded}\n${offered}`
  let quality = known.get(pair)
  if (quality === undefined) {
    quality = compare(demanded, offered)
    if (known.size >= MOST_KNOWN) known.clear()
    known.set(pair, quality)
  }
  return quality
}

/**
 * How well an offered capability meets a demanded one, 0 to 1: letter by letter, else by the stems of its words in any
 * order, else by the likeness of the two if that is high enough.
 */
function compare(demanded: string, offered: string): number {
  if (kebab(demanded) === kebab(offered)) return SAME
  const wanted = contentStems(demanded)
  const given = contentStems(offered)
  if (wanted.size > 0 && wanted.isSubsetOf(given)) return wanted.size === given.size ? SAME_STEMS : INCLUDES
  const alike = likeness(demanded, offered)
  return alike >= SAME_CAPABILITY ? alike : 0
}

/** All words count if a capability consists of stop words only. */
function contentStems(capability: string): Set<string> {
  const all = words(capability)
  const telling = all.filter((word) => !isStopWord(word))
  return new Set((telling.length > 0 ? telling : all).map(stem))
}

interface Match {
  demanded: string
  offered: string
  quality: number
}

/** For every demanded capability the best offer of an agent, and the demands that it does not meet at all. */
function matchesOf(wanted: Wanted, agent: AgentProfile): { matches: Match[]; missing: string[] } {
  const matches = wanted.capabilities.flatMap((demanded) =>
    agent.capabilities
      .map((offered) => ({ demanded, offered, quality: meets(demanded, offered) }))
      .filter(({ quality }) => quality > 0)
      .toSorted((a, b) => b.quality - a.quality)
      .slice(0, 1),
  )
  const met = new Set(matches.map((match) => match.demanded))
  return { matches, missing: wanted.capabilities.filter((demanded) => !met.has(demanded)) }
}

/** Why an agent cannot do it whatever its load, or nothing. */
function unable(wanted: Wanted, agent: AgentProfile, missing: readonly string[]): string | undefined {
  if (wanted.agent !== undefined && wanted.agent !== agent.name && wanted.agent !== agent.id) {
    return `only ${wanted.agent} may do it`
  }
  return missing.length > 0 ? `does not offer ${missing.join(', ')}` : undefined
}

const profiles = new WeakMap<AgentProfile, readonly string[]>()

/** What an agent says of itself: its name and what it can do count twice. */
function profileText(agent: AgentProfile): readonly string[] {
  const known = profiles.get(agent)
  if (known) return known
  const { name, type, description, capabilities } = agent
  const offered = stems(`${name} ${capabilities.join(' ')}`)
  const text = [...offered, ...offered, ...stems(`${description} ${type}`)]
  profiles.set(agent, text)
  return text
}

function reasonsOf(wanted: Wanted, candidate: Candidate, matches: readonly Match[], relevant: number): string[] {
  const { agent, running, learned } = candidate
  const reasons = matches.map(({ demanded, offered, quality }) =>
    quality === SAME ? `offers ${demanded}` : `offers ${offered} for ${demanded}`,
  )
  if (wanted.agent !== undefined) reasons.unshift('named by the caller')
  if (wanted.type !== undefined) {
    reasons.push(wanted.type === agent.type ? `type ${agent.type}` : `type ${agent.type} instead of ${wanted.type}`)
  }
  if (relevant > 0) {
    const said = new Set(profileText(agent))
    const shared = words(wanted.text).filter((word) => !isStopWord(word) && said.has(stem(word)))
    reasons.push(`speaks of ${[...new Set(shared)].slice(0, 4).join(', ')}`)
  }
  if (learned !== undefined && learned !== 0.5) reasons.push(`learned success ${Math.round(learned * 100)} %`)
  if (agent.status === 'DEGRADED') reasons.push('degraded')
  reasons.push(`${running} of ${agent.slots} ${agent.slots === 1 ? 'slot' : 'slots'} taken`)
  return reasons
}

/**
 * Ranks the agents that can do a piece of work and chooses one. An agent is refused when it is OFFLINE or DISABLED, does
 * not offer a demanded capability, or is not the one that the caller names. Equal scores keep the order of their ids.
 */
export function select(wanted: Wanted, candidates: readonly Candidate[]): Selection {
  const refused: Refusal[] = []
  const able = candidates.flatMap((candidate) => {
    const { agent } = candidate
    const { matches, missing } = matchesOf(wanted, agent)
    const away = agent.status === 'OFFLINE' || agent.status === 'DISABLED'
    const reason = unable(wanted, agent, missing) ?? (away ? `is ${agent.status}` : undefined)
    if (reason === undefined) return [{ candidate, matches }]
    refused.push({ agentId: agent.id, name: agent.name, reason })
    return []
  })
  const scored = bm25(able, ({ candidate }) => profileText(candidate.agent))(stems(wanted.text))
  const best = Math.max(...scored.map(({ score }) => score))
  // What nothing is known of is best given to somebody who does anything.
  const type = wanted.type ?? (best === 0 && wanted.capabilities.length === 0 ? 'GENERAL' : undefined)
  const choices = scored.map(({ document: { candidate, matches }, score }): Choice => {
    const { agent, running, learned = 0.5 } = candidate
    const relevant = best > 0 ? score / best : 0
    const taken = Math.min(1, running / agent.slots)
    const degraded = agent.status === 'DEGRADED' ? 0.5 : 1
    const points = [
      { share: SHARES.text, value: relevant },
      { share: SHARES.learned, value: learned },
      { share: SHARES.load, value: (1 - taken) * degraded },
    ]
    if (type !== undefined) points.push({ share: SHARES.type, value: type === agent.type ? 1 : 0 })
    const quality = matches.reduce((sum, match) => sum + match.quality, 0) / matches.length
    if (matches.length > 0) points.push({ share: SHARES.capabilities, value: quality })
    const whole = points.reduce((sum, { share }) => sum + share, 0)
    return {
      agentId: agent.id,
      name: agent.name,
      score: points.reduce((sum, { share, value }) => sum + share * value, 0) / whole,
      reasons: reasonsOf(wanted, candidate, matches, relevant),
      free: running < agent.slots && agent.status !== 'BUSY',
    }
  })
  const ranked = choices.toSorted((a, b) => b.score - a.score || (a.agentId < b.agentId ? -1 : 1))
  const chosen = ranked.find((choice) => choice.free)
  return { ...(chosen && { chosen }), ranked, refused }
}

/**
 * Which agents could do a piece of work, for checking a plan before it starts. An OFFLINE agent counts, for it may come
 * back; a DISABLED one does not.
 *
 * @param origin WORDS: the work was read out of words, so nobody has said who could do it. An agent is able then only if
 *   something speaks for it: a skill, its type or its own words; those of type GENERAL do anything.
 */
export function capable(wanted: Wanted, agents: readonly AgentProfile[], origin: 'CALLER' | 'WORDS'): Capable {
  const enabled = agents.filter((agent) => agent.status !== 'DISABLED')
  const willing = enabled.filter((agent) => unable(wanted, agent, matchesOf(wanted, agent).missing) === undefined)
  const able = origin === 'WORDS' ? willing.filter((agent) => speaksFor(wanted, agent)) : willing
  if (able.length > 0) return { able, nearest: [] }
  if (willing.length > 0) {
    const advice = 'Say it in words of what agents offer, or register one that can, or one of type GENERAL.'
    return { able, reason: `No agent says that it can do this. ${advice}`, nearest: [] }
  }
  const { reason, missing } = whyNobody(wanted, enabled)
  const offered = [...new Set(enabled.flatMap((agent) => agent.capabilities))]
  const nearest = missing === undefined ? [] : mostLike(missing, offered)
  const instead = nearest.length > 0 ? ` The nearest on offer: ${nearest.join(', ')}.` : ''
  return { able, reason: `${reason}${instead}`, nearest }
}

/** Whether there is any reason to give the work to this agent rather than to any other. */
function speaksFor({ type, capabilities, text }: Wanted, agent: AgentProfile): boolean {
  if (capabilities.length > 0 || agent.type === 'GENERAL' || agent.type === type) return true
  const said = new Set(profileText(agent))
  return words(text).some((word) => !isStopWord(word) && said.has(stem(word)))
}

function mostLike(missing: string, offered: readonly string[]): string[] {
  return offered
    .map((capability) => ({ capability, alike: likeness(missing, capability) }))
    .filter(({ alike }) => alike > 0)
    .toSorted((a, b) => b.alike - a.alike || (a.capability < b.capability ? -1 : 1))
    .slice(0, NEAREST)
    .map(({ capability }) => capability)
}

function whyNobody(wanted: Wanted, enabled: readonly AgentProfile[]): { reason: string; missing?: string } {
  if (enabled.length === 0) return { reason: 'There is no enabled agent: register one, or enable one.' }
  const named = enabled.filter((agent) => wanted.agent === agent.name || wanted.agent === agent.id)
  if (wanted.agent !== undefined && named.length === 0) {
    return { reason: `There is no enabled agent called ${wanted.agent}: register it, or leave the choice open.` }
  }
  const asked = named.length > 0 ? named : enabled
  const missing = wanted.capabilities.find((demanded) =>
    asked.every((agent) => agent.capabilities.every((offered) => meets(demanded, offered) === 0)),
  )
  if (missing === undefined) {
    return { reason: `No single agent offers all of ${wanted.capabilities.join(', ')}: split the sub-task.` }
  }
  const [one] = named
  return { reason: `${one ? `${one.name} does not offer` : 'No agent offers'} ${missing}.`, missing }
}
