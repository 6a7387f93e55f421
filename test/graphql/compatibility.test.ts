import { describe, expect, it } from 'vitest'
import { breaksOf } from '../../scripts/breaks.ts'

const RELEASED = `
  type Query { session(id: ID!, deep: Boolean @deprecated(reason: "always")): Session, old: Int @deprecated(reason: "new") }
  type Session { id: ID!, status: Status!, reason: String }
  input Start { title: String!, note: String }
  enum Status { RUNNING, ENDED, GONE @deprecated(reason: "ENDED") }
  union Result = Session | Problem
  type Problem { message: String! }
`
/** The same schema, with one thing written in another way. */
const changed = (from: string, to: string): string[] => {
  expect(RELEASED).toContain(from)
  return breaksOf(RELEASED, RELEASED.replace(from, to))
}

describe('what would break clients', () => {
  it('is nothing where nothing has changed', () => {
    expect(breaksOf(RELEASED, RELEASED)).toEqual([])
  })

  it.each([
    ['a field that is gone', ', reason: String', ''],
    ['a field that may be null now', 'status: Status!', 'status: Status'],
    ['a field of another type', 'reason: String', 'reason: Int'],
    ['an argument that is another one now', 'id: ID!, deep', 'key: ID!, deep'],
    ['an input that is required now', 'note: String', 'note: String!'],
    ['a new input that is required', 'note: String', 'note: String, more: Int!'],
    ['a value that is gone', 'RUNNING, ', ''],
    ['a member of a union that is gone', 'Session | Problem', 'Session'],
  ])('is %s', (_what, from, to) => {
    expect(changed(from, to)).not.toEqual([])
  })

  it.each([
    ['a new field', 'reason: String', 'reason: String, more: Int'],
    ['a field that is never null any more', 'reason: String', 'reason: String!'],
    ['an input that may be left out now', 'title: String!', 'title: String'],
    ['a new input that may be left out', 'note: String', 'note: String, more: Int'],
    ['a deprecated field that is gone', ', old: Int @deprecated(reason: "new")', ''],
    ['a deprecated argument that is gone', ', deep: Boolean @deprecated(reason: "always")', ''],
    ['a deprecated value that is gone', ', GONE @deprecated(reason: "ENDED")', ''],
  ])('is not %s', (_what, from, to) => {
    expect(changed(from, to)).toEqual([])
  })
})
