import { lineIndex } from './lines.ts'
import { MAX_TREE, parseSource, visitNodes } from './source.ts'
import type { Node } from './source.ts'
import { isJavaScript } from './languages.ts'

export interface FunctionSize {
  name: string
  file: string
  /** 1-based. */
  line: number
  lines: number
}

const FUNCTIONS = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'])

/**
 * The named functions of a source and their lengths in lines: JavaScript and TypeScript by their syntax tree, Python
 * and Go by their layout, other languages none. Callbacks without a name are left out: their length is their caller's.
 */
export function readFunctions(file: string, language: string | null, text: string): FunctionSize[] {
  if (isJavaScript(file)) return javaScriptFunctions(file, text)
  if (language === 'Python') return pythonFunctions(file, text)
  if (language === 'Go') return goFunctions(file, text)
  return []
}

function javaScriptFunctions(file: string, text: string): FunctionSize[] {
  if (text.length > MAX_TREE) return []
  const found: FunctionSize[] = []
  const lines = lineIndex(text)
  visitNodes(parseSource(file, text).program, (node, parent) => {
    if (!FUNCTIONS.has(node.type) || !node.body) return
    const name = nameOf(node, parent)
    if (name === undefined) return
    const start = parent?.type === 'MethodDefinition' ? parent.start : node.start
    const line = lines.at(start)
    found.push({ name, file, line, lines: lines.at(node.end) - line + 1 })
  })
  return found
}

function nameOf(node: Node, parent: Node | null): string | undefined {
  const named = (value: unknown): string | undefined => {
    const id = value as { type?: string; name?: unknown; value?: unknown } | null | undefined
    if (typeof id?.name === 'string') return id.name
    return typeof id?.value === 'string' ? id.value : undefined
  }
  const own = named(node.id)
  if (own !== undefined) return own
  switch (parent?.type) {
    case 'VariableDeclarator':
      return named(parent.id)
    case 'MethodDefinition':
    case 'Property':
    case 'PropertyDefinition':
      return named(parent.key)
    case 'ExportDefaultDeclaration':
      return 'default'
    default:
      return undefined
  }
}

function pythonFunctions(file: string, text: string): FunctionSize[] {
  const found: FunctionSize[] = []
  const lines = text.split('\n')
  const open: { at: FunctionSize; indent: number }[] = []
  let lastCode = 0
  const closeTo = (indent: number): void => {
    while (open.length > 0 && open.at(-1)!.indent >= indent) {
      const { at } = open.pop()!
      found.push({ ...at, lines: lastCode - at.line + 1 })
    }
  }
  for (const [index, code] of lines.entries()) {
    if (code.trim() === '' || /^\s*(#|\))/.test(code)) continue
    const indent = code.length - code.trimStart().length
    closeTo(indent)
    const name = /^\s*(?:async\s+)?def\s+(\w+)/.exec(code)?.[1]
    if (name !== undefined) open.push({ at: { name, file, line: index + 1, lines: 0 }, indent })
    lastCode = index + 1
  }
  closeTo(0)
  return found.toSorted((a, b) => a.line - b.line)
}

function goFunctions(file: string, text: string): FunctionSize[] {
  const found: FunctionSize[] = []
  let open: FunctionSize | undefined
  for (const [index, code] of text.split('\n').entries()) {
    const name = /^func\s+(?:\([^)]*\)\s*)?(\w+)/.exec(code)?.[1]
    if (name !== undefined) open = { name, file, line: index + 1, lines: 1 }
    if (!open || (!code.startsWith('}') && !(name !== undefined && code.trimEnd().endsWith('}')))) continue
    found.push({ ...open, lines: index + 2 - open.line })
    open = undefined
  }
  return found
}
