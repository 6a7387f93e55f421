import { join } from 'node:path'
import { Node, Project, SyntaxKind, ts } from 'ts-morph'
import type { ExportedDeclarations, JSDoc, SourceFile, Statement } from 'ts-morph'
import type { RepositoryFile } from '../repository/files.ts'
import { readText, saysGenerated } from '../repository/files.ts'
import { MAX_SIGNATURE } from './api.ts'
import type { ExportApi, ModuleApi } from './api.ts'

/** Source beyond this many bytes is not documented in one run; it keeps memory below about 1 GB. */
const MAX_TOTAL_BYTES = 24_000_000
/** Milliseconds in all for types that the source does not write down; after that they are left out. */
const INFERENCE_MS = 15_000

export interface TypeScriptApi {
  modules: ModuleApi[]
  notes: string[]
}

/**
 * Exports of TypeScript and JavaScript files with their signatures and docstrings. Works from the syntax; only a type
 * that is not written down is asked of the compiler, with the repository's own files and no packages. The repository's
 * tsconfig.json is not needed and not read, so a broken one does no harm.
 *
 * @param timeLeft milliseconds that may still be spent; what is not reached is named in the notes
 */
export function readTypeScriptApi(
  root: string,
  files: readonly RepositoryFile[],
  timeLeft: () => number,
): TypeScriptApi {
  const project = new Project({
    skipAddingFilesFromTsConfig: true,
    skipFileDependencyResolution: true,
    skipLoadingLibFiles: false,
    compilerOptions: {
      allowJs: true,
      noResolve: true,
      types: [],
      target: ts.ScriptTarget.ESNext,
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      allowImportingTsExtensions: true,
      strict: true,
      skipLibCheck: true,
      jsx: ts.JsxEmit.Preserve,
    },
  })
  const result: TypeScriptApi = { modules: [], notes: [] }
  const sources: { file: RepositoryFile; source: SourceFile }[] = []
  let bytes = 0
  for (const file of files) {
    const text = readText(root, file)
    if (text === undefined || saysGenerated(text)) continue
    bytes += file.bytes
    if (bytes > MAX_TOTAL_BYTES || timeLeft() === 0) {
      result.notes.push(
        `Only the first ${sources.length} of ${files.length} source files are documented (limit of size or time).`,
      )
      break
    }
    sources.push({ file, source: project.createSourceFile(join(root, file.path), text, { overwrite: true }) })
  }
  const inference = { until: performance.now() + Math.min(INFERENCE_MS, timeLeft() / 2), cut: false }
  for (const [index, { file, source }] of sources.entries()) {
    if (timeLeft() === 0) {
      result.notes.push(`Only the first ${index} of ${files.length} source files are documented (limit of time).`)
      break
    }
    try {
      const found = readModule(source, file, inference)
      if (found.exports.length > 0 || found.reexports.length > 0 || found.doc !== '') result.modules.push(found)
    } catch (error) {
      result.notes.push(`${file.path} could not be documented: ${(error as Error).message.split('\n')[0]}`)
    }
  }
  if (inference.cut)
    result.notes.push('Types that the source does not write down were left out of later pages (limit of time).')
  return result
}

interface Inference {
  until: number
  cut: boolean
}

function readModule(source: SourceFile, file: RepositoryFile, inference: Inference): ModuleApi {
  const statements = source.getStatements()
  const exports: ExportApi[] = []
  const reexports: string[] = []
  const exported = exportedNames(statements, reexports)
  for (const statement of statements) {
    const isDefault = Node.isModifierable(statement) && statement.hasModifier(SyntaxKind.DefaultKeyword)
    const isExported = Node.isModifierable(statement) && statement.hasModifier(SyntaxKind.ExportKeyword)
    for (const entry of describe(statement, inference)) {
      const names = isDefault ? ['default'] : [...(isExported ? [entry.name] : []), ...(exported.get(entry.name) ?? [])]
      for (const name of new Set(names))
        exports.push(name === 'default' ? { ...entry, name: entry.name || 'default' } : { ...entry, name })
    }
    exports.push(...describeDefaultExpression(statement, inference), ...describeCommonJs(statement, inference))
  }
  return {
    file: file.path,
    language: file.language === 'JavaScript' ? 'JavaScript' : 'TypeScript',
    doc: moduleDoc(source),
    exports: exports.toSorted((a, b) => a.line - b.line),
    reexports,
  }
}

/** Local names that `export { a as b }`, `export default a` or `module.exports = { a }` hand out, and as what. */
function exportedNames(statements: readonly Statement[], reexports: string[]): Map<string, string[]> {
  const names = new Map<string, string[]>()
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
  return names
}

/** `exports.a = x` and `module.exports.a = x` have a name, `module.exports = x` has none. */
function commonJsAssignment(statement: Statement): { name: string | undefined; expression: Node } | undefined {
  if (!Node.isExpressionStatement(statement)) return undefined
  const assignment = statement.getExpression()
  if (!Node.isBinaryExpression(assignment) || assignment.getOperatorToken().getText() !== '=') return undefined
  const left = /^(?:module\.)?exports(?:\.(\w+))?$/.exec(assignment.getLeft().getText())
  return left ? { name: left[1], expression: assignment.getRight() } : undefined
}

function describeCommonJs(statement: Statement, inference: Inference): ExportApi[] {
  const value = commonJsAssignment(statement)
  if (
    value === undefined ||
    (value.name === undefined && !isFunctionLike(value.expression)) ||
    Node.isIdentifier(value.expression)
  )
    return []
  const name = value.name ?? 'module.exports'
  return [
    {
      ...entry(statement, name, isFunctionLike(value.expression) ? 'function' : 'constant'),
      signature: expressionSignature(name, value.expression, inference),
    },
  ]
}

function describeDefaultExpression(statement: Statement, inference: Inference): ExportApi[] {
  if (!Node.isExportAssignment(statement)) return []
  const expression = statement.getExpression()
  if (Node.isIdentifier(expression)) return []
  return [
    {
      ...entry(statement, 'default', isFunctionLike(expression) ? 'function' : 'constant'),
      signature: expressionSignature('default', expression, inference),
    },
  ]
}

/** What a statement declares, exported or not. */
function describe(statement: Statement, inference: Inference): ExportApi[] {
  if (Node.isFunctionDeclaration(statement)) {
    // Overloads are statements of their own; the implementation behind them is nobody's business.
    if (statement.isImplementation() && statement.getOverloads().length > 0) return []
    const returns = statement.getReturnTypeNode()
      ? ''
      : inferred(() => statement.getReturnType().getText(statement), inference)
    return [{ ...entry(statement, statement.getName() ?? 'default', 'function'), signature: head(statement) + returns }]
  }
  if (Node.isClassDeclaration(statement)) {
    return [
      {
        ...entry(statement, statement.getName() ?? 'default', 'class'),
        signature: head(statement),
        members: classMembers(statement, inference),
      },
    ]
  }
  if (Node.isInterfaceDeclaration(statement))
    return [{ ...entry(statement, statement.getName(), 'interface'), signature: whole(statement) }]
  if (Node.isTypeAliasDeclaration(statement))
    return [{ ...entry(statement, statement.getName(), 'type'), signature: whole(statement) }]
  if (Node.isEnumDeclaration(statement))
    return [{ ...entry(statement, statement.getName(), 'enum'), signature: whole(statement) }]
  if (!Node.isVariableStatement(statement)) return []
  return statement.getDeclarations().map((declaration) => {
    const initializer = declaration.getInitializer()
    const callable = initializer !== undefined && isFunctionLike(initializer)
    const written = declaration.getTypeNode()?.getText()
    const described = {
      ...entry(statement, declaration.getName(), callable ? 'function' : 'constant'),
      line: declaration.getStartLineNumber(),
    }
    if (callable && written === undefined)
      return { ...described, signature: expressionSignature(declaration.getName(), initializer, inference) }
    const type =
      written === undefined ? inferred(() => declaration.getType().getText(declaration), inference) : `: ${written}`
    return { ...described, signature: clip(`${statement.getDeclarationKind()} ${declaration.getName()}${type}`) }
  })
}

function entry(node: Node, name: string, kind: ExportApi['kind']): Omit<ExportApi, 'signature'> {
  const comment = commentOf(node)
  return {
    name,
    kind,
    doc: comment?.doc ?? '',
    tags: comment?.tags ?? [],
    line: node.getStartLineNumber(),
    members: [],
  }
}

function isFunctionLike(node: Node): boolean {
  return Node.isArrowFunction(node) || Node.isFunctionExpression(node)
}

function expressionSignature(name: string, node: Node, inference: Inference): string {
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
function head(node: Node & { getBody?: () => Node | undefined }): string {
  const text = node.getText()
  let end = text.length
  if (Node.isClassDeclaration(node))
    end = node.getFirstChildByKind(SyntaxKind.OpenBraceToken)!.getStart() - node.getStart()
  else if (Node.isBodyable(node) || Node.isBodied(node))
    end = (node.getBody()?.getStart() ?? node.getEnd()) - node.getStart()
  return clip(withoutExport(text.slice(0, end)).replace(/\s+/g, ' ').trim().replace(/;$/, ''))
}

function whole(node: Node): string {
  return clip(withoutExport(node.getText()))
}

function withoutExport(text: string): string {
  return text.replace(/^export\s+(default\s+)?/, '')
}

function clip(text: string): string {
  return text.length > MAX_SIGNATURE ? `${text.slice(0, MAX_SIGNATURE)} …` : text
}

/** `: type` as the compiler finds it, or nothing once the time for it is used up or the type is unreadable. */
function inferred(type: () => string, inference: Inference): string {
  if (performance.now() > inference.until) {
    inference.cut = true
    return ''
  }
  const text = type()
  // Types of packages are not loaded; what depends on them comes out as any.
  return text === 'any' || text.length > 300 || text.includes('import(') ? '' : `: ${text}`
}

function classMembers(node: Node & ExportedDeclarations, inference: Inference): ExportApi['members'] {
  if (!Node.isClassDeclaration(node)) return []
  const members: ExportApi['members'] = []
  for (const member of node.getMembers()) {
    if (Node.isClassStaticBlockDeclaration(member)) continue
    if (
      Node.isModifierable(member) &&
      (member.hasModifier(SyntaxKind.PrivateKeyword) || member.hasModifier(SyntaxKind.ProtectedKeyword))
    )
      continue
    const name = 'getName' in member ? (member.getName() as string) : 'constructor'
    if (/^[#_]/.test(name)) continue
    let signature = head(member)
    if (Node.isPropertyDeclaration(member)) {
      const type = member.getTypeNode()?.getText()
      signature = `${member.isStatic() ? 'static ' : ''}${member.isReadonly() ? 'readonly ' : ''}${name}${type === undefined ? inferred(() => member.getType().getText(member), inference) : `: ${type}`}`
    } else if (Node.isMethodDeclaration(member) && !member.getReturnTypeNode()) {
      signature += inferred(() => member.getReturnType().getText(member), inference)
    }
    members.push({ signature: clip(signature), doc: commentOf(member)?.doc ?? '', line: member.getStartLineNumber() })
  }
  return members
}

function commentOf(node: Node): { doc: string; tags: ExportApi['tags'] } | undefined {
  if (Node.isJSDocable(node)) {
    const doc = node.getJsDocs().at(-1)
    return doc && readDoc(doc)
  }
  // Assignments and default expressions carry their comment as loose text.
  const comment = node.getLeadingCommentRanges().at(-1)?.getText()
  return comment?.startsWith('/**') ? { doc: stripComment(comment), tags: [] } : undefined
}

function readDoc(doc: JSDoc): { doc: string; tags: ExportApi['tags'] } {
  const tags = doc.getTags().map((tag) => {
    const name = Node.isJSDocParameterTag(tag) ? `${tag.getTagName()} ${tag.getName()}` : tag.getTagName()
    return {
      name,
      text:
        tag
          .getCommentText()
          ?.replace(/^\s*-\s+/, '')
          .trim() ?? '',
    }
  })
  return { doc: doc.getDescription().trim(), tags }
}

/** A comment at the head of the file that belongs to no declaration. */
function moduleDoc(source: SourceFile): string {
  const first = source.getStatements()[0]
  const comments = (first?.getLeadingCommentRanges() ?? [])
    .map((range) => range.getText())
    .filter((text) => text.startsWith('/**'))
  const head = comments[0]
  if (head === undefined) return ''
  const belongsToFirst =
    comments.length === 1 &&
    first !== undefined &&
    !Node.isImportDeclaration(first) &&
    !/@(module|fileoverview|packageDocumentation|file)\b/.test(head)
  return belongsToFirst ? '' : stripComment(head)
}

function stripComment(text: string): string {
  return text
    .replace(/^\/\*\*|\*\/$/g, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, ''))
    .join('\n')
    .replace(/^\s*@(module|fileoverview|packageDocumentation|file)\b\s*/gm, '')
    .trim()
}
