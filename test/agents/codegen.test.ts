import { describe, expect, it } from 'vitest'
import { fixture, folderWith, runAgent } from './run.ts'

describe('the codegen agent', () => {
  it('generates types from JSON Schema and from GraphQL files that make one schema', async () => {
    const ran = await runAgent('codegen', fixture('shop'))
    expect(ran.exitCode).toBe(0)
    expect(ran.files).toEqual([
      'types/schemas/customer.ts',
      'types/schemas/order.ts',
      'types/schemas/schema.graphql.ts',
    ])
    expect(ran.read('types/schemas/order.ts')).toContain(
      'export interface Order {\n  number: number\n  customer?: Customer\n}',
    )
    const graphql = ran.read('types/schemas/schema.graphql.ts')
    expect(graphql).toContain('export type Cart = {')
    expect(graphql).toMatch(/carts: Array<Cart>/)
    expect(graphql).toMatch(/export type Currency =\n\s+\| 'EUR'/)
    expect(ran.output).toMatchObject({ types: 10, failed: [] })
    expect(ran.evidence).toEqual([
      { name: 'generated types parse as TypeScript', kind: 'ARTIFACT', passed: true, detail: { files: 3, failed: 0 } },
    ])
    expect(ran.artifacts.map(({ mediaType }) => mediaType)).toEqual(Array(3).fill('text/typescript'))
  })

  it('says what is wrong with a schema, and reaches neither the network nor other folders', async () => {
    const schema = (fields: object): string =>
      JSON.stringify({ $schema: 'http://json-schema.org/draft-07/schema#', ...fields })
    const outside = folderWith({ 'secret.json': schema({ title: 'Secret', type: 'string' }) })
    const workspace = folderWith({
      'a.schema.json': '{',
      'b.schema.json': schema({ $ref: 'https://example.org/b.json' }),
      'c.schema.json': schema({ type: 'object', properties: { x: { $ref: `${outside}/secret.json` } } }),
      'd.graphql': 'type {',
      'e.graphql': 'type Query { a: Missing }',
      'f.graphql': 'query { a }',
      'data.json': '{"not": "a schema"}',
    })
    const ran = await runAgent('codegen', workspace)
    expect(ran.exitCode).toBe(0)
    expect(ran.files).toEqual([])
    const failures = Object.fromEntries(
      ran.output.failed.map(({ sources, error }: { sources: string[]; error: string }) => [sources[0], error]),
    )
    expect(failures).toEqual({
      'a.schema.json': expect.stringContaining('not valid JSON'),
      'b.schema.json': expect.stringContaining('https://example.org/b.json'),
      'c.schema.json': expect.stringContaining('secret.json'),
      'd.graphql': expect.stringContaining('Syntax Error'),
      'e.graphql': expect.stringContaining('Missing'),
    })
    expect(ran.evidence[0]).toMatchObject({ passed: false })
  })

  it('takes GraphQL schemas that do not fit together one by one', async () => {
    const ran = await runAgent(
      'codegen',
      folderWith({ 'a/one.graphql': 'type Query { a: Int }', 'b/two.graphqls': 'type Query { b: Int }' }),
    )
    expect(ran.files).toEqual(['types/a/one.graphql.ts', 'types/b/two.graphql.ts'])
  })
})
