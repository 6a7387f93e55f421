import { z } from 'zod'

/** What the protocol calls kinds of tools. */
export const TOOL_KINDS = [
  'read',
  'edit',
  'delete',
  'move',
  'search',
  'execute',
  'think',
  'fetch',
  'switch_mode',
  'other',
] as const
export type ToolKind = (typeof TOOL_KINDS)[number]

/** Kinds that are meant to change the workspace. */
export const CHANGING: ReadonlySet<ToolKind> = new Set(['edit', 'delete', 'move'])

/** What an agent tells of a tool call, all at once or piece by piece. What is not as agreed counts as not told. */
export const told = z.object({
  toolCallId: z.string().max(500),
  title: z.string().nullish().catch(undefined),
  kind: z.enum(TOOL_KINDS).nullish().catch(undefined),
  status: z.enum(['pending', 'in_progress', 'completed', 'failed']).nullish().catch(undefined),
  locations: z
    .array(z.object({ path: z.string() }))
    .nullish()
    .catch(undefined),
  content: z
    .array(z.object({ type: z.string(), path: z.string().optional() }))
    .nullish()
    .catch(undefined),
  rawInput: z.unknown().optional(),
})

/** One use of a tool, as far as it is known. */
export interface ToolCall {
  id: string
  kind: ToolKind
  title: string
  status: 'pending' | 'in_progress' | 'completed' | 'failed'
  /** Paths that it is about, as the agent names them. */
  paths: string[]
  arguments: unknown
}

/** Names under which agents give a path to a tool. */
const PATH_NAMES = ['path', 'file_path', 'filePath', 'absolute_path', 'notebook_path', 'abs_path']

/** Adds what is told to what is known of a tool call; `known` is left out for the first word of it. */
export function learn(known: ToolCall | undefined, news: z.infer<typeof told>): ToolCall {
  const raw = news.rawInput
  const isGiven = raw !== undefined && raw !== null && !(typeof raw === 'object' && Object.keys(raw).length === 0)
  const input = isGiven ? raw : known?.arguments
  const paths = [
    ...(known?.paths ?? []),
    ...(news.locations ?? []).map(({ path }) => path),
    ...(news.content ?? []).flatMap(({ type, path }) => (type === 'diff' && path !== undefined ? [path] : [])),
    ...pathsIn(input),
  ]
  return {
    id: news.toolCallId,
    kind: news.kind ?? known?.kind ?? 'other',
    title: news.title || known?.title || 'a tool without a title',
    status: news.status ?? known?.status ?? 'pending',
    paths: [...new Set(paths)],
    arguments: input ?? null,
  }
}

function pathsIn(input: unknown): string[] {
  if (typeof input !== 'object' || input === null) return []
  const fields = input as Record<string, unknown>
  return PATH_NAMES.map((name) => fields[name]).filter((path) => typeof path === 'string')
}
