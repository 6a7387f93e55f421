import { describe, expect, it } from 'vitest'
import { compareSessions, type Outcome } from '../../src/core/compare.ts'

const outcome = (change: Partial<Outcome> = {}): Outcome => {
  return { status: 'ACCEPTED', outputHash: 'abc', summary: 'Did it', agentId: 'agent', ...change }
}

describe('two sessions held against each other', () => {
  it('are the same where status, output, summary and agent are', () => {
    const session = { b: outcome(), a: { status: 'PENDING' } }
    expect(compareSessions(session, structuredClone(session))).toEqual({
      same: ['b', 'a'],
      different: [],
      onlyInA: [],
      onlyInB: [],
    })
  })

  it.each([
    [{ status: 'FAILED' }, ['status']],
    [{ outputHash: 'def' }, ['outputHash']],
    [{ summary: 'Did it otherwise' }, ['summary']],
    [{ agentId: 'another' }, ['agentId']],
    [{ agentId: 'another', status: 'FAILED' }, ['status', 'agentId']],
  ] as const)('differ by %j', (change, fields) => {
    const { same, different } = compareSessions({ a: outcome() }, { a: outcome(change) })
    expect({ same, different }).toEqual({ same: [], different: [{ key: 'a', fields }] })
  })

  it('differ where only one of them has a field', () => {
    const { different } = compareSessions({ a: outcome() }, { a: { status: 'ACCEPTED' } })
    expect(different).toEqual([{ key: 'a', fields: ['outputHash', 'summary', 'agentId'] }])
  })

  it('name what only one of them has, each in its own order', () => {
    const a = { c: outcome(), both: outcome(), a: outcome() }
    const b = { z: outcome(), both: outcome(), y: outcome() }
    expect(compareSessions(a, b)).toEqual({
      same: ['both'],
      different: [],
      onlyInA: ['c', 'a'],
      onlyInB: ['z', 'y'],
    })
  })

  it('know no keys but their own', () => {
    const a = Object.fromEntries([['__proto__', outcome()] as const])
    expect(compareSessions(a, { constructor: outcome() } as never)).toMatchObject({
      onlyInA: ['__proto__'],
      onlyInB: ['constructor'],
    })
    expect(compareSessions(a, a)).toMatchObject({ same: ['__proto__'] })
  })
})
