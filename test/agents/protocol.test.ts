import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { BUILTIN_AGENTS } from '../../src/agents/builtin.ts'
import { AGENT_TYPES } from '../../src/core/agent.ts'
import { commandOf, folderWith, runAgent, startAgent } from './run.ts'

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
  } catch {
    return false
  }
}

describe('the list of built-in agents', () => {
  it('names each with a program that is there and capabilities in kebab case', () => {
    expect(new Set(BUILTIN_AGENTS.map(({ name }) => name)).size).toBe(7)
    for (const { type, capabilities, command, slots } of BUILTIN_AGENTS) {
      expect(AGENT_TYPES).toContain(type)
      expect(capabilities.join(' ')).toMatch(/^[a-z-]+( [a-z-]+)*$/)
      expect(command.argv[0]).toBe(process.execPath)
      expect(existsSync(command.argv[1]!)).toBe(true)
      expect(slots).toBeGreaterThan(0)
    }
  })
})

describe("an agent's program", () => {
  it('tells each artifact that it left, and no other', async () => {
    const ran = await runAgent('review', folderWith({ 'a.js': 'debugger\n' }))
    expect(ran.artifacts).toEqual([{ name: 'findings.json', kind: 'JSON', mediaType: 'application/json' }])
    expect(ran.files).toEqual(['findings.json'])
  })

  it('does with the environment alone when nothing is sent to it', async () => {
    const ran = await runAgent('review', folderWith({ 'a.js': 'debugger\n' }), { stdin: '' })
    expect(ran.exitCode).toBe(0)
    expect(ran.output.total).toBe(1)
  })

  it('ends with a code and the reason in its last line when the work cannot be read', async () => {
    const ran = await runAgent('review', folderWith({}), { stdin: '{"workspace":' })
    expect(ran.exitCode).toBe(1)
    expect(ran.stderr.trim().split('\n').at(-1)).toMatch(/^stdin is not one JSON document .*see docs\/agents.md$/)
    expect(ran.files).toEqual([])
  })

  it('ends at once at SIGTERM, and what it started with it', async () => {
    const workspace = folderWith({
      'package.json': JSON.stringify({ scripts: { test: 'node parent.js' } }),
      'parent.js': `const { spawn } = require('node:child_process')
const child = spawn(process.execPath, ['-e', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore' })
process.on('SIGTERM', () => {})
console.log('started', process.pid, child.pid)
setInterval(() => {}, 1000)`,
    })
    const { child, outputDir } = startAgent('testing', workspace)
    const pids = await new Promise<number[]>((resolve) => {
      let seen = ''
      child.stdout!.on('data', (chunk: Buffer) => {
        seen += chunk
        const started = /started (\d+) (\d+)/.exec(seen)
        if (started) resolve([Number(started[1]), Number(started[2])])
      })
    })
    expect(pids.every(isRunning)).toBe(true)
    child.kill('SIGTERM')
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
    expect([code, signal]).toEqual([null, 'SIGTERM'])
    await expect.poll(() => pids.filter(isRunning)).toEqual([])
    expect(existsSync(join(outputDir, 'result.json'))).toBe(false)
  })

  it('ends at once at SIGTERM also while it computes', async () => {
    const file = (index: number): string =>
      Array.from({ length: 400 }, (_, line) => `export const a${line} = (x: number) => x + ${line * index}\n`).join('')
    const workspace = folderWith(
      Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`f${index}.ts`, file(index)])),
    )
    const { child } = startAgent('documentation', workspace)
    await new Promise((resolve) => child.stdout!.once('data', resolve))
    const asked = performance.now()
    child.kill('SIGTERM')
    const [, signal] = (await once(child, 'exit')) as [number | null, string | null]
    expect(signal).toBe('SIGTERM')
    expect(performance.now() - asked).toBeLessThan(1_000)
  })

  it('is started with the Node that runs the server', () => {
    expect(commandOf('analysis')).toEqual([process.execPath, expect.stringMatching(/analysis\.ts$/)])
  })
})
