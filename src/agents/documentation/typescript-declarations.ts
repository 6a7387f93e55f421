import { Node, SyntaxKind } from 'ts-morph'
import type { ClassDeclaration, Statement, VariableDeclaration } from 'ts-morph'
import type { LineIndex } from '../repository/lines.ts'
import type { ExportApi } from './api.ts'
import { commentOf } from './typescript-docs.ts'
import { commonJsAssignment } from './typescript-exports.ts'
import { clip, expressionSignature, head, inferred, isFunctionLike, whole } from './typescript-signatures.ts'
import type { Inference } from './typescript-signatures.ts'

/** What describing a file needs beside its nodes. */
export interface Reading {
  inference: Inference
  lines: LineIndex
}

/** What is declared by a statement: a name, undefined for what has none, and how to describe it when it is wanted. */
export interface Declared {
  name: string | undefined
  describe: () => ExportApi
}

/** The declarations of a statement. Describing one may ask the compiler, so it is left to the caller. */
export function declarationsOf(statement: Statement, reading: Reading): Declared[] {
  const { inference } = reading
  if (Node.isFunctionDeclaration(statement)) {
    // Overloads are statements of their own; the implementation behind them is nobody's business.
    if (statement.isImplementation() && statement.getOverloads().length > 0) return []
    const returns = (): string =>
      statement.getReturnTypeNode() ? '' : inferred(() => statement.getReturnType().getText(statement), inference)
    return [
      {
        name: statement.getName(),
        describe: () => entry(statement, statement.getName(), 'function', head(statement) + returns(), reading),
      },
    ]
  }
  if (Node.isClassDeclaration(statement)) {
    const describe = (): ExportApi => ({
      ...entry(statement, statement.getName(), 'class', head(statement), reading),
      members: membersOf(statement, reading),
    })
    return [{ name: statement.getName(), describe }]
  }
  if (Node.isVariableStatement(statement)) {
    return statement.getDeclarations().map((declaration) => ({
      name: declaration.getName(),
      describe: () => variable(declaration, statement.getDeclarationKind(), statement, reading),
    }))
  }
  const kind = Node.isInterfaceDeclaration(statement)
    ? 'interface'
    : Node.isTypeAliasDeclaration(statement)
      ? 'type'
      : Node.isEnumDeclaration(statement)
        ? 'enum'
        : undefined
  if (kind === undefined || !Node.hasName(statement)) return []
  const name = statement.getName()
  return [{ name, describe: () => entry(statement, name, kind, whole(statement), reading) }]
}

function variable(
  declaration: VariableDeclaration,
  keyword: string,
  statement: Statement,
  reading: Reading,
): ExportApi {
  const initializer = declaration.getInitializer()
  const name = declaration.getName()
  const written = declaration.getTypeNode()?.getText()
  const callable = initializer !== undefined && isFunctionLike(initializer)
  const signature =
    callable && written === undefined
      ? expressionSignature(name, initializer, reading.inference)
      : clip(
          `${keyword} ${name}${written === undefined ? inferred(() => declaration.getType().getText(declaration), reading.inference) : `: ${written}`}`,
        )
  return {
    ...entry(statement, name, callable ? 'function' : 'constant', signature, reading),
    line: reading.lines.at(declaration.getStart()),
  }
}

/** What `export default <expression>`, `exports.a = …` or `module.exports = function …` hands out. */
export function expressionExport(statement: Statement, reading: Reading): ExportApi | undefined {
  const value = Node.isExportAssignment(statement)
    ? { name: 'default', expression: statement.getExpression() }
    : commonJsAssignment(statement)
  // A plain name was described where it is declared, and an object's parts where they are.
  if (value === undefined || Node.isIdentifier(value.expression)) return undefined
  const callable = isFunctionLike(value.expression)
  if (value.name === undefined && !callable) return undefined
  const name = value.name ?? 'module.exports'
  return entry(
    statement,
    name,
    callable ? 'function' : 'constant',
    expressionSignature(name, value.expression, reading.inference),
    reading,
  )
}

function entry(
  node: Node,
  name: string | undefined,
  kind: ExportApi['kind'],
  signature: string,
  reading: Reading,
): ExportApi {
  const comment = commentOf(node)
  return {
    name: name ?? 'default',
    kind,
    signature,
    doc: comment?.doc ?? '',
    tags: comment?.tags ?? [],
    line: reading.lines.at(node.getStart()),
    members: [],
  }
}

/** Public methods and properties; names that begin with # or _ are private by custom. */
function membersOf(node: ClassDeclaration, { inference, lines }: Reading): ExportApi['members'] {
  const members: ExportApi['members'] = []
  for (const member of node.getMembers()) {
    if (Node.isClassStaticBlockDeclaration(member)) continue
    const hidden = [SyntaxKind.PrivateKeyword, SyntaxKind.ProtectedKeyword] as const
    if (Node.isModifierable(member) && hidden.some((keyword) => member.hasModifier(keyword))) continue
    const name = Node.isConstructorDeclaration(member) ? 'constructor' : member.getName()
    if (/^[#_]/.test(name)) continue
    let signature = head(member)
    if (Node.isPropertyDeclaration(member)) {
      const type = member.getTypeNode()?.getText()
      const modifiers = [...(member.isStatic() ? ['static'] : []), ...(member.isReadonly() ? ['readonly'] : [])]
      signature =
        [...modifiers, name].join(' ') +
        (type === undefined ? inferred(() => member.getType().getText(member), inference) : `: ${type}`)
    } else if (Node.isMethodDeclaration(member) && !member.getReturnTypeNode()) {
      signature += inferred(() => member.getReturnType().getText(member), inference)
    }
    members.push({ signature: clip(signature), doc: commentOf(member)?.doc ?? '', line: lines.at(member.getStart()) })
  }
  return members
}
