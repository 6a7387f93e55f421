import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { analyze, type Analysis } from '../../src/core/analysis.ts'
import { decompose, type TaskText } from '../../src/core/decompose.ts'
import type { SubTask } from '../../src/core/plan.ts'

const SEED = 20261122

const of = (title: string, description = '', more: Partial<TaskText> = {}): Analysis => {
  const task = { title, description, ...more }
  return analyze(task, decompose(task))
}

/** An analysis of sub-tasks given as `key: text <- keys`. */
const graph = (...lines: string[]): Analysis =>
  of('', '', {
    subTasks: lines.map((line): SubTask => {
      const [, key, description, keys] = line.match(/^(\w+): (.*?)(?: <- (.*))?$/) as unknown as [
        string,
        string,
        string,
        string?,
      ]
      return { key, title: key, description, capabilities: [], dependsOn: keys?.split(' ') ?? [] }
    }),
  })

describe('complexity', () => {
  it('is the sum of what its factors contribute, each within its weight', () => {
    fc.assert(
      fc.property(fc.string(), fc.lorem({ maxCount: 60 }), (title, description) => {
        const { complexity, factors } = of(title, `${description} implement the database update, then fix every error`)
        const tenths = factors.reduce((sum, factor) => sum + Math.round(factor.contribution * 10), 0)
        expect(tenths).toBe(Math.round(complexity * 10))
        expect(complexity).toBeGreaterThanOrEqual(0)
        expect(complexity).toBeLessThanOrEqual(10)
        for (const { value, weight, contribution, reason } of factors) {
          expect(value).toBeGreaterThanOrEqual(0)
          expect(value).toBeLessThanOrEqual(1)
          expect(Math.abs(contribution - value * weight)).toBeLessThan(0.1)
          expect(reason).toMatch(/^[A-Z].*\.$/)
        }
      }),
      { seed: SEED },
    )
  })

  it('has weights that reach from 0 to 10', () => {
    const weights = of('x').factors.map((factor) => factor.weight)
    const harder = weights.filter((weight) => weight > 0).reduce((sum, weight) => sum + weight, 0)
    const easier = weights.filter((weight) => weight < 0).reduce((sum, weight) => sum - weight, 0)
    expect(harder).toBeCloseTo(10)
    expect(easier).toBeCloseTo(of('x').factors.find((factor) => factor.name === 'base')!.weight)
  })

  it('counts what is said once only, where the title is the beginning of the description', () => {
    const text = 'Review the code and write a long report about it'
    const length = (title: string, description: string) =>
      of(title, description).factors.find(({ name }) => name === 'length')!.reason
    expect(length(text, text)).toBe('It is told in 10 words.')
    expect(length('Review the code and…', ` ${text}`)).toBe('It is told in 10 words.')
    expect(length('', text)).toBe('It is told in 10 words.')
    expect(length('Look at it', text)).toBe('It is told in 13 words.')
  })

  it('is higher for building than for a routine change', () => {
    expect(of('Implement a distributed query engine').complexity).toBeGreaterThan(
      of('Update the version label').complexity + 1,
    )
  })

  it('is higher with more parts, longer chains and more kinds of agent', () => {
    const one = of('', 'review the code').complexity
    const two = of('', 'review the code and run the tests').complexity
    const chain = of('', 'review the code, then run the tests, then deploy the service, then write the docs').complexity
    expect([one, two, chain]).toEqual([one, two, chain].toSorted((a, b) => a - b))
    expect(chain).toBeGreaterThan(one)
  })

  it('names the words that it was drawn from', () => {
    const factor = (name: string): string =>
      of('Migrate the database', 'Maybe refactor all modules').factors.find((one) => one.name === name)!.reason
    expect(factor('building')).toBe('Some words say that something has to be built: migrate, refactor, modules.')
    expect(factor('technical')).toContain('database')
    expect(factor('uncertainty')).toContain('maybe')
    expect(factor('routine')).toBe('No word says that a small change is meant.')
    expect(factor('length')).toBe('It is told in 7 words.')
    expect(factor('parts')).toBe('It has 1 part.')
  })

  it('takes no notice of code, addresses and numbers', () => {
    const bare = of('Fix it', 'See there')
    expect(
      of('Fix it', 'See ```implement database``` `refactor` https://migrate.example/all 12345 there').complexity,
    ).toBe(bare.complexity)
  })

  it('takes the first line for the headline of a task without a title', () => {
    expect(of('', '\nImplement a parser\nfor the query')).toMatchObject({
      complexity: of('Implement a parser', 'for the query').complexity,
    })
    expect(of('', '').complexity).toBe(2.8)
  })
})

describe('the pattern', () => {
  it('is SEQUENTIAL for a single part', () => {
    expect(of('Sing a song')).toMatchObject({
      pattern: 'SEQUENTIAL',
      patternReason: 'There is only one part, so nothing has to be coordinated.',
    })
  })

  it('is PARALLEL for parts that do not wait for each other', () => {
    expect(of('', 'lint the code, run the tests')).toMatchObject({
      pattern: 'PARALLEL',
      patternReason: 'None of the 2 parts waits for another, so all can run side by side.',
    })
  })

  it('is PIPELINE for a chain in which each part works on what the one before it made', () => {
    expect(of('', 'write a summary, translate the summary and send me the translation').pattern).toBe('PIPELINE')
    expect(graph('a: fetch the data', 'b: report on the findings <- a').pattern).toBe('PIPELINE')
  })

  it('is SEQUENTIAL for a chain by order alone', () => {
    expect(of('', 'run the tests, then sing a song')).toMatchObject({
      pattern: 'SEQUENTIAL',
      patternReason: expect.stringContaining('an order is asked for'),
    })
  })

  it('is HIERARCHICAL for anything else', () => {
    expect(of('', 'lint the code, run the tests, then sing a song')).toMatchObject({
      pattern: 'HIERARCHICAL',
      patternReason: expect.stringContaining('2 of them have nothing to wait for'),
    })
    expect(graph('a: x', 'b: y <- a', 'c: z <- a').patternReason).toContain('one part has nothing to wait for')
    expect(graph('a: x', 'b: y <- a', 'c: z', 'd: w').pattern).toBe('HIERARCHICAL')
  })

  it('overlooks a wait that follows from others', () => {
    expect(graph('a: x', 'b: y <- a', 'c: z <- a b').pattern).toBe('SEQUENTIAL')
    expect(graph('a: x', 'b: y <- a', 'c: z <- b', 'd: w <- a b c').pattern).toBe('SEQUENTIAL')
  })

  it("takes the title of a sub-task without a description, and survives the caller's mistakes", () => {
    expect(graph('a: ', 'b:  <- a').pattern).toBe('SEQUENTIAL')
    expect(graph('a: x <- nobody', 'b: y').pattern).toBe('PARALLEL')
    expect(graph('a: x <- b', 'b: y <- a').pattern).toBeDefined()
    expect(graph('a: x <- a', 'b: y').pattern).toBeDefined()
  })
})

describe('capabilities', () => {
  it('are those of the parts and those that the caller demands, each once', () => {
    expect(
      of('', 'run the tests, lint the code, run the tests again', { capabilities: ['lint', 'gpu'] }).capabilities,
    ).toEqual(['run-tests', 'gpu', 'lint'])
  })
})

describe('risk', () => {
  it('is LOW when no word is dangerous', () => {
    expect(of('Sing a song')).toMatchObject({
      risk: 'LOW',
      riskReasons: ['No word of it speaks of destruction, of other people or of confidential matters.'],
    })
  })

  it('is LOW where a dangerous thing is only spoken of', () => {
    expect(of('Check that the package can be released').risk).toBe('LOW')
  })

  it('is MEDIUM for one danger and HIGH for more, and names the words', () => {
    expect(of('Publish the package')).toMatchObject({
      risk: 'MEDIUM',
      riskReasons: ['Its effects reach other people or a running system: publish.'],
    })
    const { risk, riskReasons } = of('Delete the passwords of the production database')
    expect(risk).toBe('HIGH')
    expect(riskReasons).toEqual([
      'It destroys or overwrites something: delete.',
      'Its effects reach other people or a running system: production.',
      'It touches money, secrets or personal data: passwords.',
    ])
  })

  it('is higher for a complex task', () => {
    const text =
      'Implement, design, integrate, refactor, rewrite, migrate, improve, redesign, port the framework; all, every, entire, whole, across, several, multiple, many, various, complete, full, large; database, storage, schema, query, transaction, lock, cache, memory, network, protocol, cluster, security, api, compiler; maybe investigate, research, explore, unclear, perhaps, possibly, consider, decide, must, without, only, never, exactly, strict'
    const { complexity, risk, riskReasons } = of(text, `${text}. `.repeat(20))
    expect(complexity).toBeGreaterThanOrEqual(7)
    expect(risk).toBe('HIGH')
    expect(riskReasons.at(-1)).toBe(`Its complexity of ${complexity} is high.`)
  })
})

describe('an analysis', () => {
  it('depends on nothing but its input', () => {
    const text = 'Review the code, then deploy it.'
    expect(of('A', text)).toEqual(of('A', text))
  })
})
