import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { BUILTIN_AGENTS } from '../../src/agents/builtin.ts'
import { fixture, temporaryFolder } from './run.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/agents.md'), 'utf8')

describe('the page on agents', () => {
  it('shows an agent that works', () => {
    const program = /```python\n(.*?)```/s.exec(page)![1]!
    const [workspace, outputDir] = [fixture('ledger'), temporaryFolder()]
    const env = { ...process.env, TUTTI_OUTPUT_DIR: outputDir }
    const shown = execFileSync('python3', ['-c', program], {
      env,
      input: JSON.stringify({ workspace }),
      encoding: 'utf8',
    })
    expect(shown).toBe('counting 7 files\n')
    const result = JSON.parse(readFileSync(join(outputDir, 'result.json'), 'utf8'))
    expect(result).toMatchObject({
      summary: expect.stringMatching(/^\d+ lines in 7 files\.$/),
      evidence: [{ passed: true }],
    })
    expect(Object.keys(JSON.parse(readFileSync(join(outputDir, 'lines.json'), 'utf8')))).toContain('ledger/book.py')
  })

  it('names every built-in agent', () => {
    for (const { name } of BUILTIN_AGENTS) expect(page).toContain(`| \`${name}\``)
  })
})
