import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { usualSecrets } from '../../src/processes/sandbox/secrets.ts'
import { DEFAULT_PROCESS_LIMITS, sandboxShape, settingsOf } from '../../src/processes/sandbox/settings.ts'

describe('what is said of the sandbox', () => {
  it('has a default for everything', () => {
    expect(settingsOf()).toEqual({
      mode: 'auto',
      network: false,
      workspace: 'write',
      read: [],
      write: [],
      hide: [],
      limits: DEFAULT_PROCESS_LIMITS,
    })
  })

  it('of one program goes before what is said of all, and paths add up', () => {
    const all = { mode: 'required', hide: ['/a'], read: ['/b'], limits: { processes: 5, cpuSeconds: 6 } } as const
    const one = { network: true, hide: ['/c'], limits: { processes: 7 } }
    expect(settingsOf({ ...all, hide: [...all.hide], read: [...all.read] }, undefined, one)).toEqual({
      mode: 'required',
      network: true,
      workspace: 'write',
      read: ['/b'],
      write: [],
      hide: ['/a', '/c'],
      limits: { ...DEFAULT_PROCESS_LIMITS, processes: 7, cpuSeconds: 6 },
    })
  })

  it.each([
    ['a relative path', { read: ['here'] }],
    ["another person's home", { write: ['~somebody/x'] }],
    ['a path with a NUL', { hide: ['/a\0b'] }],
    ['no limit', { limits: { processes: 0 } }],
    ['an unknown limit', { limits: { disk: 1 } }],
    ['an unknown mode', { mode: 'always' }],
    ['an unknown key', { jail: true }],
  ])('is refused with %s', (_, said) => {
    expect(sandboxShape.safeParse(said).success).toBe(false)
  })
})

describe('docs/security.md', () => {
  const page = readFileSync(new URL('../../docs/security.md', import.meta.url), 'utf8')

  it('names every limit of programs with its default', () => {
    const rows = page.matchAll(/^\| `sandbox\.limits\.(\w+)` +\| ([\d,]+) +\|/gm)
    const documented = [...rows].map(([, name, value]) => [name, Number(value?.replaceAll(',', ''))])
    expect(Object.fromEntries(documented)).toEqual(DEFAULT_PROCESS_LIMITS)
  })

  it('names everything that is hidden', () => {
    const said = /What is hidden unless[^]*?\n\n/.exec(page)?.[0] ?? ''
    const names = [...said.matchAll(/`([./][^`]+)`/g)].map(([, name]) => name)
    expect(names.toSorted()).toEqual(
      usualSecrets(['~'])
        .map((path) => path.replace(/^~\//, ''))
        .toSorted(),
    )
  })
})
