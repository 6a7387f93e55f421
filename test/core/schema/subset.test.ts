/* oxlint-disable unicorn/no-thenable -- `then` is a keyword of JSON Schema. */
import { describe, expect, it } from 'vitest'
import type { Json } from '../../../src/core/json.ts'
import { misfits, schemaProblems } from '../../../src/core/schema.ts'

const TREE = (type: string, more: Json = {}): Json => ({
  type: 'object',
  properties: { value: { type }, kids: { type: 'array', items: { $ref: '#' } } },
  required: ['value'],
  additionalProperties: false,
  ...(more as object),
})
const dog = { type: 'object', properties: { kind: { const: 'dog' }, legs: { type: 'integer' } }, required: ['kind'] }
const bird = { type: 'object', properties: { kind: { const: 'bird' }, wings: { type: 'integer' } }, required: ['kind'] }

describe('what fits one schema fits another', () => {
  it.each<[output: Json, input: Json]>([
    [{}, true],
    [{ type: 'string' }, {}],
    [{ type: 'string' }, { title: 'whatever', default: 3, 'x-ours': 1 }],
    [false, { type: 'string' }],
    [{ allOf: [{ type: 'string' }, false] }, { type: 'number' }],
    [{ allOf: [{ type: 'string' }, { type: 'number' }] }, { type: 'null' }],
    [{ type: 'integer' }, { type: 'number' }],
    [{ type: ['integer', 'string'] }, { type: ['string', 'number', 'null'] }],
    [{ type: 'integer', allOf: [{ type: ['number', 'string'] }] }, { type: 'integer' }],
    [{ const: 3 }, { type: 'integer', minimum: 3, maximum: 3, multipleOf: 1.5 }],
    [{ const: null }, { type: 'null' }],
    [{ enum: ['a', 'b'] }, { enum: ['c', 'b', 'a'] }],
    [{ enum: ['aa', 'a'] }, { pattern: '^a+$' }],
    [{ type: 'boolean' }, { enum: [true, false] }],
    [{ type: ['boolean', 'null'] }, { enum: [true, null, false] }],
    [{ type: 'null' }, { const: null }],
    [{ type: 'number', minimum: 3 }, { minimum: 3 }],
    [{ type: 'number', exclusiveMinimum: 3 }, { minimum: 3 }],
    [{ type: 'number', exclusiveMinimum: 3 }, { exclusiveMinimum: 3 }],
    [{ type: 'number', minimum: 3.1 }, { exclusiveMinimum: 3 }],
    [{ type: 'number', maximum: 3 }, { maximum: 3 }],
    [{ type: 'number', exclusiveMaximum: 3 }, { maximum: 3 }],
    [{ type: 'number', exclusiveMaximum: 3 }, { exclusiveMaximum: 3 }],
    [{ type: 'number', maximum: 2.9 }, { exclusiveMaximum: 3 }],
    [{ type: 'integer' }, { multipleOf: 1 }],
    [{ multipleOf: 6 }, { multipleOf: 3 }],
    [{ multipleOf: 0.1 }, { multipleOf: 0.1 }],
    [{ type: 'string' }, { minimum: 3, minItems: 1, required: ['a'], multipleOf: 3 }],
    [
      { type: 'string', minLength: 3, maxLength: 4 },
      { minLength: 3, maxLength: 4 },
    ],
    [{}, { minLength: 0, minItems: 0, minProperties: 0 }],
    [
      { type: 'string', pattern: 'a', format: 'date' },
      { pattern: 'a', format: 'date' },
    ],
    [
      { minItems: 3, maxItems: 4, uniqueItems: true },
      { minItems: 3, maxItems: 4, uniqueItems: true },
    ],
    [{ maxItems: 1 }, { uniqueItems: true }],
    [{}, { uniqueItems: false }],
    [{ items: { type: 'integer' } }, { items: { type: 'number' } }],
    [{ prefixItems: [{ type: 'integer' }], items: false }, { items: { type: 'number' } }],
    [
      { prefixItems: [{ type: 'string' }], items: { type: 'integer' } },
      { prefixItems: [{ type: 'string' }, { type: 'number' }], items: { type: 'integer' } },
    ],
    [
      { prefixItems: [true, { type: 'string' }], items: { type: 'string' } },
      { prefixItems: [true], items: { type: 'string' } },
    ],
    [
      { maxItems: 1, items: { type: 'string' } },
      { prefixItems: [{ type: 'string' }], items: false },
    ],
    [
      { contains: { const: 1 }, minContains: 2 },
      { contains: { const: 1 }, minContains: 2 },
    ],
    [{ required: ['a', 'b'] }, { required: ['b'] }],
    [{ required: ['a', 'b'] }, { minProperties: 2 }],
    [
      { minProperties: 2, maxProperties: 3 },
      { minProperties: 2, maxProperties: 3 },
    ],
    [{ properties: { a: { type: 'integer' } } }, { properties: { a: { type: 'number' } } }],
    [{ additionalProperties: { type: 'integer' } }, { properties: { a: { type: 'number' } } }],
    [{ patternProperties: { '^a': { type: 'integer' } } }, { properties: { a: { type: 'number' } } }],
    [{ properties: { a: true }, additionalProperties: false }, { properties: { a: true, b: { type: 'number' } } }],
    [
      { properties: { a: true }, additionalProperties: false },
      { properties: { a: true }, additionalProperties: false },
    ],
    [
      { properties: { a: { type: 'integer' } }, additionalProperties: false },
      { additionalProperties: { type: 'number' } },
    ],
    [
      { properties: { a: false, b: true }, additionalProperties: false },
      { properties: { b: true }, additionalProperties: false },
    ],
    [
      { properties: { ab: true }, additionalProperties: false },
      { patternProperties: { '^a': true }, additionalProperties: false },
    ],
    [
      { patternProperties: { '^a': { type: 'integer' } }, additionalProperties: false },
      { patternProperties: { '^a': { type: 'number' } } },
    ],
    [
      { patternProperties: { '^a': { type: 'integer' } }, additionalProperties: false },
      { additionalProperties: { type: 'number' } },
    ],
    [
      { patternProperties: { '^a': { type: 'integer' } }, additionalProperties: { type: 'string' } },
      { additionalProperties: { type: ['number', 'string'] } },
    ],
    [
      { properties: { ab: { type: 'integer' } }, additionalProperties: false },
      { patternProperties: { '^a': { type: 'number' } } },
    ],
    [
      { properties: { b: { type: 'string' } }, additionalProperties: false },
      { patternProperties: { '^a': { type: 'number' } } },
    ],
    [{ propertyNames: { maxLength: 3 } }, { propertyNames: { maxLength: 3 } }],
    [{ dependentRequired: { a: ['b'] } }, { dependentRequired: { a: ['b'] } }],
    [
      { if: { const: 1 }, then: false },
      { if: { const: 1 }, then: false },
    ],
    [{ not: { const: 1 }, type: 'number' }, { not: { const: 1 } }],
    [{ type: 'string' }, { not: { type: 'number' } }],
    [{ type: 'string' }, { not: false }],
    [{ allOf: [{ minLength: 3 }, { type: 'string' }] }, { allOf: [{ type: 'string' }, { minLength: 2 }] }],
    [{ anyOf: [{ type: 'integer' }, { const: 'a' }] }, { anyOf: [{ type: 'string' }, { type: 'number' }] }],
    [{ oneOf: [{ type: 'integer' }, false] }, { type: 'number' }],
    [
      { anyOf: [{ minimum: 3 }, { minimum: 4 }], type: 'number', oneOf: [{ maximum: 5 }, { maximum: 7 }] },
      { minimum: 3, maximum: 7 },
    ],
    [{ type: ['string', 'null'] }, { anyOf: [{ type: 'string' }, { type: 'null' }] }],
    [{ type: ['number', 'null'] }, { oneOf: [{ type: 'number' }, { type: 'null' }] }],
    [dog, { oneOf: [dog, bird] }],
    [{ anyOf: [dog, bird] }, { oneOf: [bird, dog] }],
    [
      { $ref: '#/$defs/a', $defs: { a: { type: 'integer' } } },
      { $ref: '#/$defs/b', $defs: { b: { type: 'number' } } },
    ],
    [{ $defs: { a: { type: 'string' } }, items: { $ref: '#/$defs/a' } }, { items: { type: 'string' } }],
    [TREE('integer'), TREE('number')],
    [TREE('integer', { required: ['value', 'kids'] }), TREE('integer', { title: 'a tree' })],
    [{ const: { a: [1] } }, { const: { a: [1] }, title: 'same' }],
    // The other way round they are the same to the letter.
    [
      { contains: { const: 1 }, if: true, title: 'x' },
      { title: 'x', if: true, contains: { const: 1 } },
    ],
  ])('%j fits %j', (output, input) => {
    expect([schemaProblems(output), schemaProblems(input)]).toEqual([[], []])
    expect(misfits(output, input)).toEqual([])
  })

  it.each<[output: Json, input: Json, misfits: string[]]>([
    [{}, false, ['may hold something where nothing is wanted: say what it holds, and "additionalProperties": false']],
    [{}, { type: 'string' }, ['may be null, boolean, number, array, object, but string is wanted']],
    [{ type: 'number' }, { type: 'integer' }, ['may be number, but integer is wanted']],
    [{ type: ['string', 'null'] }, { type: ['string', 'number'] }, ['may be null, which does not fit']],
    [{ type: ['string', 'array'] }, { type: ['string', 'number'] }, ['may be array, but string or number is wanted']],
    [{ enum: ['a', 'b'] }, { enum: ['b'] }, ['may be "a", which does not fit']],
    [{ const: 'x'.repeat(60) }, { const: 1 }, [`may be "${'x'.repeat(59)} …, which does not fit`]],
    [{ const: 'x'.repeat(58) }, { const: 1 }, [`may be "${'x'.repeat(58)}", which does not fit`]],
    [{ type: 'boolean' }, { const: true }, ['may be false, which does not fit']],
    [
      { type: 'string' },
      { const: 'a' },
      ['may be anything else than what "const" wants: say the same keyword in both'],
    ],
    [
      { type: 'string' },
      { enum: ['a'] },
      ['may be anything else than what "enum" wants: say the same keyword in both'],
    ],
    [{ type: 'number', minimum: 2.9 }, { minimum: 3 }, ['may be less than 3']],
    [{ type: 'number', minimum: 3 }, { exclusiveMinimum: 3 }, ['may be 3 or less']],
    [{ type: 'number', exclusiveMinimum: 2.9 }, { exclusiveMinimum: 3 }, ['may be 3 or less']],
    [{ type: 'number', maximum: 3.1 }, { maximum: 3 }, ['may be more than 3']],
    [{ type: 'number', maximum: 3 }, { exclusiveMaximum: 3 }, ['may be 3 or more']],
    [{ type: 'number', exclusiveMaximum: 3.1 }, { exclusiveMaximum: 3 }, ['may be 3 or more']],
    [{ type: 'number' }, { multipleOf: 1 }, ['may be no multiple of 1']],
    [{ type: 'integer' }, { multipleOf: 2 }, ['may be no multiple of 2']],
    [{ type: 'number', multipleOf: 3 }, { multipleOf: 6 }, ['may be no multiple of 6']],
    [{ type: 'number', multipleOf: 1.5 }, { multipleOf: 0.5 }, ['may be no multiple of 0.5']],
    [{ type: 'number', multipleOf: 3 }, { multipleOf: 1.5 }, ['may be no multiple of 1.5']],
    [{ type: 'string', minLength: 2 }, { minLength: 3 }, ['may have less than "minLength": 3']],
    [{ type: 'string', maxLength: 4 }, { maxLength: 3 }, ['may have more than "maxLength": 3']],
    [
      { type: 'string', pattern: 'a' },
      { pattern: 'b' },
      ['cannot tell whether "pattern" holds: say the same keyword in both'],
    ],
    [{ type: 'string' }, { format: 'date' }, ['cannot tell whether "format" holds: say the same keyword in both']],
    [{ type: 'array', minItems: 2 }, { minItems: 3 }, ['may have less than "minItems": 3']],
    [{ type: 'array', maxItems: 2 }, { uniqueItems: true }, ['its items may be equal: put "uniqueItems" into both']],
    [
      { type: 'array', uniqueItems: false },
      { uniqueItems: true },
      ['its items may be equal: put "uniqueItems" into both'],
    ],
    [
      { type: 'array', items: { type: 'string' } },
      { items: { type: 'number' } },
      ['/*: may be string, but number is wanted'],
    ],
    [
      { type: 'array', prefixItems: [true, { type: 'string' }], items: { type: 'number' } },
      { prefixItems: [true], items: { type: 'number' } },
      ['/1: may be string, but number is wanted'],
    ],
    [
      { type: 'array', maxItems: 2 },
      { prefixItems: [true, { type: 'null' }] },
      ['/1: may be boolean, number, string, array, object, but null is wanted'],
    ],
    [
      { type: 'array', contains: { const: 1 }, minContains: 2 },
      { contains: { const: 1 } },
      ['cannot tell whether "contains" holds: say the same keyword in both'],
    ],
    [
      { type: 'array', contains: { $ref: '#/$defs/a' }, $defs: { a: { const: 1 } } },
      { contains: { $ref: '#/$defs/a' }, $defs: { a: { const: 2 } } },
      ['cannot tell whether "contains" holds: say the same keyword in both'],
    ],
    [
      { type: 'object', required: ['a'] },
      { required: ['a', 'b'] },
      ['"b" is wanted but may be missing: put it into "required"'],
    ],
    [{ type: 'object', required: ['a'] }, { minProperties: 2 }, ['may have less than "minProperties": 2']],
    [{ type: 'object', maxProperties: 3 }, { maxProperties: 2 }, ['may have more than "maxProperties": 2']],
    [
      { type: 'object', properties: { 'a/b': { properties: { c: { type: 'string' } }, type: 'object' } } },
      { properties: { 'a/b': { properties: { c: { type: 'number' } } } } },
      ['/a~1b/c: may be string, but number is wanted'],
    ],
    [
      { type: 'object', properties: { a: { type: 'string' } } },
      { properties: { a: { type: 'string' } }, additionalProperties: false },
      ['/*: may hold something where nothing is wanted: say what it holds, and "additionalProperties": false'],
    ],
    [
      { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: false },
      { additionalProperties: { type: 'number' } },
      ['/a: may be string, but number is wanted'],
    ],
    [
      { type: 'object', patternProperties: { '^a': { type: 'string' } }, additionalProperties: false },
      { properties: { ab: { type: 'number' } } },
      ['/ab: may be string, but number is wanted'],
    ],
    [
      { type: 'object', patternProperties: { '^a': { type: 'string' } } },
      { patternProperties: { '^ab': { type: 'string' } } },
      ['/*: may be null, boolean, number, array, object, but string is wanted'],
    ],
    [
      { type: 'object', properties: { ab: { type: 'string' } }, additionalProperties: false },
      { patternProperties: { '^a': { type: 'number' } } },
      ['/ab: may be string, but number is wanted'],
    ],
    [
      { type: 'object' },
      { propertyNames: { maxLength: 3 } },
      ['cannot tell whether "propertyNames" holds: say the same keyword in both'],
    ],
    [
      { type: 'object' },
      { dependentSchemas: { a: true } },
      ['cannot tell whether "dependentSchemas" holds: say the same keyword in both'],
    ],
    [
      { type: 'string' },
      { not: { type: 'string' } },
      ['cannot tell whether "not" holds: say the same keyword in both'],
    ],
    [
      dog,
      { not: bird, type: 'object', properties: { legs: { type: 'string' } } },
      ['/legs: may be integer, but string is wanted'],
    ],
    [
      { type: 'string', if: { const: 'a' }, then: true },
      { if: { const: 'a' }, then: false },
      ['cannot tell whether "if" holds: say the same keyword in both'],
    ],
    [
      { type: 'number' },
      { anyOf: [{ type: 'string' }, { type: 'integer' }] },
      ['cannot tell whether it fits any of the alternatives of "anyOf"'],
    ],
    [
      { type: 'integer' },
      { oneOf: [{ type: 'number' }, { type: 'integer' }] },
      ['cannot tell whether it fits exactly one of the alternatives of "oneOf"'],
    ],
    [
      { type: 'integer' },
      { oneOf: [true, true] },
      ['cannot tell whether it fits exactly one of the alternatives of "oneOf"'],
    ],
    [
      { ...dog, required: [] },
      { oneOf: [dog, bird] },
      ['cannot tell whether it fits exactly one of the alternatives of "oneOf"'],
    ],
    [
      { type: 'object', properties: { kind: { const: [1] } }, required: ['kind'] },
      { oneOf: [{ type: 'object' }, { properties: { kind: { const: [2] } } }] },
      ['cannot tell whether it fits exactly one of the alternatives of "oneOf"'],
    ],
    [
      { type: 'object', properties: { kind: { type: 'string' } }, required: ['kind'] },
      { oneOf: [{ type: 'object' }, { properties: { kind: { const: 'a' } } }] },
      ['cannot tell whether it fits exactly one of the alternatives of "oneOf"'],
    ],
    [
      { type: 'object', properties: { kind: false }, required: ['kind'] },
      { oneOf: [{ type: 'object' }, { properties: { kind: { const: 'a' } } }] },
      ['cannot tell whether it fits exactly one of the alternatives of "oneOf"'],
    ],
    [
      { anyOf: [{ type: 'integer' }, { type: 'string' }] },
      { type: 'integer' },
      ['may be string, but integer is wanted'],
    ],
    [
      TREE('number'),
      TREE('integer'),
      ['/value: may be number, but integer is wanted', '/kids/*/value: may be number, but integer is wanted'],
    ],
  ])('%j may not fit %j', (output, input, sentences) => {
    expect([schemaProblems(output), schemaProblems(input)]).toEqual([[], []])
    expect(misfits(output, input)).toEqual(sentences)
  })

  it('in at most ten sentences, each of them once', () => {
    const properties = Object.fromEntries(Array.from({ length: 11 }, (_, at) => [`p${at}`, { type: 'number' }]))
    expect(misfits({ type: 'object' }, { properties, required: ['p0'] })).toHaveLength(10)
    expect(misfits({ type: 'string' }, { allOf: [{ minLength: 1 }, { minLength: 1 }] })).toHaveLength(1)
  })

  it('is given up when the schemas are too complicated', () => {
    const bomb = (type: string): Json => ({
      $ref: '#/$defs/d0',
      $defs: {
        ...Object.fromEntries(
          Array.from({ length: 40 }, (_, at) => {
            const next = { $ref: `#/$defs/d${at + 1}` }
            return [`d${at}`, { anyOf: [next, next] }]
          }),
        ),
        d40: { type },
      },
    })
    const given = 'cannot tell whether it fits: the schemas are too complicated'
    expect(misfits(bomb('string'), { type: 'string' })).toEqual([given])
    expect(misfits({ type: 'string' }, bomb('number'))).toEqual([
      'cannot tell whether it fits any of the alternatives of "anyOf"',
    ])
    const all = JSON.parse(JSON.stringify(bomb('number')).replaceAll('anyOf', 'allOf')) as Json
    expect(misfits({ type: 'string' }, all)).toContain(given)
    expect(misfits(all, { type: 'string' })).toEqual(['may be number, but string is wanted'])
  })
})
