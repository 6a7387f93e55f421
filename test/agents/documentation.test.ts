import { describe, expect, it } from 'vitest'
import { fixture, folderWith, runAgent, upstreamOf } from './run.ts'

describe('the documentation agent', () => {
  it('writes a page for each folder with what its modules export', async () => {
    const ran = await runAgent('documentation', fixture('shop'))
    expect(ran.exitCode).toBe(0)
    expect(ran.output.pages).toEqual(['index.md', 'api/src.md', 'api/src/model.md'])
    expect(ran.files).toEqual(ran.output.pages.toSorted())
    const page = ran.read('api/src.md')
    expect(page).toContain(
      '### total\n\nfunction, `src/cart.ts:15`\n\n```ts\nfunction total(cart: Cart): number\n```\n\nWhat all items cost together.\n\n- **param cart** whose items\n- **returns** cents',
    )
    expect(page).toContain('interface Cart {\n  items: Item[]\n}')
    // Not written down in the source: what the compiler finds.
    expect(page).toContain('function priceOf(item: Item, discount = 0): number')
    expect(page).toContain('- `remember(cart: Cart): number` (line 30)')
    expect(page).toContain('- **deprecated** take total itself')
    expect(page).toContain('Passes on the exports of `./cart.ts`, `./price.ts`, `./invoice.ts`, `./receipt.ts`.')
    expect(page).toContain('All that the shop offers.')
    expect(page).not.toContain('forget(')
    expect(ran.output.coverage).toEqual({ exports: 11, documented: 9, percent: 81.8 })
    expect(ran.output.undocumented).toEqual([
      { name: 'empty', kind: 'constant', file: 'src/cart.ts', line: 19 },
      { name: 'priceOf', kind: 'function', file: 'src/price.ts', line: 5 },
    ])
    expect(ran.read('index.md')).toMatch(
      /^# Shop\n\nA small shop that counts[^\n]*\n\n9 of 11 exports[^\n]*\n\n\| Folder .*\n.*\n\| \[src\]\(api\/src.md\) \| 6 \| 9 \| 77.8 % \|/,
    )
  })

  it('documents Python from its docstrings', async () => {
    const ran = await runAgent('documentation', fixture('ledger'))
    const page = ran.read('api/ledger.md')
    expect(page).toContain('## book.py\n\nBooks hold entries.\n\n### Book')
    expect(page).toMatch(
      /- `def add\(self, amount: int, text: str=''\) -> None` \(line 14\): Adds an entry\. The amount is in cents\./,
    )
    expect(page).toContain('CENTS = 100')
    expect(page).not.toContain('_secret')
    expect(ran.output.undocumented.map(({ name }: { name: string }) => name)).toEqual([
      'trace',
      'main',
      'CENTS',
      'of',
      'render',
    ])
  })

  it('documents Python by its layout where Python is not installed', async () => {
    const ran = await runAgent('documentation', fixture('ledger'), { env: { PATH: '/nowhere' } })
    const page = ran.read('api/ledger.md')
    expect(page).toContain('```python\nclass Book\n```\n\nEntries in the order they were made.')
    expect(page).toContain('def total(amounts) -> int')
    expect(ran.output.notes).toContainEqual(expect.stringContaining('python3 is not installed'))
  })

  it('understands CommonJS, default exports and overloads, and copes with a broken file and a broken tsconfig', async () => {
    const workspace = folderWith({
      'tsconfig.json': '{ broken',
      'common.js':
        '/** Adds. */\nfunction add(a, b) { return a + b }\nconst LIMIT = 3\nmodule.exports = { add, most: LIMIT }\n',
      'single.js': '/** Doubles. */\nmodule.exports = function (x) { return 2 * x }\n',
      'default.ts': '/** Listens. */\nexport default async function (port: number) {}\n',
      'over.ts':
        'export function f(a: string): string\nexport function f(a: number): number\nexport function f(a: any) { return a }\n',
      'broken.ts': 'export function half(a: number {\n',
    })
    const ran = await runAgent('documentation', workspace)
    expect(ran.exitCode).toBe(0)
    const page = ran.read('api/root.md')
    expect(page).toContain('function add(a, b)')
    expect(page).toContain('### most\n\nconstant, `common.js:3`')
    expect(page).toContain(
      '### module.exports\n\nfunction, `single.js:2`\n\n```ts\nfunction module.exports(x): number\n```\n\nDoubles.',
    )
    expect(page).toContain(
      '### default\n\nfunction, `default.ts:2`\n\n```ts\nasync function (port: number): Promise<void>',
    )
    expect(page).toContain('function f(a: string): string')
    expect(page).toContain('function f(a: number): number')
    expect(page).not.toContain('f(a: any)')
  })

  it('adds an overview when an analysis came before', async () => {
    const shop = fixture('shop')
    const analysis = upstreamOf('analysis', await runAgent('analysis', shop))
    const ran = await runAgent('documentation', shop, { upstream: [analysis] })
    expect(ran.output.pages).toContain('overview.md')
    const overview = ran.read('overview.md')
    expect(overview).toContain('| TypeScript | 9 |')
    expect(overview).toMatch(/```mermaid\nflowchart LR\n/)
    expect(overview).toContain('| `src/cart.ts` | 5 |')
    expect(ran.read('index.md')).toContain('[overview](overview.md)')
  })

  it('says why there is nothing to document', async () => {
    const ran = await runAgent('documentation', folderWith({ 'main.go': 'package main\n' }))
    expect(ran.summary).toContain('Nothing exported was found')
    expect(ran.output.notes).toContain('No pages are written for Go.')
    expect(ran.files).toEqual(['index.md'])
  })
})
