import type { LanguageModelUsage } from 'ai'
import type { Usage, Work } from '../../runtime.ts'
import type { ModelDefinition } from './definition.ts'

/** Counts what an attempt uses, and what it may use still. */
export interface Meter {
  /** What the provider says that a request has used; where it says nothing, characters are counted instead. */
  charge(used: Partial<LanguageModelUsage> | undefined, said: { input: number; output: number }): void
  /** Why nothing is left for a request of so many characters; undefined: something is. */
  exhausted(inputCharacters: number): string | undefined
  /** Tokens that the next answer may have at most; undefined: there is no limit. */
  room(inputCharacters: number): number | undefined
  usage(): Usage
  /** The same in words. */
  words(): string
  counts(): { requests: number; estimated: number; cachedInputTokens: number }
}

/** Characters of a token in English and in code, roughly: what is estimated is meant to be rather too much. */
const TOKEN_CHARACTERS = 3
const MILLION = 1_000_000

/**
 * @param price US dollars per million tokens; undefined: cost is not counted
 * @param allowance tokens, input and output together, and US dollars
 */
export function createMeter(price: ModelDefinition['price'], allowance: Work['allowance']): Meter {
  let [input, output, cached, cost] = [0, 0, 0, 0]
  let [requests, estimated] = [0, 0]

  const tokensOf = (characters: number): number => Math.ceil(characters / TOKEN_CHARACTERS)
  const costOf = (fresh: number, fromCache: number, out: number): number => {
    if (!price) return 0
    return (fresh * price.input + fromCache * (price.cachedInput ?? price.input) + out * price.output) / MILLION
  }

  function room(inputCharacters: number): number | undefined {
    const asked = tokensOf(inputCharacters)
    const limits: number[] = []
    if (allowance.tokens !== null) limits.push(allowance.tokens - input - output - asked)
    if (allowance.cost !== null && price && price.output > 0) {
      limits.push(((allowance.cost - cost - costOf(asked, 0, 0)) * MILLION) / price.output)
    }
    return limits.length === 0 ? undefined : Math.floor(Math.min(...limits))
  }

  const dollars = (amount: number): string => `$${Number(amount.toPrecision(4))}`

  return {
    charge(used, said) {
      requests++
      const told = used?.inputTokens !== undefined || used?.outputTokens !== undefined
      if (!told) estimated++
      const inputTokens = used?.inputTokens ?? (told ? 0 : tokensOf(said.input))
      const outputTokens = used?.outputTokens ?? (told ? 0 : tokensOf(said.output))
      const fromCache = Math.min(inputTokens, used?.inputTokenDetails?.cacheReadTokens ?? 0)
      input += inputTokens
      output += outputTokens
      cached += fromCache
      cost += costOf(inputTokens - fromCache, fromCache, outputTokens)
    },
    exhausted(inputCharacters) {
      const left = room(inputCharacters)
      if (allowance.cost !== null && cost >= allowance.cost && cost > 0) {
        return `It has used ${dollars(cost)} of the ${dollars(allowance.cost)} that this attempt may cost.`
      }
      if (left === undefined || left > 0) return undefined
      const limits = [
        ...(allowance.tokens === null ? [] : [`${allowance.tokens} tokens`]),
        ...(allowance.cost === null ? [] : [dollars(allowance.cost)]),
      ]
      const spent = `${input + output} tokens${price ? ` for ${dollars(cost)}` : ''}`
      return `It has used ${spent}; the next request would go beyond the ${limits.join(' and ')} that this attempt may use.`
    },
    room,
    usage: () => ({ inputTokens: input, outputTokens: output, ...(price && { cost }) }),
    words() {
      const words = [`${input} tokens in`, `${output} out`, ...(price ? [dollars(cost)] : [])]
      return `${words.join(', ')}${estimated > 0 ? ' (partly estimated)' : ''}`
    },
    counts: () => ({ requests, estimated, cachedInputTokens: cached }),
  }
}
