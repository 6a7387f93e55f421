import { Node, SyntaxKind } from 'ts-morph'
import { MAX_SIGNATURE } from './api.ts'

/** The compiler's time for types that the source does not write down. */
export interface Inference {
  /** On the clock of performance.now(), in milliseconds. */
  until: number
  /** Set once the time was used up. */
  cut: boolean
}

/** A function without a declaration of its own: an arrow or a function expression. */
export function isFunctionLike(node: Node): boolean {
  return Node.isArrowFunction(node) || Node.isFunctionExpression(node)
}

/** The signature of a value that gets its name from elsewhere: from a variable, a property or an export. */
export function expressionSignature(name: string, node: Node, inference: Inference): string {
  if (Node.isArrowFunction(node) || Node.isFunctionExpression(node)) {
    const parameters = node.getParameters().map((parameter) => parameter.getText().replace(/\s+/g, ' '))
    const types = node.getTypeParameters().map((type) => type.getText())
    const returns = node.getReturnTypeNode()
      ? `: ${node.getReturnTypeNode()!.getText()}`
      : inferred(() => node.getReturnType().getText(node), inference)
    return clip(
      `${node.isAsync() ? 'async ' : ''}function ${name}${types.length > 0 ? `<${types.join(', ')}>` : ''}(${parameters.join(', ')})${returns}`,
    )
  }
  return clip(`const ${name}${inferred(() => node.getType().getText(node), inference)}`)
}

/** The declaration up to its body. */
export function head(node: Node & { getBody?: () => Node | undefined }): string {
  const text = node.getText()
  let end = text.length
  if (Node.isClassDeclaration(node))
    end = node.getFirstChildByKind(SyntaxKind.OpenBraceToken)!.getStart() - node.getStart()
  else if (Node.isBodyable(node) || Node.isBodied(node))
    end = (node.getBody()?.getStart() ?? node.getEnd()) - node.getStart()
  return clip(withoutExport(text.slice(0, end)).replace(/\s+/g, ' ').trim().replace(/;$/, ''))
}

/** The declaration as it stands, for types, whose body is what they are. */
export function whole(node: Node): string {
  return clip(withoutExport(node.getText()))
}

function withoutExport(text: string): string {
  return text.replace(/^export\s+(default\s+)?/, '')
}

/** A signature within {@link MAX_SIGNATURE}. */
export function clip(text: string): string {
  return text.length > MAX_SIGNATURE ? `${text.slice(0, MAX_SIGNATURE)} …` : text
}

/** `: type` as the compiler finds it, or nothing once the time for it is used up or the type is unreadable. */
export function inferred(type: () => string, inference: Inference): string {
  if (performance.now() > inference.until) {
    inference.cut = true
    return ''
  }
  let text: string
  try {
    text = type()
  } catch {
    // The compiler gives up on types that depend on too many others; the rest of the page does not need it.
    return ''
  }
  // Types of packages are not loaded; what depends on them comes out as any.
  return text === 'any' || text.length > 300 || text.includes('import(') ? '' : `: ${text}`
}
