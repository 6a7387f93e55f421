import { describe, expect, it } from 'vitest'
import { createCoverage } from './coverage.ts'
import { drawScenario } from './scenario.ts'
import { type Options, simulate } from './simulate.ts'

/** What came of many worlds, the rules that were broken among it. */
async function worlds(seeds: number, steps: number, options: Omit<Options, 'coverage'> = {}) {
  const coverage = createCoverage()
  const broken: string[] = []
  for (let seed = 1; seed <= seeds; seed++) {
    const { violation } = await simulate(drawScenario(seed, steps), { ...options, coverage })
    if (violation !== undefined) broken.push(`seed ${seed}: ${violation}`)
  }
  return { coverage, broken }
}

describe('a world in which everything goes wrong at random moments', () => {
  it('goes the same way for the same seed, line for line', async () => {
    const lines = async (seed: number): Promise<string[]> => {
      const scenario = drawScenario(seed, 800)
      return (await simulate(scenario, { coverage: createCoverage(), trace: true })).lines
    }
    const first = await lines(3)
    expect(await lines(3)).toEqual(first)
    expect(first.length).toBeGreaterThan(800)
    expect(await lines(4)).not.toEqual(first)
  })

  it('keeps every rule at every write, and ends every session', async () => {
    const { coverage, broken } = await worlds(30, 800)
    expect(broken).toEqual([])
    const ends = ['SUCCEEDED', 'PARTIAL', 'FAILED', 'CANCELED', 'TIMED_OUT', 'ROLLED_BACK']
    expect([...coverage.ends.keys()]).toEqual(expect.arrayContaining(ends))
    expect([...coverage.deeds.keys()]).toEqual(expect.arrayContaining(['CRASH', 'TWIN', 'BREAK', 'OUTAGE', 'REPEAT']))
  })

  it.each<[string, Omit<Options, 'coverage'>, RegExp]>([
    ['a store that writes over what somebody else wrote', { careless: true }, /a step begins from what is stored/],
    [
      'an engine that forgets what it was given',
      { engineInstead: (engine) => ({ ...engine, enqueue: () => {} }) },
      /every session ends/,
    ],
    [
      'an engine that takes work and does not do it',
      {
        engineInstead: (engine) => ({ ...engine, start: (crew) => engine.start({ ...crew, perform: async () => {} }) }),
      },
      /every session ends/,
    ],
  ])('finds out %s', async (_, options, rule) => {
    const { broken } = await worlds(6, 400, options)
    expect(broken.join('\n')).toMatch(rule)
  })
})
