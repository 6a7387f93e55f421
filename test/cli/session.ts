import type { EventFact, ExecutionView, SessionView } from '../../src/cli/view.ts'

/** When the sessions of these tests were made. */
export const START = Date.UTC(2026, 0, 31, 12)

const execution = (key: string, position: number): ExecutionView => ({
  id: `id-${key}`,
  key,
  title: `Do ${key}`,
  status: position === 0 ? 'READY' : 'BLOCKED',
  agent: null,
  attempts: 0,
  startedAt: null,
  endedAt: null,
  resumeAt: null,
  summary: null,
  error: null,
  rejected: null,
  asks: null,
  childId: null,
  cause: null,
  line: null,
})

/** A session that has just been planned, with an execution for each key. */
export const planned = (...keys: string[]): SessionView => ({
  id: '01977e0c-6c1b-7c3e-9f3c-0b1a2c3d4e5f',
  title: 'Audit the shop',
  status: 'RUNNING',
  pattern: 'HIERARCHICAL',
  complexity: 4.25,
  reasons: ['3 parts.', 'The longest chain has 2 steps.'],
  createdAt: START,
  endedAt: null,
  reason: null,
  seq: 10,
  executions: keys.map(execution),
  interrupts: [],
})

/** Makes events with rising numbers, each so many milliseconds after the session's start. */
export function eventsFrom(seq: number) {
  let last = seq
  return (
    afterMs: number,
    type: string,
    key: string | null,
    data: Record<string, unknown> = {},
    agent: string | null = null,
  ): EventFact => ({
    seq: ++last,
    type,
    executionId: key === null ? null : `id-${key}`,
    agent,
    data,
    at: START + afterMs,
  })
}
