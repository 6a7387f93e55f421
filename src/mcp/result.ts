import type { CallToolResult } from '@modelcontextprotocol/client'
import { cut } from '../core/cut.ts'
import { plainText } from '../processes/lines.ts'

/**
 * What a tool has said, as plain text. What is no text is named with its size, and left out.
 *
 * @param most characters
 */
export function textOf({ content = [], structuredContent }: Partial<CallToolResult>, most: number): string {
  const pieces = content.map((block) => {
    switch (block.type) {
      case 'text':
        return block.text
      case 'image':
      case 'audio':
        return `(${block.type} ${block.mimeType}, ${bytesOf(block.data)} bytes, not shown)`
      case 'resource':
        return 'text' in block.resource
          ? `${block.resource.uri}:\n${block.resource.text}`
          : `(${block.resource.uri}, ${bytesOf(block.resource.blob)} bytes, not shown)`
      case 'resource_link':
        return `(${block.name}: ${block.uri})`
      default:
        return '(something that is no text, not shown)'
    }
  })
  const hasText = content.some(({ type }) => type === 'text')
  const structured = structuredContent !== undefined && !hasText ? [JSON.stringify(structuredContent)] : []
  return cut(plainText([...pieces, ...structured].join('\n')), most)
}

/** Of what is written in base64. */
function bytesOf(data: string): number {
  return Math.floor((data.length * 3) / 4)
}
