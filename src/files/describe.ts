import { basename, extname } from 'node:path'
import mime from 'mime'
import type { ProducedFile } from '../runtime.ts'

/** Where the extension means something else in software than in the registry of media types (.ts is a video there). */
const SOURCE_TYPES: Readonly<Record<string, string>> = {
  '.ts': 'text/typescript',
  '.tsx': 'text/typescript',
  '.mts': 'text/typescript',
  '.cts': 'text/typescript',
  '.patch': 'text/x-diff',
  '.diff': 'text/x-diff',
}

/** What a file is as far as its name says, relative to the folder of results and with `/`. */
export function describeFile(name: string): ProducedFile {
  const extension = extname(name).toLowerCase()
  const mediaType = SOURCE_TYPES[extension] ?? mime.getType(name) ?? 'application/octet-stream'
  return { name, kind: kindOf(basename(name).toLowerCase(), extension), mediaType }
}

function kindOf(base: string, extension: string): ProducedFile['kind'] {
  if (extension === '.patch' || extension === '.diff') return 'PATCH'
  if (extension === '.json') return 'JSON'
  return base.startsWith('report.') ? 'REPORT' : 'FILE'
}
