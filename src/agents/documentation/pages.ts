import { isDocumented } from './api.ts'
import type { ExportApi, ModuleApi } from './api.ts'
import { byPath } from '../repository/paths.ts'

/** A page beyond this many characters ends with a note. */
const MAX_PAGE = 2_000_000

export interface Page {
  /** Name of the artifact, with `/`. */
  name: string
  folder: string
  modules: ModuleApi[]
  content: string
}

/** One page for each folder with something exported, in order of paths. */
export function renderPages(modules: readonly ModuleApi[]): Page[] {
  const folders = new Map<string, ModuleApi[]>()
  for (const module of modules.toSorted((a, b) => byPath(a.file, b.file))) {
    const folder = module.file.includes('/') ? module.file.slice(0, module.file.lastIndexOf('/')) : '.'
    folders.set(folder, [...(folders.get(folder) ?? []), module])
  }
  return [...folders]
    .toSorted(([a], [b]) => byPath(a, b))
    .map(([folder, inside]) => {
      const name = `api/${folder === '.' ? 'root' : folder}.md`
      const text = [`# ${folder === '.' ? 'Top folder' : folder}`, ...inside.map(renderModule)].join('\n\n')
      const content = text.length > MAX_PAGE ? `${text.slice(0, MAX_PAGE)}\n\n… this page was cut.` : text
      return { name, folder, modules: inside, content: `${content}\n` }
    })
}

function renderModule(module: ModuleApi): string {
  const parts = [`## ${module.file.slice(module.file.lastIndexOf('/') + 1)}`]
  if (module.doc !== '') parts.push(module.doc)
  if (module.reexports.length > 0)
    parts.push(`Passes on the exports of ${module.reexports.map((from) => `\`${from}\``).join(', ')}.`)
  for (const entry of module.exports) parts.push(renderExport(module, entry))
  return parts.join('\n\n')
}

function renderExport(module: ModuleApi, entry: ExportApi): string {
  const language = module.language === 'Python' ? 'python' : 'ts'
  const parts = [
    `### ${entry.name}`,
    `${entry.kind}, \`${module.file}:${entry.line}\``,
    fenced(language, entry.signature),
  ]
  if (entry.doc !== '') parts.push(entry.doc)
  const tags = entry.tags.filter((tag) => tag.text !== '' || tag.name === 'deprecated')
  if (tags.length > 0)
    parts.push(tags.map((tag) => `- **${tag.name}** ${tag.text.replace(/\s*\n\s*/g, ' ')}`).join('\n'))
  if (entry.members.length > 0) {
    parts.push(
      entry.members
        .map(
          (member) =>
            `- ${code(member.signature)} (line ${member.line})${member.doc === '' ? '' : `: ${member.doc.replace(/\s*\n\s*/g, ' ')}`}`,
        )
        .join('\n'),
    )
  }
  return parts.join('\n\n')
}

/** A code span that holds whatever back-ticks the text has. */
function code(text: string): string {
  const fence = text.includes('`') ? '``' : '`'
  return `${fence}${text.replace(/\s+/g, ' ')}${fence}`
}

function fenced(language: string, text: string): string {
  const fence = text.includes('```') ? '````' : '```'
  return `${fence}${language}\n${text}\n${fence}`
}

export interface Coverage {
  exports: number
  documented: number
  /** In percent of all exports; 100 if there are none. */
  percent: number
}

/** How many exports somebody wrote a word about. */
export function coverageOf(modules: readonly ModuleApi[]): Coverage {
  const all = modules.flatMap((module) => module.exports)
  const documented = all.filter(isDocumented).length
  return {
    exports: all.length,
    documented,
    percent: all.length === 0 ? 100 : Math.round((documented / all.length) * 1_000) / 10,
  }
}

/** The page that leads to all others. */
export function renderIndex(
  title: string,
  about: string,
  pages: readonly Page[],
  hasOverview: boolean,
  coverage: Coverage,
): string {
  const parts = [`# ${title}`]
  if (about !== '') parts.push(about)
  if (hasOverview) parts.push('See the [overview](overview.md) for structure and dependencies.')
  if (pages.length === 0) parts.push('No exported functions, classes or types were found.')
  else {
    parts.push(`${coverage.documented} of ${coverage.exports} exports are documented (${coverage.percent} %).`)
    const rows = pages.map((page) => {
      const { exports, percent } = coverageOf(page.modules)
      return `| [${page.folder === '.' ? 'Top folder' : page.folder}](${encodeURI(page.name)}) | ${page.modules.length} | ${exports} | ${exports === 0 ? '' : `${percent} %`} |`
    })
    parts.push(['| Folder | Modules | Exports | Documented |', '| --- | ---: | ---: | ---: |', ...rows].join('\n'))
  }
  return `${parts.join('\n\n')}\n`
}
