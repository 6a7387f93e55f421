import { parseSync } from 'oxc-parser'
import type { ParseResult } from 'oxc-parser'

/** An AST node as far as a walk needs to know it. */
export interface Node {
  type: string
  start: number
  end: number
  [key: string]: unknown
}

/** Longer sources, in characters, are bundles and tables; their syntax tree would cost seconds each. */
export const MAX_TREE = 500_000

/**
 * Parses JavaScript or TypeScript; a syntax error is in `errors`, never thrown. Flow and other dialects may fail.
 *
 * @param path decides on the dialect by its extension
 */
export function parseSource(path: string, text: string): ParseResult {
  return parseSync(path, text, { preserveParens: false })
}

/**
 * Visits every node, parents before children, without recursion: generated code nests deeper than any stack.
 *
 * @param parentOf the node's parent, null for the first one
 */
export function visitNodes(program: unknown, visit: (node: Node, parent: Node | null) => void): void {
  const stack: [Node, Node | null][] = [[program as Node, null]]
  for (let entry = stack.pop(); entry; entry = stack.pop()) {
    const [node, parent] = entry
    visit(node, parent)
    const children: [Node, Node][] = []
    for (const key in node) {
      const value = node[key]
      if (value === null || typeof value !== 'object') continue
      if (Array.isArray(value)) {
        for (const item of value) if (isNode(item)) children.push([item, node])
      } else if (isNode(value)) children.push([value, node])
    }
    for (let index = children.length - 1; index >= 0; index--) stack.push(children[index]!)
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string'
}
