import type { Json } from '../../core/json.ts'
import type { UpstreamResult } from '../../runtime.ts'

type Fields = { [key: string]: Json }

/** The output of an analysis among what came before, whoever made it. */
export function analysisAmong(upstream: readonly UpstreamResult[]): Fields | undefined {
  for (const { output } of upstream) {
    if (typeof output === 'object' && output !== null && !Array.isArray(output) && output.format === 'analysis')
      return output
  }
  return undefined
}

/** A page on structure and dependencies from an analysis; what it does not hold is left out. */
export function renderOverview(analysis: Fields): string {
  const parts = ['# Overview']
  const structure = fields(analysis.structure)
  if (structure) {
    parts.push(`${structure.files} files with ${structure.lines} lines, ${structure.testFiles} of them tests.`)
    const languages = list(structure.languages).map((row) => `| ${row.language} | ${row.files} | ${row.lines} |`)
    if (languages.length > 0) parts.push('## Languages', table(['Language', 'Files', 'Lines'], languages))
    const folders = list(structure.folders).map((row) => `| \`${row.folder}\` | ${row.files} | ${row.lines} |`)
    if (folders.length > 0) parts.push('## Folders', table(['Folder', 'Files', 'Lines'], folders))
  }
  const dependencies = fields(analysis.dependencies)
  const between = list(dependencies?.betweenFolders).slice(0, 30)
  if (between.length > 0) {
    const names = [...new Set(between.flatMap((row) => [String(row.from), String(row.to)]))]
    const id = (name: Json | undefined): string => `f${names.indexOf(String(name))}`
    parts.push(
      '## How folders depend on each other',
      [
        '```mermaid',
        'flowchart LR',
        ...names.map((name) => `  ${id(name)}["${name.replaceAll('"', "'")}"]`),
        ...between.map((row) => `  ${id(row.from)} -->|${row.imports}| ${id(row.to)}`),
        '```',
      ].join('\n'),
    )
  }
  const central = list(dependencies?.mostImported)
    .slice(0, 10)
    .map((row) => `| \`${row.module}\` | ${row.importers} |`)
  if (central.length > 0) parts.push('## Most imported modules', table(['Module', 'Imported by'], central))
  const packages = list(dependencies?.packages)
    .slice(0, 15)
    .map((row) => `| \`${row.name}\` | ${row.importers} |`)
  if (packages.length > 0) parts.push('## Packages', table(['Package', 'Imported by'], packages))
  return `${parts.join('\n\n')}\n`
}

function table(head: readonly string[], rows: readonly string[]): string {
  return [`| ${head.join(' | ')} |`, `| ${head.map(() => '---').join(' | ')} |`, ...rows].join('\n')
}

function fields(value: Json | undefined): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
}

function list(value: Json | undefined): Fields[] {
  return Array.isArray(value) ? value.map(fields).filter((item) => item !== undefined) : []
}
