import { canonical } from './hash.ts'
import type { Json } from './json.ts'
import { checkerOf } from './schema/checker.ts'
import { documentOf, documentProblems, type Schema } from './schema/document.ts'
import { subsetOf } from './schema/subset.ts'

/** Sentences that one answer has at most. */
const MAX_SENTENCES = 10

/**
 * Why a value is no JSON Schema (draft 2020-12) that can be checked for certain and in a bounded time (E44); empty:
 * it is one. Keywords that are not checked, references to elsewhere and regular expressions that could hang are problems.
 */
export function schemaProblems(schema: Json): string[] {
  return documentProblems(schema).slice(0, MAX_SENTENCES)
}

/**
 * Why a value does not fit a schema, at most 10 sentences with JSON pointers; empty: it fits. Never throws.
 *
 * @param schema one without `schemaProblems`
 */
export function mismatches(value: Json, schema: Json): string[] {
  const document = documentOf(schema as Schema)
  return checkerOf(document)(value, document.root)
}

/**
 * Why a value that fits the schema `output` may not fit the schema `input`, at most 10 sentences with JSON pointers;
 * empty: every one that fits the first fits the second. Where it cannot tell, it says so.
 *
 * @param output one without `schemaProblems`, like `input`
 */
export function misfits(output: Json, input: Json): string[] {
  if (canonical(output) === canonical(input)) return []
  const found = subsetOf(documentOf(output as Schema), documentOf(input as Schema))
  return [...new Set(found)].slice(0, MAX_SENTENCES)
}
