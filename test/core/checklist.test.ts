import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { EXECUTION_MOVES, EXECUTION_STATUSES, EXECUTION_TABLE } from '../../src/core/execution.ts'
import { SESSION_MOVES, SESSION_STATUSES, SESSION_TABLE } from '../../src/core/session.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const page = readFileSync(join(root, 'docs/execution.md'), 'utf8')

/** The pages with rules, by the letter of these. */
const PAGES = { E: page, K: readFileSync(join(root, 'docs/knowledge.md'), 'utf8') }

/** The numbers of the rules of a page, in their order. */
const rulesOf = (text: string): string[] =>
  [...text.matchAll(/^- \*\*([EK]\d+)\*\* /gm)].map(([, rule]) => rule as string)
const rules = Object.values(PAGES).flatMap(rulesOf)

/** A test names its rules at the beginning of its name: `E12: …` or `E12, E13: …`. */
const NAME = /['"`]([EK]\d+(?:, [EK]\d+)*): /g

/** The rules that tests name, with the files that do. */
const named = new Map<string, Set<string>>()
for (const file of globSync('test/**/*.test.ts', { cwd: root })) {
  for (const [, list = ''] of readFileSync(join(root, file), 'utf8').matchAll(NAME)) {
    for (const rule of list.split(', ')) named.set(rule, (named.get(rule) ?? new Set()).add(file))
  }
}

/** The cells of the table that follows a heading of the page. */
function tableAfter(heading: string): string[][] {
  const [, after = ''] = page.split(`\n${heading}\n`)
  const [header = [], , ...rows] = after
    .slice(after.indexOf('|'))
    .split(/\n\n/, 1)
    .flatMap((table) => table.split('\n'))
    .map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim())) // prettier-ignore
  return [header, ...rows]
}

describe.each(Object.entries(PAGES))('the page of the rules %s', (letter, text) => {
  const own = rulesOf(text)

  it('numbers them from 1 without gaps', () => {
    expect(own.length).toBeGreaterThan(0)
    expect(own).toEqual(own.map((_, index) => `${letter}${index + 1}`))
  })

  it('speaks of no others', () => {
    const spoken = new Set([...text.matchAll(/\b[EK]\d+\b/g)].map(([rule]) => rule))
    expect([...spoken].filter((rule) => !rules.includes(rule))).toEqual([])
  })
})

describe('the page of the execution', () => {
  it('has the table of a session', () => {
    expect(tableAfter('### Session')).toEqual([
      ['status', ...SESSION_MOVES],
      ...SESSION_STATUSES.map((status) => [status, ...SESSION_MOVES.map((move) => SESSION_TABLE[status][move] ?? '-')]),
    ])
  })

  it('has the table of an execution', () => {
    const rows = EXECUTION_STATUSES.map((status) => [
      status,
      ...EXECUTION_MOVES.map((move) => EXECUTION_TABLE[status][move] ?? '-'),
    ])
    expect(tableAfter('### Execution')).toEqual([['status', ...EXECUTION_MOVES], ...rows])
  })

  it.each([
    ['### Session', SESSION_TABLE],
    ['### Execution', EXECUTION_TABLE],
  ])('has a picture of every move under %s, and of no others', (heading, table) => {
    const [, picture = ''] = page.split(`\n${heading}\n`)[1]?.split(/```(?:mermaid)?/) ?? []
    const drawn = [...picture.matchAll(/^ {2}([A-Z_]+) --> ([A-Z_]+)/gm)].map(([, from, to]) => `${from} > ${to}`)
    const moves = Object.entries(table).flatMap(([from, row]) =>
      Object.values(row as Record<string, string | null>).flatMap((to) => (to === null ? [] : [`${from} > ${to}`])),
    )
    expect(drawn.toSorted()).toEqual([...new Set(moves)].toSorted())
  })
})

describe('the rules and the tests', () => {
  it.each(rules)('%s is held by a test that names it', (rule) => {
    expect([...(named.get(rule) ?? [])]).not.toEqual([])
  })

  it('name each other: no test names a rule that is not there', () => {
    expect([...named.keys()].filter((rule) => !rules.includes(rule))).toEqual([])
  })
})
