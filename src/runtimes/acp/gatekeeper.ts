import { createHash } from 'node:crypto'
import type { PermissionOption } from '@agentclientprotocol/sdk'
import { Refused } from '../../files/confined.ts'
import type { Work } from '../../runtime.ts'
import type { Permissions } from './definition.ts'
import { decide } from './permission.ts'
import type { Decision } from './permission.ts'
import type { Place } from './place.ts'
import type { ToolCall } from './tool-call.ts'

type Ask = Extract<Decision, { kind: 'ask' }>['ask']

/** What was decided on a tool call, for the evidence. */
export interface Ruling {
  kind: string
  title: string
  decision: 'ALLOWED' | 'DENIED'
  by: 'POLICY' | 'PERSON'
}

/** Stands between an agent and what it wants to do. */
export interface Gatekeeper {
  /** Picks one of the options that the agent gives, or none: then the turn is to end, for a person is asked. */
  permit(call: ToolCall, options: readonly PermissionOption[]): Promise<string | undefined>
  /** @throws Refused */
  read(path: string, from: { line?: number | null; limit?: number | null }): Promise<string>
  /** @throws Refused */
  write(path: string, content: string): Promise<void>
  /** What a person has to be asked first, once that is so. */
  asked(): Ask | undefined
  /** At most `RULINGS`, the first one first, and how many were denied. */
  rulings(): { known: Ruling[]; denied: number }
}

const RULINGS = 100

/**
 * @param work whose replies count as answers to what was asked before
 * @param onAsk is told once, when the first question comes up
 */
export function createGatekeeper(
  { work, place, permissions }: { work: Work; place: Place; permissions: Permissions },
  onAsk: () => void,
): Gatekeeper {
  const rulings: Ruling[] = []
  /** Paths that the agent was allowed to write in so many words. */
  const granted = new Set<string>()
  let denied = 0
  let ask: Ask | undefined

  async function rule(call: ToolCall): Promise<boolean> {
    const isWithin = await place.isWithin(call.paths, call.kind === 'read')
    const decision = decide(call, permissions, isWithin, work.replies, work.agent.name)
    if (decision.kind === 'ask') {
      if (!ask) {
        ask = decision.ask
        onAsk()
      }
      return false
    }
    const isAllowed = decision.kind === 'allow'
    if (!isAllowed) denied++
    if (isAllowed) for (const path of call.paths) granted.add(path)
    if (rulings.length < RULINGS) {
      const { kind, title } = call
      rulings.push({ kind, title: title.slice(0, 200), decision: isAllowed ? 'ALLOWED' : 'DENIED', by: decision.by })
    }
    return isAllowed
  }

  /** A file that the agent has the server read or write for it. */
  const fileCall = (kind: 'read' | 'edit', path: string, input: object): ToolCall => ({
    id: '',
    kind,
    title: `${kind === 'read' ? 'read' : 'write'} ${path}`,
    status: 'pending',
    paths: [path],
    arguments: input,
  })
  const refuse = (path: string): never => {
    throw new Refused('OUTSIDE', ask ? 'a person has to be asked first' : `${JSON.stringify(path)} is not allowed`)
  }

  return {
    async permit(call, options) {
      const isAllowed = await rule(call)
      if (ask) return undefined
      // What is allowed "always" some agents write into their settings: it would outlive the attempt.
      const kinds = isAllowed ? ['allow_once', 'allow_always'] : ['reject_once', 'reject_always']
      const byKind = kinds.map((kind) => options.find((option) => option.kind === kind))
      return byKind.find((option) => option !== undefined)?.optionId
    },

    async read(path, { line, limit }) {
      if (!(await rule(fileCall('read', path, { path })))) refuse(path)
      const text = await place.read(path)
      if (line == null && limit == null) return text
      const from = Math.max(0, (line ?? 1) - 1)
      return text
        .split('\n')
        .slice(from, limit == null ? undefined : from + limit)
        .join('\n')
    },

    async write(path, content) {
      const sha256 = createHash('sha256').update(content).digest('hex')
      const isGranted = permissions.edit !== 'deny' && granted.has(path)
      if (!isGranted && !(await rule(fileCall('edit', path, { path, sha256 })))) refuse(path)
      await place.write(path, content)
    },

    asked: () => ask,
    rulings: () => ({ known: [...rulings], denied }),
  }
}
