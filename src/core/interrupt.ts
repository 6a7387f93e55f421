import type { Role } from './gate.ts'
import type { Json } from './json.ts'

/**
 * APPROVAL: may this result stand? QUESTION: an agent or a manager wants to know something. AUTH: an agent needs access.
 * BUDGET: a soft limit is reached. PLAN: is this plan to be carried out?
 */
export const INTERRUPT_KINDS = ['APPROVAL', 'QUESTION', 'AUTH', 'BUDGET', 'PLAN'] as const
export type InterruptKind = (typeof INTERRUPT_KINDS)[number]

/** OPEN until it is ANSWERED, EXPIRED (its default counts), or VOID: what it was about is no longer so. */
export const INTERRUPT_STATUSES = ['OPEN', 'ANSWERED', 'EXPIRED', 'VOID'] as const
export type InterruptStatus = (typeof INTERRUPT_STATUSES)[number]

/** What can be answered. Which of them an interrupt takes stands in its `choices`. */
export const CHOICES = ['APPROVE', 'REJECT', 'ANSWER', 'RAISE', 'RETRY', 'SKIP', 'STOP'] as const
export type Choice = (typeof CHOICES)[number]

export interface Answer {
  choice: Choice
  /** Words for whoever goes on: feedback of a rejection, the answer to a question. */
  text?: string
  /** RAISE: the new limits by unit. ANSWER: whatever was asked for. */
  data?: Json
}

/** Something that waits for a person. Times are milliseconds since the epoch. */
export interface InterruptState {
  id: string
  /** Number of the event that raised it. */
  seq: number
  kind: InterruptKind
  status: InterruptStatus
  /** Undefined: it concerns the session as a whole. */
  executionId?: string
  /** What is asked, in a sentence. */
  question: string
  /** What the person is shown. */
  shown: Json
  /** SHA-256 of `shown`: an answer to anything else is refused. */
  shownHash: string
  choices: readonly Choice[]
  /** Who may answer. */
  role: Role
  /** What counts once nobody has answered in time. */
  onExpiry: Answer
  /** Why it was raised, for the machine: which gate, which limit. */
  about: { gate?: number; unit?: string; undo?: string; conflict?: string }
  createdAt: number
  expiresAt: number
  /** From then on ADMIN is asked too, loudly; once. */
  escalatesAt: number
  escalated: boolean
  answer?: Answer
  answeredBy?: string
  answeredAt?: number
}

/** A person has a day to answer; after half of it the interrupt escalates. Milliseconds. */
export const DEFAULT_EXPIRY_MS = 86_400_000
