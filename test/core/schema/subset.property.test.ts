import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Json } from '../../../src/core/json.ts'
import { mismatches, misfits, schemaProblems } from '../../../src/core/schema.ts'
import '../seed.ts'

describe('schemas that fit each other', () => {
  const scalar = fc.constantFrom<Json>(null, true, 0, 1, 2, 1.5, 4, '', 'a', 'ab')
  const value = fc.letrec<{ value: Json }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 2, depthSize: 'small' },
      scalar,
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('a', 'b', 'kind'), tie('value'), { maxKeys: 3 }),
    ),
  })).value
  const type = fc.constantFrom('null', 'boolean', 'integer', 'number', 'string', 'array', 'object')
  const count = fc.integer({ min: 0, max: 3 })
  const { schema } = fc.letrec<{ schema: Json }>((tie) => {
    const some = fc.array(tie('schema'), { minLength: 1, maxLength: 2 })
    const map = fc.dictionary(fc.constantFrom('a', 'b', 'kind'), tie('schema'), { maxKeys: 2 })
    const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'kind'), { maxLength: 2 })
    const keyword = fc.oneof(
      fc.record({ type: fc.oneof(type, fc.uniqueArray(type, { minLength: 1, maxLength: 3 })) }),
      fc.record({ type }),
      fc.oneof(fc.record({ const: scalar }), fc.record({ enum: fc.array(scalar, { minLength: 1, maxLength: 3 }) })),
      fc.record({ minimum: count }),
      fc.record({ maximum: count }),
      fc.record({ exclusiveMinimum: count }),
      fc.record({ exclusiveMaximum: count }),
      fc.record({ multipleOf: fc.constantFrom(0.5, 1, 2, 4) }),
      fc.record({ minLength: count }),
      fc.record({ maxLength: count }),
      fc.record({ minItems: count }),
      fc.record({ maxItems: count }),
      fc.record({ uniqueItems: fc.boolean() }),
      fc.record({ items: tie('schema') }),
      fc.record({ prefixItems: some }),
      fc.record({ contains: tie('schema') }),
      fc.record({ required: names }),
      fc.record({ minProperties: count }),
      fc.record({ maxProperties: count }),
      fc.record({ properties: map }),
      fc.record({ patternProperties: fc.dictionary(fc.constantFrom('^a', '^[ab]'), tie('schema'), { maxKeys: 2 }) }),
      fc.record({ additionalProperties: tie('schema') }),
      fc.record({ allOf: some }),
      fc.record({ anyOf: some }),
      fc.record({ oneOf: some }),
      fc.record({ not: tie('schema') }),
      fc.record({ $ref: fc.constantFrom('#/$defs/one', '#/$defs/two') }),
    )
    return {
      schema: fc.oneof(
        { maxDepth: 3, depthSize: 'small' },
        fc.boolean(),
        fc.array(keyword, { maxLength: 3 }).map((all) => Object.assign({}, ...all) as Json),
      ),
    }
  })
  const document = fc.tuple(schema, schema, schema).map(([root, one, two]): Json => {
    return typeof root === 'object' ? { ...(root as object), $defs: { one, two } } : root
  })
  /** A document, and one that is like it but for one keyword or so; or two that have nothing to do with each other. */
  const pairs = fc.oneof(
    fc.tuple(document, document),
    fc
      .tuple(document, schema)
      .map(([one, more]): [Json, Json] =>
        typeof one === 'object' && typeof more === 'object'
          ? [{ ...(more as object), ...(one as object) }, one]
          : [one, more],
      ),
    fc.tuple(document, schema).map(([one, more]): [Json, Json] =>
      typeof one === 'object'
        ? [
            { ...(one as object), allOf: [more] },
            { ...(one as object), title: 'x' },
          ]
        : [one, more],
    ),
  )

  it('do so for every value', () => {
    let tried = 0
    let useful = 0
    fc.assert(
      fc.property(pairs, fc.array(value, { minLength: 20, maxLength: 20 }), ([output, input], values) => {
        fc.pre(schemaProblems(output).length === 0 && schemaProblems(input).length === 0)
        if (misfits(output, input).length > 0) return
        tried++
        for (const one of values) {
          if (mismatches(one, output).length > 0) continue
          useful++
          expect([one, mismatches(one, input)]).toEqual([one, []])
        }
      }),
      { numRuns: 500 },
    )
    expect(tried).toBeGreaterThan(50)
    expect(useful).toBeGreaterThan(250)
  })
})
