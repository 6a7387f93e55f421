import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { committed, fixture, git, runAgent } from './run.ts'

describe('the analysis agent', () => {
  it('finds what is notable in a TypeScript repository', async () => {
    const shop = committed(fixture('shop'))
    for (const text of ['// one\n', '// two\n']) {
      appendFileSync(join(shop, 'src/price.ts'), text)
      git(shop, 'commit', '-qam', 'Change the price')
    }
    const ran = await runAgent('analysis', shop)
    expect(ran.exitCode).toBe(0)
    expect(ran.summary).toBe('16 files, 188 lines, 2 dependency cycles, 10 % duplicated.')
    const { structure, dependencies, duplication, churn } = ran.output
    expect(structure.languages[0]).toMatchObject({ language: 'TypeScript', files: 9 })
    expect(structure.longestFunctions[0]).toMatchObject({
      name: 'invoiceText',
      file: 'src/invoice.ts',
      line: 5,
      lines: 14,
    })
    expect(dependencies.cycles).toEqual([
      {
        kind: 'runtime',
        modules: ['src/cart.ts', 'src/price.ts'],
        path: [
          { from: 'src/cart.ts', to: 'src/price.ts', line: 1 },
          { from: 'src/price.ts', to: 'src/cart.ts', line: 1 },
        ],
      },
      expect.objectContaining({ kind: 'types', modules: ['src/model/item.ts', 'src/model/shelf.ts'] }),
    ])
    expect(dependencies.orphans).toEqual(['src/forgotten.ts'])
    expect(dependencies.unresolved).toEqual([{ from: 'src/forgotten.ts', line: 1, specifier: './nowhere.ts' }])
    expect(duplication.clones).toEqual([
      {
        lines: 14,
        tokens: expect.any(Number),
        a: { file: 'src/invoice.ts', start: 5, end: 18 },
        b: { file: 'src/receipt.ts', start: 5, end: 18 },
      },
    ])
    expect(churn).toMatchObject({ commits: 3, truncated: false })
    expect(churn.mostChanged[0]).toMatchObject({ file: 'src/price.ts', commits: 3 })
    expect(churn.hotSpots[0]).toMatchObject({ file: 'src/price.ts', commits: 3, lines: 15, score: 45 })
    expect(ran.evidence).toContainEqual({
      name: 'no dependency cycles at run time',
      kind: 'COUNT',
      passed: false,
      detail: { cycles: 1 },
    })
    expect(JSON.parse(ran.read('imports.json')).edges).toHaveLength(15)
    expect(git(shop, 'status', '--porcelain')).toBe('')
  })

  it('follows the imports of Python modules, and tells those that wait for a call', async () => {
    const ran = await runAgent('analysis', fixture('ledger'))
    const { dependencies } = ran.output
    expect(
      dependencies.cycles.map(({ kind, modules }: { kind: string; modules: string[] }) => [kind, ...modules]),
    ).toEqual([
      ['runtime', 'ledger/cli.py', 'ledger/report.py'],
      ['deferred', 'ledger/audit.py', 'ledger/money.py'],
    ])
    expect(ran.output.notes).toContainEqual(expect.stringContaining('Not a git repository'))
    expect(ran.output).not.toHaveProperty('churn')
  })
})
