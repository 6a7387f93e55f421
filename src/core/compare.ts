/** What came of one node in a session, at a checkpoint or at the end. */
export interface Outcome {
  status: string
  /** SHA-256 of its output. */
  outputHash?: string
  summary?: string
  agentId?: string
}

/** Outcomes by the key of their node. */
export type Outcomes = Readonly<Record<string, Outcome>>

export interface Comparison {
  /** Keys of nodes that came out alike. */
  same: string[]
  /** Those that did not, with the names of the fields that differ. */
  different: { key: string; fields: (keyof Outcome)[] }[]
  onlyInA: string[]
  onlyInB: string[]
}

const FIELDS = ['status', 'outputHash', 'summary', 'agentId'] as const

/** Holds two sessions against each other, node by node, in the order of the first, then of the second. */
export function compareSessions(a: Outcomes, b: Outcomes): Comparison {
  const comparison: Comparison = {
    same: [],
    different: [],
    onlyInA: [],
    onlyInB: Object.keys(b).filter((key) => !Object.hasOwn(a, key)),
  }
  for (const [key, one] of Object.entries(a)) {
    if (!Object.hasOwn(b, key)) {
      comparison.onlyInA.push(key)
      continue
    }
    const fields = FIELDS.filter((field) => one[field] !== b[key]?.[field])
    if (fields.length > 0) comparison.different.push({ key, fields })
    else comparison.same.push(key)
  }
  return comparison
}
