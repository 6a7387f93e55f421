/** What a module offers to others, in any language. */
export interface ModuleApi {
  /** Path relative to the workspace. */
  file: string
  language: 'TypeScript' | 'JavaScript' | 'Python'
  /** The module's own docstring. */
  doc: string
  exports: ExportApi[]
  /** Modules whose exports it passes on, as they are written. */
  reexports: string[]
}

export interface ExportApi {
  name: string
  kind: 'function' | 'class' | 'interface' | 'type' | 'enum' | 'constant'
  /** As it would be declared, without its body. */
  signature: string
  doc: string
  tags: { name: string; text: string }[]
  /** 1-based. */
  line: number
  /** Public methods and properties of a class. */
  members: { signature: string; doc: string; line: number }[]
}

/** Signatures longer than this, in characters, are cut. */
export const MAX_SIGNATURE = 2_000

/** Whether somebody wrote a word about it, or about the parts that it consists of. */
export function isDocumented(entry: ExportApi): boolean {
  if ((entry.kind === 'interface' || entry.kind === 'type') && entry.signature.includes('/**')) return true
  return entry.doc.trim() !== '' || entry.tags.some((tag) => tag.text.trim() !== '')
}
