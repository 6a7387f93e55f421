/** Text of others as Markdown text: in one line, and nothing in it is markup. */
export function plainly(text: string, limit = 300): string {
  const line = text.replace(/\s+/g, ' ').trim()
  const short = line.length > limit ? `${line.slice(0, limit - 1)}…` : line
  return short.replace(/[\\`*_[\]<>|#]/g, (character) => `\\${character}`)
}

/** A code span, whatever back-ticks its text has; safe within a table. */
export function code(text: string): string {
  const line = text.replace(/\s+/g, ' ').replaceAll('|', '\\|')
  return line.includes('`') ? `\`\` ${line} \`\`` : `\`${line}\``
}

/** A table, or nothing without rows. Cells are Markdown already. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return ''
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** A place in the source as people and editors read it. */
export function place(file: string | null, line?: number | null): string {
  if (file === null || file === '') return ''
  return code(line === null || line === undefined ? file : `${file}:${line}`)
}
