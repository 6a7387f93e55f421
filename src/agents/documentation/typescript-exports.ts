import { Node } from 'ts-morph'
import type { Statement } from 'ts-morph'

/**
 * Local names that `export { a as b }`, `export default a` or `module.exports = { a }` hand out, and as what; and the
 * modules whose exports are passed on.
 */
export function exportedNames(statements: readonly Statement[]): { names: Map<string, string[]>; reexports: string[] } {
  const names = new Map<string, string[]>()
  const reexports: string[] = []
  const add = (local: string, name: string): void => void names.set(local, [...(names.get(local) ?? []), name])
  for (const statement of statements) {
    if (Node.isExportDeclaration(statement)) {
      const from = statement.getModuleSpecifierValue()
      if (from !== undefined) reexports.push(from)
      else
        for (const part of statement.getNamedExports())
          add(part.getName(), part.getAliasNode()?.getText() ?? part.getName())
    } else if (Node.isExportAssignment(statement)) {
      const expression = statement.getExpression()
      if (Node.isIdentifier(expression)) add(expression.getText(), expression.getText())
    } else {
      const value = commonJsAssignment(statement)
      if (value?.name !== undefined || value === undefined) continue
      if (Node.isIdentifier(value.expression)) add(value.expression.getText(), value.expression.getText())
      if (!Node.isObjectLiteralExpression(value.expression)) continue
      for (const property of value.expression.getProperties()) {
        if (Node.isShorthandPropertyAssignment(property)) add(property.getName(), property.getName())
        const initializer = Node.isPropertyAssignment(property) ? property.getInitializer() : undefined
        if (Node.isPropertyAssignment(property) && Node.isIdentifier(initializer))
          add(initializer.getText(), property.getName())
      }
    }
  }
  return { names, reexports }
}

/** `exports.a = x` and `module.exports.a = x` have a name, `module.exports = x` has none. */
export function commonJsAssignment(statement: Statement): { name: string | undefined; expression: Node } | undefined {
  if (!Node.isExpressionStatement(statement)) return undefined
  const assignment = statement.getExpression()
  if (!Node.isBinaryExpression(assignment) || assignment.getOperatorToken().getText() !== '=') return undefined
  const left = /^(?:module\.)?exports(?:\.(\w+))?$/.exec(assignment.getLeft().getText())
  return left ? { name: left[1], expression: assignment.getRight() } : undefined
}
