import { readFile, stat } from 'node:fs/promises'
import { z } from 'zod'
import { cut } from '../../core/cut.ts'
import { Refused } from '../../files/confined.ts'
import { list, search } from '../../files/look.ts'
import { plainText } from '../../processes/lines.ts'
import type { Activity } from '../../runtime.ts'
import { defineTool, type Hands, type Tool, type ToolResult } from './tool.ts'

/** Characters that one call tells the model. */
const MAX_TEXT = 60_000
/** Lines of a file that are told unless fewer are asked for. */
const MAX_LINES = 2_000
/** Bytes of an artifact that is read. */
const MAX_ARTIFACT = 1024 * 1024

const path = z.string().min(1).max(1_000).describe('relative to the workspace, with "/"')

const read = defineTool({
  name: 'read',
  right: 'read',
  description: 'Reads a text file of the workspace.',
  input: z.object({
    path,
    from: z.int().min(1).default(1).describe('first line, counted from 1'),
    lines: z.int().min(1).max(MAX_LINES).default(MAX_LINES),
  }),
  perform: (hands, { path, from, lines }) =>
    quietly(async () => {
      const { text, sha256, bytes } = await hands.files.read(path)
      return { ok: true, text: linesOf(text, from, lines), detail: { path, sha256, bytes } }
    }),
})

const artifact = defineTool({
  name: 'artifact',
  right: 'read',
  description: 'Reads a text file that an earlier part left behind, by the id that stands with its result.',
  input: z.object({
    id: z.string().min(1).max(100),
    from: z.int().min(1).default(1).describe('first line, counted from 1'),
    lines: z.int().min(1).max(MAX_LINES).default(MAX_LINES),
  }),
  perform: ({ work }, { id, from, lines }) =>
    quietly(async () => {
      const found = work.upstream.flatMap(({ artifacts }) => artifacts).find((one) => one.id === id)
      if (!found)
        throw new Refused('NOT_FOUND', `no earlier part has left an artifact with the id ${JSON.stringify(id)}`)
      if (found.size > MAX_ARTIFACT || (await stat(found.path)).size > MAX_ARTIFACT) {
        throw new Refused('TOO_LARGE', `${found.name} has ${found.size} bytes; at most ${MAX_ARTIFACT} are read`)
      }
      const text = await readFile(found.path, 'utf8')
      if (text.includes('\0')) throw new Refused('NOT_TEXT', `${found.name} is no text`)
      return { ok: true, text: linesOf(text, from, lines), detail: { artifact: id, sha256: found.sha256 } }
    }),
})

const listFiles = defineTool({
  name: 'list',
  right: 'list',
  description: 'Lists files and folders of the workspace, without what git ignores.',
  input: z.object({
    path: path.default('.'),
    levels: z.int().min(1).max(20).default(2).describe('folders within each other that are entered; 1: none'),
  }),
  perform: ({ files }, { path, levels }) =>
    quietly(async () => {
      const { entries, isCut } = await list(files, path, levels)
      const lines = entries.map(({ path: name, kind, bytes }) => {
        if (kind === 'FILE') return `${name} (${bytes} bytes)`
        return kind === 'FOLDER' ? `${name}/` : `${name} (${kind.toLowerCase()})`
      })
      const rest = isCut ? ['… there is more: list a folder below'] : []
      return { ok: true, text: [...lines, ...rest].join('\n') || 'nothing', detail: { path, entries: entries.length } }
    }),
})

const searchFiles = defineTool({
  name: 'search',
  right: 'search',
  description: 'Finds the lines of text files that hold a text. The text is taken as it is: no pattern.',
  input: z.object({
    text: z.string().min(1).max(500),
    path: path.default('.').describe('a file, or a folder with all below it'),
    ignoreCase: z.boolean().default(false),
  }),
  perform: ({ files }, wanted) =>
    quietly(async () => {
      const { matches, searched, passedOver, isCut } = await search(files, wanted)
      const lines = matches.map(({ path, line, text }) => `${path}:${line}: ${plainText(text)}`)
      const rest = `${searched} files searched, ${passedOver} passed over${isCut ? ', and there is more' : ''}`
      return { ok: true, text: [...lines, rest].join('\n'), detail: { path: wanted.path, matches: matches.length } }
    }),
})

const write = defineTool({
  name: 'write',
  right: 'write',
  description: 'Writes a text file of the workspace as a whole, with the folders above it.',
  input: z.object({ path, content: z.string() }),
  perform: (hands, { path, content }) => quietly(() => writeFile(hands, path, content)),
})

const edit = defineTool({
  name: 'edit',
  right: 'write',
  description: 'Replaces a text in a file of the workspace. The old text has to occur there exactly once.',
  input: z.object({ path, old: z.string().min(1), new: z.string() }),
  perform: (hands, { path, old, new: fresh }) =>
    quietly(async () => {
      const { text } = await hands.files.read(path)
      const at = text.indexOf(old)
      if (at < 0) throw new Refused('NOT_FOUND', `the old text does not occur in ${path}: read it again`)
      if (text.includes(old, at + 1))
        throw new Refused('FAILED', `the old text occurs more than once in ${path}: give more of it`)
      return writeFile(hands, path, text.slice(0, at) + fresh + text.slice(at + old.length))
    }),
})

export const FILE_TOOLS: readonly Tool[] = [read, artifact, listFiles, searchFiles, write, edit]

async function writeFile({ files, changes }: Hands, path: string, content: string): Promise<ToolResult> {
  const written = await files.write(path, content)
  const { before, sha256, bytes } = written
  const first = changes.get(written.path)
  changes.set(written.path, { before: first ? first.before : before, after: sha256 })
  const what = before === null ? 'created' : before === sha256 ? 'is the same as before' : 'changed'
  return { ok: true, text: `${written.path} ${what}: ${bytes} bytes`, detail: { path: written.path, sha256, bytes } }
}

/** What is refused is told to the model, which may try something else. */
// oxlint-disable-next-line require-yield
async function* quietly(act: () => Promise<ToolResult>): AsyncGenerator<Activity, ToolResult> {
  try {
    return await act()
  } catch (error) {
    if (error instanceof Refused) return { ok: false, text: error.message, detail: { refused: error.reason } }
    const { code = 'unknown error' } = error as NodeJS.ErrnoException
    return { ok: false, text: `that did not work: ${code}`, detail: { refused: code } }
  }
}

function linesOf(text: string, from: number, count: number): string {
  const all = text.split('\n')
  const kept = all.slice(from - 1, from - 1 + count)
  const rest = all.length - (from - 1) - kept.length
  const shown = cut(kept.join('\n'), MAX_TEXT)
  return rest > 0 ? `${shown}\n… (${rest} more lines, of ${all.length})` : shown
}
