import { Node } from 'ts-morph'
import type { JSDoc, SourceFile } from 'ts-morph'
import type { ExportApi } from './api.ts'

/** The docstring of a declaration, or of a statement that assigns one. */
export function commentOf(node: Node): { doc: string; tags: ExportApi['tags'] } | undefined {
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
export function moduleDoc(source: SourceFile): string {
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
    !Node.isExportDeclaration(first) &&
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
