import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Report } from '../../src/core/attempt.ts'
import type { Verdict } from '../../src/core/gate.ts'
import { commitsBefore, commitsWith, headOf } from '../../src/core/merge.ts'
import type { Pattern, SubTask } from '../../src/core/plan.ts'
import type { SessionPolicy } from '../../src/core/state.ts'
import { answers, begun, child, childEnds, claims, does, judges, lastAsked, reports } from './drive.ts'
import { COMMAND, type Driven, OK, part, PERSON, planOf, rejects } from './sessions.ts'
import './seed.ts'

const changed = (commit: string): Report => ({ ...OK, commit }) as Report

/** A session with worktrees. */
function isolated(
  parts: readonly SubTask[],
  pattern: Pattern = 'PARALLEL',
  policy: Partial<SessionPolicy> = {},
): Driven {
  return begun(planOf(pattern, parts), { policy: { isolation: 'WORKTREES', ...policy } }, 'base')
}

/** What has been merged: the commits in their order, as a name. */
const mergeOf = (session: Driven, key: string): Verdict => {
  const commit = session.execution(key).candidate?.commit as string
  return {
    kind: 'ACCEPT',
    merged: { onto: headOf(session.state), head: commitsWith(session.state, key, commit).join('+'), branch: 'made' },
  }
}
const merges = (session: Driven, key: string) => judges(session, key, mergeOf(session, key))
const given = (session: Driven) =>
  session.events.filter(({ type }) => type === 'VERDICT_GIVEN').map(({ data }) => [data.kind, data.verdict])

describe('what an attempt begins with', () => {
  it('E109: is what the workspace held, for all branches alike', () => {
    const session = isolated([part('a'), part('b')])
    does(session, 'a', changed('A'))
    merges(session, 'a')
    expect(commitsBefore(session.state, 'b')).toEqual(['base'])
  })

  it('E109: is what comes before it, in declared order and not in that of the end', () => {
    const session = isolated([part('a'), part('b'), part('c', { dependsOn: ['b', 'a'] })], 'HIERARCHICAL')
    does(session, 'b', changed('B'))
    merges(session, 'b')
    does(session, 'a', changed('A'))
    merges(session, 'a')
    expect(commitsBefore(session.state, 'c')).toEqual(['base', 'A', 'B'])
  })

  it('E109: is the nearest that has changed anything', () => {
    const session = isolated([part('a'), part('b'), part('c')], 'SEQUENTIAL')
    does(session, 'a', changed('A'))
    merges(session, 'a')
    does(session, 'b')
    expect(session.execution('b').status).toBe('ACCEPTED')
    expect(commitsBefore(session.state, 'c')).toEqual(['base', 'A'])
  })

  it('E109: is all that was accepted, once it was rejected for a conflict', () => {
    const session = isolated([part('a'), part('b')])
    claims(session, 'b')
    does(session, 'a', changed('A'))
    merges(session, 'a')
    reports(session, 'b', changed('B'))
    judges(session, 'b', { kind: 'REJECT', feedback: 'both changed x' })
    expect(session.execution('b')).toMatchObject({
      status: 'READY',
      feedback: [{ gate: 'MERGE', text: 'both changed x' }],
    })
    expect(commitsBefore(session.state, 'b')).toEqual(['base', headOf(session.state)])
  })

  it('E109: is all that was accepted, for what undoes it, which is not merged', () => {
    const session = isolated([part('a', { compensation: { title: 'undo a' } }), part('b')])
    does(session, 'a', changed('A'))
    merges(session, 'a')
    session.happen({ type: 'ROLL_BACK', reason: 'wrong', toSeq: 0, keep: [] })
    expect(commitsBefore(session.state, 'undo-a')).toEqual(['base', 'base+A'])
    does(session, 'undo-a', changed('U'))
    expect(session.execution('undo-a').status).toBe('ACCEPTED')
    expect(headOf(session.state)).toBe('base+A')
  })
})

describe('a result that has changed something', () => {
  it('E110: is merged after all its gates, and accepted with what that makes', () => {
    const session = isolated([part('a', { gates: [PERSON, COMMAND] })])
    does(session, 'a', changed('A'))
    judges(session, 'a', { kind: 'ACCEPT' })
    answers(session, 'APPROVE')
    expect(session.execution('a')).toMatchObject({ status: 'VALIDATING', gate: 2 })
    expect(session.last.effects).toEqual([{ type: 'VALIDATE', executionId: session.execution('a').id }])
    merges(session, 'a')
    expect(given(session)).toEqual([
      ['COMMAND', 'ACCEPT'],
      ['PERSON', 'ACCEPT'],
      ['MERGE', 'ACCEPT'],
    ])
    expect(session.execution('a')).toMatchObject({ status: 'ACCEPTED', commit: 'A', head: 'base+A' })
    expect(session.state).toMatchObject({
      status: 'SUCCEEDED',
      baseCommit: 'base',
      headCommit: 'base+A',
      branch: 'made',
    })
  })

  it('E110: is accepted at once if it has changed nothing', () => {
    const session = isolated([part('a')])
    does(session, 'a')
    expect(session.state.status).toBe('SUCCEEDED')
    expect(session.state).not.toHaveProperty('headCommit')
    expect(given(session)).toEqual([])
  })

  it('E110: is merged once more if another one was accepted meanwhile, and that is no error of anybody', () => {
    const session = isolated([part('a'), part('b')])
    for (const key of ['a', 'b']) claims(session, key)
    for (const key of ['a', 'b']) reports(session, key, changed(key.toUpperCase()))
    const late = mergeOf(session, 'b')
    merges(session, 'a')
    judges(session, 'b', late)
    expect(session.execution('b')).toMatchObject({ status: 'VALIDATING' })
    expect(session.execution('b')).not.toHaveProperty('gateErrors')
    expect(session.last.effects).toContainEqual({ type: 'VALIDATE', executionId: session.execution('b').id })
    merges(session, 'b')
    expect(headOf(session.state)).toBe('base+A+B')
  })

  it('E110: takes its declared place, whichever was accepted first', () => {
    const keys = ['a', 'b', 'c', 'd']
    fc.assert(
      fc.property(fc.shuffledSubarray(keys, { minLength: 4 }), (order) => {
        const session = isolated(keys.map((key) => part(key)))
        for (const key of keys) claims(session, key)
        for (const key of order) {
          reports(session, key, changed(key.toUpperCase()))
          merges(session, key)
        }
        const merged = new Set(headOf(session.state).split('+'))
        expect(merged).toEqual(new Set(['base', 'A', 'B', 'C', 'D']))
        // On top of what was merged, where that is the same.
        expect(headOf(session.state)).toMatch(order.at(-1) === 'd' ? /\+D$/ : /^base\+A\+B\+C\+D$/)
      }),
    )
  })

  it('E110: of a child session is merged like any other', () => {
    const session = isolated([child('s'), part('a')])
    expect(session.execution('s').status).toBe('RUNNING')
    childEnds(session, 's', 'SUCCEEDED', {}, undefined, { commit: 'S' })
    expect(session.execution('s').status).toBe('VALIDATING')
    judges(session, 's', { kind: 'ACCEPT', merged: { onto: 'base', head: 'base+S' } })
    expect(session.state).not.toHaveProperty('branch')
    expect(session.execution('s')).toMatchObject({ status: 'ACCEPTED', commit: 'S' })
  })

  it('E110: is not merged where attempts work in the workspace itself', () => {
    const session = begun(planOf('PARALLEL', ['a']), {}, 'base')
    does(session, 'a', changed('A'))
    expect(session.state.status).toBe('SUCCEEDED')
    expect(session.execution('a')).not.toHaveProperty('commit')
    expect(session.state).not.toHaveProperty('headCommit')
  })
})

describe('a conflict', () => {
  const text = 'x: both changed it'
  const conflicts = (onConflict: SessionPolicy['onConflict']): Driven => {
    const session = isolated([part('a'), part('b')], 'PARALLEL', { onConflict })
    for (const key of ['a', 'b']) claims(session, key)
    for (const key of ['a', 'b']) reports(session, key, changed(key.toUpperCase()))
    merges(session, 'a')
    judges(session, 'b', { kind: 'REJECT', feedback: text })
    return session
  }

  it('E111: is tried again on top of what was accepted', () => {
    const session = conflicts('RETRY')
    does(session, 'b', changed('B2'))
    merges(session, 'b')
    expect(session.state).toMatchObject({ status: 'SUCCEEDED', headCommit: 'base+A+B2' })
  })

  it('E111: fails', () => {
    const session = conflicts('FAIL')
    expect(session.execution('b')).toMatchObject({ status: 'FAILED', error: { class: 'REJECTED', message: text } })
    expect(headOf(session.state)).toBe('base+A')
  })

  it('E111: waits for a person, who is shown what it is about', () => {
    const session = conflicts('ASK')
    expect(session.execution('b').status).toBe('WAITING')
    expect(lastAsked(session)).toMatchObject({
      kind: 'APPROVAL',
      choices: ['RETRY', 'REJECT'],
      shown: { key: 'b', commit: 'B', conflict: text },
    })
    answers(session, 'RETRY', { text: 'keep both' })
    expect(session.execution('b')).toMatchObject({
      status: 'READY',
      feedback: [{ gate: 'MERGE', text: `${text}\nkeep both` }],
    })
  })

  it('E111: that a person does not want to have tried again fails', () => {
    const session = conflicts('ASK')
    answers(session, 'REJECT')
    expect(session.execution('b')).toMatchObject({ status: 'FAILED', error: { class: 'REJECTED', message: text } })
  })

  it('E111: of a child session, which does not begin anew, fails', () => {
    const session = isolated([child('s'), part('a')])
    childEnds(session, 's', 'SUCCEEDED', {}, undefined, { commit: 'S' })
    judges(session, 's', rejects(text))
    expect(session.execution('s')).toMatchObject({ status: 'FAILED', error: { class: 'REJECTED' } })
  })

  it('E111: that cannot even be told is for a person, who cannot let it stand', () => {
    const session = isolated([part('a')])
    does(session, 'a', changed('A'))
    for (let tries = 0; tries < 3; tries++) judges(session, 'a', { kind: 'ERROR', message: 'git is gone' })
    expect(lastAsked(session)).toMatchObject({ choices: ['RETRY', 'REJECT'] })
    answers(session, 'RETRY')
    merges(session, 'a')
    expect(session.state.status).toBe('SUCCEEDED')
  })
})

describe('a rollback with worktrees', () => {
  it('E112: goes back to the merge of its checkpoint', () => {
    const session = isolated([part('a'), part('b'), part('c')], 'SEQUENTIAL')
    for (const key of ['a', 'b']) {
      does(session, key, changed(key.toUpperCase()))
      merges(session, key)
    }
    const first = session.events.find(({ type }) => type === 'CHECKPOINT_MADE')
    const keep = [session.execution('a').id]
    session.happen({ type: 'ROLL_BACK', reason: 'wrong', toSeq: first?.seq ?? 0, keep, commit: 'base+A' })
    expect(session.last.effects).toContainEqual({ type: 'RESTORE' })
    session.happen({ type: 'RESTORED' })
    expect(session.state).toMatchObject({ status: 'ROLLED_BACK', headCommit: 'base+A' })
  })
})
