/* oxlint-disable unicorn/no-thenable -- `then` is a keyword of JSON Schema. */
import { describe, expect, it } from 'vitest'
import type { Json } from '../../src/core/json.ts'
import { mismatches, schemaProblems } from '../../src/core/schema.ts'
import { deepFreeze } from './sessions.ts'

const DIALECT = 'https://json-schema.org/draft/2020-12/schema'

/** A value in so many lists. */
function nested(levels: number): Json {
  return Array.from({ length: levels }).reduce<Json>((inner) => [inner], 1)
}

describe('a schema', () => {
  it.each<Json>([
    true,
    false,
    {},
    { $schema: DIALECT, title: 'a', description: 'b', $comment: 'c', default: {}, examples: [{ type: 'x' }] },
    { $schema: `${DIALECT}#`, deprecated: true, readOnly: true, writeOnly: false, 'x-ours': { type: 'no type' } },
    { contentEncoding: 'base64', contentMediaType: 'image/png', contentSchema: { whatever: true } },
    { type: 'integer', minimum: -1.5, maximum: 2, exclusiveMinimum: 0, exclusiveMaximum: 3, multipleOf: 0.000001 },
    { type: ['string', 'null'], minLength: 0, maxLength: 5, pattern: '^a+$', format: 'date-time' },
    { type: 'array', prefixItems: [true, {}], items: false, contains: {}, minContains: 0, maxContains: 3 },
    { minItems: 0, maxItems: 3, uniqueItems: true, minProperties: 0, maxProperties: 3 },
    { properties: { a: true, constructor: {} }, patternProperties: { '^x-': {} }, additionalProperties: false },
    {
      required: ['a', 'b'],
      propertyNames: { maxLength: 3 },
      dependentRequired: { a: ['b'] },
      dependentSchemas: { a: {} },
    },
    { allOf: [{}], anyOf: [true], oneOf: [false], not: {}, if: {}, then: {}, else: {} },
    { const: null, enum: [null, {}, []] },
    { $defs: { a: {} }, definitions: { b: {} }, allOf: [{ $ref: '#/$defs/a' }, { $ref: '#/definitions/b' }] },
    { properties: { kids: { items: { $ref: '#' } } } },
    { $defs: { 'a/b~c d': {} }, $ref: '#/$defs/a~1b~0c%20d' },
    {
      properties: {
        a: { $ref: '#/properties/b' },
        b: { anyOf: [{ type: 'null' }, { $ref: '#/properties/c' }] },
        c: {},
      },
    },
  ])('can be checked: %j', (schema) => {
    expect(schemaProblems(schema)).toEqual([])
  })

  it.each<[Json, string]>([
    [null, 'the schema must be a schema: an object, true or false'],
    [[], 'the schema must be a schema: an object, true or false'],
    ['string', 'the schema must be a schema: an object, true or false'],
    [{ requried: [] }, '"requried" is no keyword that is checked'],
    [{ toString: 1 }, '"toString" is no keyword that is checked'],
    [{ $id: 'a' }, '"$id" is no keyword that is checked'],
    [{ $dynamicRef: '#a' }, '"$dynamicRef" is no keyword that is checked'],
    [{ $recursiveAnchor: true }, '"$recursiveAnchor" is no keyword that is checked'],
    [{ unevaluatedProperties: false }, '"unevaluatedProperties" is no keyword that is checked'],
    [{ $schema: 'http://json-schema.org/draft-07/schema#' }, `"$schema" must be ${DIALECT}, if it is there`],
    [{ type: 'int' }, '"type" must be one or several of null, boolean, integer, number, string, array, object'],
    [{ items: [{}] }, '"items" must be a schema: an object, true or false'],
    [{ allOf: [] }, '"allOf" must be a list of one or more schemas'],
    [{ anyOf: [1] }, '"anyOf" must be a list of one or more schemas'],
    [{ oneOf: {} }, '"oneOf" must be a list of one or more schemas'],
    [{ properties: [] }, '"properties" must be an object of schemas'],
    [{ properties: { a: null } }, '"properties" must be an object of schemas'],
    [{ enum: [] }, '"enum" must be a list of one or more values'],
    [{ enum: {} }, '"enum" must be a list of one or more values'],
    [{ minimum: '1' }, '"minimum" must be a number'],
    [{ multipleOf: 0 }, '"multipleOf" must be a number from 0.000001'],
    [{ multipleOf: 0.0000009 }, '"multipleOf" must be a number from 0.000001'],
    [{ multipleOf: '1' }, '"multipleOf" must be a number from 0.000001'],
    [{ minLength: -1 }, '"minLength" must be a whole number from 0'],
    [{ maxItems: 1.5 }, '"maxItems" must be a whole number from 0'],
    [{ uniqueItems: 1 }, '"uniqueItems" must be true or false'],
    [{ pattern: 1 }, '"pattern" must be a regular expression'],
    [{ required: 'a' }, '"required" must be a list of different names'],
    [{ required: ['a', 'a'] }, '"required" must be a list of different names'],
    [{ required: [1] }, '"required" must be a list of different names'],
    [{ dependentRequired: { a: 'b' } }, '"dependentRequired" must be an object of lists of different names'],
    [{ dependentRequired: [] }, '"dependentRequired" must be an object of lists of different names'],
    [{ $ref: 'other.json' }, '"$ref" must be a reference into the same schema: #, or # and a JSON pointer'],
    [{ $ref: '#anchor' }, '"$ref" must be a reference into the same schema: #, or # and a JSON pointer'],
    [{ $ref: 1 }, '"$ref" must be a reference into the same schema: #, or # and a JSON pointer'],
    [{ $ref: '#/$defs/a' }, 'there is no schema at "#/$defs/a"'],
    [{ $ref: '#/%' }, 'there is no schema at "#/%"'],
    [{ items: { $ref: '#/enum/0' }, enum: [{}] }, '/items: there is no schema at "#/enum/0"'],
    [
      { properties: { 'a/b': { items: { type: 1 } } } },
      '/properties/a~1b/items: "type" must be one or several of null, boolean, integer, number, string, array, object',
    ],
    [{ pattern: '[' }, '"[" is no regular expression'],
    [{ items: { patternProperties: { '(': true } } }, '/items: "(" is no regular expression'],
    [
      { propertyNames: { pattern: '(a+)+$' } },
      '/propertyNames: "(a+)+$" could take very long: begin it with ^, and let what repeats differ from what follows it',
    ],
  ])('cannot be checked: %j', (schema, problem) => {
    expect(schemaProblems(schema)).toEqual([problem])
  })

  it.each([[['type', 'null']], [[]], [['null', 'null']], [{}], ['constructor']])('has no type %j', (type) => {
    expect(schemaProblems({ type })).toHaveLength(1)
  })

  it('has formats that are checked', () => {
    expect(schemaProblems({ format: 'uuid' })).toEqual([])
    expect(schemaProblems({ format: 'url' })[0]).toMatch(/^"format" must be one of date-time, .*regex$/)
    expect(schemaProblems({ format: 'toString' })).toHaveLength(1)
  })

  it.each<Json>([
    { $ref: '#' },
    { allOf: [{ $ref: '#' }] },
    { anyOf: [{ type: 'null' }, { $ref: '#' }] },
    { oneOf: [{ not: { $ref: '#' } }] },
    { if: { $ref: '#' } },
    { then: { $ref: '#' } },
    { else: { $ref: '#' } },
    { dependentSchemas: { a: { $ref: '#' } } },
    { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } },
  ])('does not lead back to itself: %j', (schema) => {
    expect(schemaProblems(schema)[0]).toMatch(/"#.*" leads back to itself without going deeper into the value$/)
  })

  it('is not too deep', () => {
    expect(schemaProblems({ const: nested(99) })).toEqual([])
    expect(schemaProblems({ const: nested(100) })).toEqual(['the schema is nested deeper than 100 levels'])
    expect(schemaProblems(nested(100_000))).toEqual(['the schema is nested deeper than 100 levels'])
  })

  it('is not too long', () => {
    const long = (characters: number): Json => ({ title: 'x'.repeat(characters - '{"title":""}'.length) })
    expect(schemaProblems(long(100_000))).toEqual([])
    expect(schemaProblems(long(100_001))).toEqual(['the schema has 100001 characters: it may have at most 100000'])
  })

  it('has not too many regular expressions and references', () => {
    const patterns = (many: number): Json => ({
      pattern: 'a',
      patternProperties: Object.fromEntries(Array.from({ length: many - 1 }, (_, at) => [`^${at}`, {}])),
    })
    expect(schemaProblems(patterns(20))).toEqual([])
    expect(schemaProblems(patterns(21))).toEqual(['the schema has 21 regular expressions: it may have at most 20'])
    const references = (many: number): Json => ({
      $defs: { a: {} },
      anyOf: Array.from({ length: many }, () => ({ $ref: '#/$defs/a' })),
    })
    expect(schemaProblems(references(500))).toEqual([])
    expect(schemaProblems(references(501))).toEqual(['the schema has 501 references: it may have at most 500'])
  })

  it('is told at most ten problems', () => {
    const properties = Object.fromEntries(Array.from({ length: 11 }, (_, at) => [`p${at}`, { type: 1 }]))
    expect(schemaProblems({ properties })).toHaveLength(10)
  })
})

describe('a value', () => {
  it.each<[schema: Json, fits: Json[], doesNot: Json[]]>([
    [true, [null, {}], []],
    [false, [], [null, {}]],
    [{ type: 'integer' }, [1, 1.0, -3], [1.5, '1', null]],
    [{ type: ['string', 'null'] }, ['', null], [1, {}, []]],
    [{ type: 'object' }, [{}], [[], null]],
    [{ const: null }, [null], [false, 0, '', {}]],
    [{ const: [] }, [[]], [{}, [[]], null]],
    [{ const: {} }, [{}], [[], { a: 1 }, null]],
    [{ const: { a: [{ b: 1 }] } }, [{ a: [{ b: 1 }] }], [{ a: [{ b: 2 }] }, { a: { 0: { b: 1 } } }, { a: [] }, {}]],
    [{ const: [1, [2]] }, [[1, [2]]], [[1], [1, [2], 3], [1, [3]]]],
    [{ enum: [1, 'a', null] }, [1, 'a', null], [2, '1', false]],
    [{ enum: [[1], {}, 'a'] }, [[1], {}, 'a'], [[], [2], { 0: 1 }, 'b']],
    [{ const: 1, allOf: [{ type: 'number' }] }, [1], [2]],
    [{ const: 1, enum: [1, 2] }, [1], [2]],
    [{ minimum: 1, exclusiveMaximum: 3 }, [1, 2.9, 'a'], [0.9, 3]],
    [{ exclusiveMinimum: 1, maximum: 3 }, [1.1, 3], [1, 3.1]],
    [{ multipleOf: 0.1 }, [0.3, 7], [0.35]],
    [{ minLength: 1, maxLength: 2 }, ['🎼🎼', 'a', 1], ['', 'abc']],
    [{ pattern: '^a+$' }, ['aa', 1], ['ab', '']],
    [{ format: 'date' }, ['2026-02-28', 1], ['2026-02-29', 'today']],
    [{ minItems: 1, maxItems: 2 }, [[1], [1, 2], 'x'], [[], [1, 2, 3]]],
    [
      { uniqueItems: true },
      [
        [1, 2],
        [{ a: 1 }, { a: 2 }],
      ],
      [
        [1, 1],
        [{ a: 1 }, { a: 1 }],
      ],
    ],
    [{ prefixItems: [{ type: 'string' }], items: { type: 'number' } }, [['a', 1, 2], ['a'], []], [[1], ['a', 'b']]],
    [{ prefixItems: [true], items: false }, [[], [1]], [[1, 2]]],
    [{ contains: { type: 'number' } }, [['a', 1]], [[], ['a']]],
    [{ contains: { type: 'number' }, maxContains: 1 }, [['a', 1]], [[], ['a'], [1, 2]]],
    [{ contains: { type: 'number' }, minContains: 0, maxContains: 1 }, [[], ['a'], [1]], [[1, 2]]],
    [{ contains: { type: 'number' }, minContains: 2 }, [[1, 2]], [[1], [1, 'a']]],
    [{ required: ['a'] }, [{ a: null }, 'x'], [{}, { b: 1 }]],
    [
      { required: ['toString', '__proto__'] },
      [JSON.parse('{"toString":1,"__proto__":1}') as Json],
      [{}, { toString: 1 }],
    ],
    [{ properties: { constructor: { type: 'number' } } }, [{}, { constructor: 1 }], [{ constructor: 'a' }]],
    [
      JSON.parse('{"properties":{"__proto__":{"type":"number"}}}') as Json,
      [{}, JSON.parse('{"__proto__":1}') as Json],
      [JSON.parse('{"__proto__":"a"}') as Json],
    ],
    [{ dependentRequired: { toString: ['a'] } }, [{}], [{ toString: 1 }]],
    [
      {
        properties: { a: { type: 'number' } },
        patternProperties: { '^b': { type: 'string' } },
        additionalProperties: false,
      },
      [{}, { a: 1, b: 'x', bb: 'y' }],
      [{ a: '1' }, { b: 1 }, { c: 1 }],
    ],
    [{ additionalProperties: { type: 'number' } }, [{ a: 1 }], [{ a: 'x' }]],
    [{ allOf: [{ minimum: 1 }], properties: { a: true }, additionalProperties: false }, [1, { a: 1 }], [0, { b: 1 }]],
    [{ propertyNames: { maxLength: 2 } }, [{ ab: 1 }], [{ abc: 1 }]],
    [{ minProperties: 1, maxProperties: 1 }, [{ a: 1 }], [{}, { a: 1, b: 2 }]],
    [
      { dependentRequired: { a: ['b'] }, dependentSchemas: { c: { required: ['d'] } } },
      [
        { a: 1, b: 1 },
        { c: 1, d: 1 },
      ],
      [{ a: 1 }, { c: 1 }],
    ],
    [{ anyOf: [{ type: 'string' }, { minimum: 3 }] }, ['a', 3], [2]],
    [{ oneOf: [{ multipleOf: 2 }, { multipleOf: 3 }] }, [2, 3], [6, 1]],
    [{ not: { type: 'string' } }, [1], ['a']],
    [{ if: { type: 'string' }, then: { minLength: 1 }, else: { type: 'number' } }, ['a', 1], ['', null]],
    [{ $defs: { a: { type: 'string' } }, $ref: '#/$defs/a', minLength: 1 }, ['a'], ['', 1]],
    [
      {
        type: 'object',
        properties: { kids: { type: 'array', items: { $ref: '#' } } },
        required: ['kids'],
        additionalProperties: false,
      },
      [{ kids: [] }, { kids: [{ kids: [] }] }],
      [{ kids: [{}] }, { kids: [{ kids: [1] }] }],
    ],
    [{ properties: { $ref: { $ref: '#/$defs/a%20b' } }, $defs: { 'a b': { const: 1 } } }, [{ $ref: 1 }], [{ $ref: 2 }]],
  ])('fits %j, or does not', (schema, fits, doesNot) => {
    deepFreeze(schema)
    expect(schemaProblems(schema)).toEqual([])
    for (const value of fits) expect([value, mismatches(deepFreeze(value), schema)]).toEqual([value, []])
    for (const value of doesNot)
      expect([value, mismatches(deepFreeze(value), schema).length > 0]).toEqual([value, true])
  })

  it.each<[value: Json, schema: Json, sentences: string[]]>([
    ['a', { type: 'number' }, ['Instance type "string" is invalid. Expected "number".']],
    [
      { a: [1, 'b'] },
      { properties: { a: { items: { type: 'number' } } } },
      ['/a/1: Instance type "string" is invalid. Expected "number".'],
    ],
    [{ 'a/b~c d%25é': 1 }, { additionalProperties: false }, ['/a~1b~0c d%25é: Nothing may stand here.']],
    [
      { a: 'x', b: 1 },
      { properties: { a: { type: 'number' } }, additionalProperties: false },
      ['/a: Instance type "string" is invalid. Expected "number".', '/b: Nothing may stand here.'],
    ],
    [{ a: 1 }, { maxProperties: 0 }, ['Instance has too many properties.']],
    [
      {},
      { required: ['a', 'b'] },
      ['Instance does not have required property "a".', 'Instance does not have required property "b".'],
    ],
    ['a', { if: true, then: false }, ['Nothing may stand here.']],
    ['', { allOf: [{ $ref: '#/$defs/a' }], $defs: { a: { minLength: 1 } } }, ['String is too short (0 < 1).']],
  ])('that does not fit is told where and why: %j', (value, schema, sentences) => {
    expect(mismatches(value, schema)).toEqual(sentences)
  })

  it('is told ten things at most, each of a bearable length', () => {
    expect(
      mismatches(
        Array.from({ length: 11 }, () => 'x'),
        { items: false },
      ),
    ).toHaveLength(10)
    const [long] = mismatches('x', { const: 'y'.repeat(1_000) })
    expect(long).toMatch(/^Instance does not match "y{275} …$/)
    const [exact] = mismatches('x', { const: 'y'.repeat(273) })
    expect(exact).toBe(`Instance does not match "${'y'.repeat(273)}".`)
  })

  it('is not looked into when it is too deep', () => {
    expect(mismatches(nested(100), true)).toEqual([])
    expect(mismatches(nested(101), true)).toEqual(['the value is nested deeper than 100 levels'])
  })

  it('is told the first thing that is wrong if all would be too much', () => {
    const many = Array.from({ length: 130_000 }, () => 'x')
    const told = mismatches({ a: many }, { properties: { a: { items: { type: 'number' } } } })
    // How much is too much depends on the room on the stack.
    expect(told[0]).toBe('/a/0: Instance type "string" is invalid. Expected "number".')
  })

  it('is given up when it takes too long', () => {
    const levels = Array.from({ length: 60 }, (_, at) => {
      const next = { $ref: `#/$defs/d${at + 1}` }
      return [`d${at}`, { allOf: [next, next] }]
    })
    const bomb = { $ref: '#/$defs/d0', $defs: { ...Object.fromEntries(levels), d60: { type: 'string' } } } as Json
    expect(schemaProblems(bomb)).toEqual([])
    expect(mismatches('x', bomb)).toEqual(['the value cannot be checked: that takes more than 500000 steps'])
  })

  it('is given up when long lists are compared with long enumerations', () => {
    const values = Array.from({ length: 10_000 }, (_, at) => at)
    const list = (length: number): Json => Array.from({ length }, () => 9_999)
    expect(mismatches(list(996), { items: { enum: values } })).toEqual([])
    expect(mismatches(list(997), { items: { enum: values } })).toEqual([
      'the value cannot be checked: that takes more than 500000 steps',
    ])
  })

  it('has bearable texts where a regular expression may take their square', () => {
    const text = 'x'.repeat(31_622)
    expect(mismatches({ a: text }, { properties: { a: { pattern: '[^x]+y' } } })).toEqual([
      '/a: String does not match pattern.',
    ])
    const tooLong = ['the value cannot be checked: its texts are too long for "pattern"']
    expect(mismatches({ a: `${text}x` }, { properties: { a: { pattern: '[^x]+y' } } })).toEqual(tooLong)
    expect(mismatches({ [`${text}x`]: 1 }, { patternProperties: { '[^x]+y': false } })).toEqual(tooLong)
    expect(mismatches([text, 'x'.repeat(300)], { pattern: 'x+' })).toEqual(tooLong)
    expect(mismatches(`${text}x`, { pattern: '^x+$', patternProperties: { '^a': true } })).toEqual([])
  })

  it('has lists of a bearable length where no two items may be equal', () => {
    const list = (length: number): Json => [Array.from({ length }, (_, at) => at)]
    const schema = { items: { uniqueItems: true } }
    expect(mismatches(list(1_000), schema)).toEqual([])
    expect(mismatches(list(1_001), schema)).toEqual([
      'the value cannot be checked: "uniqueItems" compares at most 1000 items, one list has 1001',
    ])
    expect(mismatches(list(1_001), { items: { uniqueItems: false } })).toEqual([])
  })

  it('that no pointer can name is told so', () => {
    expect(mismatches({ '\uD800': 1 }, { additionalProperties: false })).toEqual([
      'the value cannot be checked: URI malformed',
    ])
  })

  it.each(
    'date-time date time duration email hostname ipv4 ipv6 uri uri-reference uri-template uuid json-pointer relative-json-pointer regex'.split(
      ' ',
    ),
  )('may be a long text where the format %s is wanted', (format) => {
    const began = performance.now()
    for (const piece of ['a', '/', '1', ':', '%41', 'a@', '{a}', '1.']) {
      expect(mismatches(piece.repeat(30_000), { format }).join()).not.toContain('checked')
    }
    expect(performance.now() - began).toBeLessThan(2_000)
  })
})
