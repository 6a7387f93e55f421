import { type FragmentDefinitionNode, Kind, type OperationDefinitionNode, parse } from 'graphql'
import { expect, it } from 'vitest'
import { variablesBelow } from '../../../src/graphql/streams/below.ts'

function below(text: string): string[] {
  const { definitions } = parse(text)
  const operation = definitions.find(({ kind }) => kind === Kind.OPERATION_DEFINITION) as OperationDefinitionNode
  const fragments = definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION) as FragmentDefinitionNode[]
  return variablesBelow(operation, Object.fromEntries(fragments.map((fragment) => [fragment.name.value, fragment])))
}

it.each([
  ['what says only where to begin makes no difference', 'subscription { events(id: $id, after: $after) { seq } }', []],
  ['what a field below takes does', 'subscription { events(after: $a) { page(first: $n) { seq } } }', ['n']],
  [
    'a directive does, also at the root',
    'subscription { events(after: $a) @include(if: $i) { seq @skip(if: $s) } }',
    ['i', 's'],
  ],
  ['the same variable in both places does', 'subscription { events(after: $a) { page(after: $a) { seq } } }', ['a']],
  [
    'inputs and lists are looked into',
    'subscription { events { page(filter: { in: [$x, { y: $y }] }) { seq } } }',
    ['x', 'y'],
  ],
  [
    'fragments count, those around the root field as little as it',
    `subscription { ...R ... on Subscription @include(if: $i) { more(after: $b) { seq } } }
     fragment R on Subscription { events(after: $a) { ...P } } fragment P on Page { page(first: $n) { ...P } }`,
    ['i', 'n'],
  ],
])('%s', (_what, text, names) => {
  expect(below(text)).toEqual(names)
})
