import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'

/** Chance that can be had again: the same seed draws the same. */
export interface Random {
  /** A whole number in 0..n-1. */
  below(n: number): number
  /** A whole number from..to, both included. */
  between(from: number, to: number): number
  /** True so often: 0 never, 1 always. */
  chance(probability: number): boolean
  /** In [0, 1). */
  fraction(): number
  pick<T>(among: readonly T[]): T
  /** One of the keys, each as often as its weight says. */
  weigh<K extends string>(weights: Readonly<Record<K, number>>): K
  /** Chance of its own for something with a name, whatever has been drawn before. */
  apart(name: string): Random
}

export function randomOf(seed: number): Random {
  // Seeds that follow each other would begin alike.
  const generator = xoroshiro128plus(mixed(seed))
  const fraction = (): number => (generator.next() >>> 0) / 0x1_0000_0000
  const below = (n: number): number => Math.floor(fraction() * n)
  return {
    below,
    fraction,
    between: (from, to) => from + below(to - from + 1),
    chance: (probability) => fraction() < probability,
    pick: <T>(among: readonly T[]) => among[below(among.length)] as T,
    weigh<K extends string>(weights: Readonly<Record<K, number>>) {
      const entries = Object.entries(weights) as [K, number][]
      let left = fraction() * entries.reduce((sum, [, weight]) => sum + weight, 0)
      for (const [key, weight] of entries) {
        left -= weight
        if (left < 0) return key
      }
      return (entries.at(-1) as [K, number])[0]
    },
    apart: (name) => randomOf(seedOf(`${seed} ${name}`)),
  }
}

/** FNV-1a, 32 bits (Fowler, Noll, Vo: "The FNV Non-Cryptographic Hash Algorithm"). */
function seedOf(name: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193)
  return hash | 0
}

/** The finalizer of MurmurHash3 (Austin Appleby). */
function mixed(seed: number): number {
  let hash = seed | 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
