import { canonical } from './hash.ts'
import type { Plan } from './plan.ts'

/** What distinguishes two lists of things that have keys. */
export interface Changes {
  added: string[]
  removed: string[]
  /** Those that both have, but not alike, with the names of the fields that differ. */
  changed: { key: string; fields: string[] }[]
}

/** What distinguishes two plans; every list is empty if nothing does. */
export interface PlanDiff extends Changes {
  groups: Changes
  /** Keys of the nodes that put out the session's output in one of them only. */
  outputs: { added: string[]; removed: string[] }
  /** Fields of the plan itself that differ; `nodes` and `groups`: those in both stand in another order. */
  fields: string[]
}

/** What has changed from one plan to another: added in the order of the later one, all else in that of the earlier. */
export function diffPlans(before: Plan, after: Plan): PlanDiff {
  const fields = differing(
    { ...before, nodes: orderIn(before.nodes, after.nodes), groups: orderIn(before.groups, after.groups) },
    { ...after, nodes: orderIn(after.nodes, before.nodes), groups: orderIn(after.groups, before.groups) },
  )
  return {
    ...changes(before.nodes, after.nodes),
    groups: changes(before.groups, after.groups),
    outputs: {
      added: after.outputs.filter((key) => !before.outputs.includes(key)),
      removed: before.outputs.filter((key) => !after.outputs.includes(key)),
    },
    fields,
  }
}

function changes<T extends { key: string }>(before: readonly T[], after: readonly T[]): Changes {
  const earlier = new Set(before.map(({ key }) => key))
  const later = new Map(after.map((one) => [one.key, one]))
  return {
    added: after.flatMap(({ key }) => (earlier.has(key) ? [] : [key])),
    removed: before.flatMap(({ key }) => (later.has(key) ? [] : [key])),
    changed: before.flatMap((one) => {
      const other = later.get(one.key)
      const fields = other ? differing(one, other) : []
      return fields.length > 0 ? [{ key: one.key, fields }] : []
    }),
  }
}

/** The keys of those that the other list has too, in the order of this one. */
function orderIn(these: readonly { key: string }[], others: readonly { key: string }[]): string[] {
  const known = new Set(others.map(({ key }) => key))
  return these.flatMap(({ key }) => (known.has(key) ? [key] : []))
}

/** Names of the fields that differ, sorted. A field that is not there differs from one that is null. */
function differing(a: object, b: object): string[] {
  const [before, after] = [new Map(Object.entries(a)), new Map(Object.entries(b))]
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter(
      (name) => before.has(name) !== after.has(name) || canonical(before.get(name)) !== canonical(after.get(name)),
    )
    .toSorted()
}
