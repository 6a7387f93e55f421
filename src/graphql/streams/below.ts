import { type FragmentDefinitionNode, Kind, type OperationDefinitionNode, type SelectionSetNode, visit } from 'graphql'

/**
 * Names of the variables that make a difference to what a subscription shows of each event: all but those that only the
 * arguments of its root field take, since these say what is read, and from where.
 */
export function variablesBelow(
  operation: OperationDefinitionNode,
  fragments: Readonly<Record<string, FragmentDefinitionNode>>,
): string[] {
  const names = new Set<string>()
  const seen = new Set<string>()
  const collect = (node: object): void => {
    visit(node as never, {
      Variable: ({ name }) => void names.add(name.value),
      FragmentSpread: ({ name }) => collectFragment(name.value),
    })
  }
  const collectFragment = (name: string): void => {
    const fragment = fragments[name]
    if (!fragment || seen.has(name)) return
    seen.add(name)
    collect(fragment.selectionSet)
  }
  const rootSeen = new Set<string>()
  const root = ({ selections }: SelectionSetNode): void => {
    for (const selection of selections) {
      for (const directive of selection.directives ?? []) collect(directive)
      if (selection.kind === Kind.FIELD) {
        if (selection.selectionSet) collect(selection.selectionSet)
      } else if (selection.kind === Kind.INLINE_FRAGMENT) root(selection.selectionSet)
      else {
        const fragment = fragments[selection.name.value]
        if (!fragment || rootSeen.has(selection.name.value)) continue
        rootSeen.add(selection.name.value)
        root(fragment.selectionSet)
      }
    }
  }
  root(operation.selectionSet)
  return [...names].toSorted()
}
