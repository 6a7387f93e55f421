import { describe, expect, it } from 'vitest'
import type { UpstreamResult } from '../../src/runtime.ts'
import { committed, fixture, folderWith, runAgent, upstreamOf } from './run.ts'

const NOTHING: Omit<UpstreamResult, 'key'> = {
  title: '',
  agent: null,
  status: 'ACCEPTED',
  summary: null,
  output: null,
  error: null,
  artifacts: [],
}

describe('the report agent', () => {
  it('tells what all agents found in one repository', async () => {
    const shop = committed(fixture('shop'))
    const names = ['analysis', 'testing', 'review', 'documentation', 'deployment', 'codegen']
    const upstream: UpstreamResult[] = []
    for (const name of names) upstream.push(upstreamOf(name, await runAgent(name, shop)))
    const failed: UpstreamResult = {
      ...NOTHING,
      key: 'bench',
      title: 'The benchmark',
      status: 'FAILED',
      error: { class: 'UNAVAILABLE', message: 'no agent can | measure' },
    }
    const ran = await runAgent('report', shop, { upstream: [...upstream, failed] })
    expect(ran.exitCode).toBe(0)
    expect(ran.files).toEqual(['report.json', 'report.md'])
    const report = ran.read('report.md')
    expect(ran.summary).toBe(
      'Incomplete: 1 of 7 parts is missing (The benchmark). Needs attention: 1 dependency cycle, 1 failing test, not ready for a release.',
    )
    expect(report).toMatch(/^# Look at the shop\n\n\*\*Incomplete: 1 of 7 parts is missing/)
    expect(report).toContain('| The testing | testing | look at it | 1 of 3 tests passed, 1 failed, 1 skipped. |')
    expect(report).toContain('| The benchmark |  | failed | UNAVAILABLE: no agent can \\| measure |')
    expect(report).toContain(
      '- `src/cart.ts:1` → `src/price.ts:1` → `src/cart.ts`\n- `src/model/item.ts:1` → `src/model/shelf.ts:1` → `src/model/item.ts` (types only)',
    )
    expect(report).toContain('- **a cart costs nothing when it is empty** `test/cart.test.ts:11`')
    expect(report).toContain(
      '| warning | `src/price.ts:11` | \\`debugger\\` statement is not allowed. Remove the debugger statement (eslint(no-debugger)) |',
    )
    expect(report).toContain('| 14 | `src/invoice.ts:5-18` | `src/receipt.ts:5-18` |')
    expect(report).toContain('- [api/src/model.md](./documentation/api/src/model.md)')
    expect(report).toContain(
      '- [types/schemas/order.ts](./codegen/types/schemas/order.ts): 2 types from `schemas/order.schema.json`',
    )
    expect(report).toContain(
      '| error | main exists | dist/index.js does not exist; build before the release `package.json` |',
    )
    expect(report).toContain(
      '## What is missing\n\n- **The benchmark** (failed): UNAVAILABLE: no agent can \\| measure',
    )
    const headings = report.split('\n').filter((line) => line.startsWith('## '))
    expect(new Set(headings).size).toBe(headings.length)
    expect(report).not.toMatch(/^## [^\n]*\n+## /m)
    const parts = JSON.parse(ran.read('report.json')).parts
    expect(parts.map(({ key, done }: { key: string; done: boolean }) => `${key} ${done}`)).toEqual([
      ...names.map((name) => `${name} true`),
      'bench false',
    ])
    expect(ran.evidence).toEqual([
      { name: 'every part has a result', kind: 'COUNT', passed: false, detail: { parts: 7, missing: ['bench'] } },
    ])
  })

  it('is short where nothing is wrong', async () => {
    const upstream = [upstreamOf('review', await runAgent('review', folderWith({ 'a.js': 'export const a = 1\n' })))]
    const ran = await runAgent('report', folderWith({}), { upstream })
    expect(ran.summary).toBe('The one part is done, and nothing stands in the way.')
    const report = ran.read('report.md')
    expect(report.split('\n').length).toBeLessThan(16)
    expect(report).toMatch(/## Limits of these results\n\n- Not a git repository: .* \(The review\)\n$/)
  })

  it('puts what asks for something before what is good to know, and what is missing before both', async () => {
    const upstream: UpstreamResult[] = [
      { ...NOTHING, key: 'look', title: 'Look', output: { format: 'analysis', structure: { files: 3, lines: 9 } } },
      { ...NOTHING, key: 'test', title: 'Test', output: { format: 'tests', total: 2, passed: 1, failed: 1 } },
      { ...NOTHING, key: 'release', title: 'Release', output: { format: 'release', releasable: true } },
      { ...NOTHING, key: 'types', title: 'Types', output: { format: 'generated-types', reason: 'no schema files' } },
      { ...NOTHING, key: 'write', title: 'Write', status: 'SKIPPED' },
    ]
    const ran = await runAgent('report', folderWith({}), { upstream })
    expect(ran.summary).toBe(
      'Incomplete: 1 of 5 parts is missing (Write). Needs attention: 1 failing test, nothing was generated.',
    )
    const report = ran.read('report.md')
    expect(report.match(/^## .*/gm)).toEqual(['## What is missing', '## Tests', '## Release', '## Structure'])
    expect(report).toContain('- **Write** (skipped): a part that it needs is missing')
  })

  it('tells the results of agents that it does not know', async () => {
    const upstream: UpstreamResult[] = [
      {
        ...NOTHING,
        key: 'audit',
        title: 'Audit | <b>',
        agent: 'my-own',
        summary: 'Two *things*',
        output: { format: 'toString', things: ['a', 'b'] },
        artifacts: [
          { id: '0', name: 'a(1)#?.txt', kind: 'FILE', mediaType: 'text/plain', size: 1, sha256: '0', path: '/x' },
          { id: '1', name: 'a b.txt', kind: 'FILE', mediaType: 'text/plain', size: 1, sha256: '0', path: '/x' },
        ],
      },
    ]
    const report = (await runAgent('report', folderWith({}), { upstream })).read('report.md')
    expect(report).toContain(
      '## Audit \\| \\<b\\>\n\nTwo \\*things\\*\n\n- [a(1)\\#?.txt](./audit/a%281%29%23%3f.txt)\n- [a b.txt](./audit/a%20b.txt)\n\n```json\n{\n  "format": "toString",',
    )
  })

  it('does not trust outputs to have the shape that they claim', async () => {
    const formats = ['analysis', 'tests', 'review', 'documentation', 'release', 'generated-types']
    const outputs = [
      {},
      { findings: 'none', failures: [null, 3], dependencies: [], checks: [[]], pages: [1], files: { a: 1 } },
    ]
    const upstream = formats.flatMap((format) =>
      outputs.map((output, index) => ({
        ...NOTHING,
        key: `${format}-${index}`,
        output: { format, ...output } as UpstreamResult['output'],
      })),
    )
    const ran = await runAgent('report', folderWith({}), { upstream })
    expect(ran.exitCode).toBe(0)
    expect(ran.read('report.md')).not.toMatch(/undefined|NaN|\[object/)
  })

  it('says so when it was handed nothing', async () => {
    const ran = await runAgent('report', folderWith({}))
    expect(ran.summary).toContain('There is nothing to report')
  })
})
