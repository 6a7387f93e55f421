import type { z } from 'zod'
import type { Json } from '../../core/json.ts'
import type { Confined } from '../../files/confined.ts'
import type { Activity, Work } from '../../runtime.ts'
import type { ToolRight } from './definition.ts'

/** What a tool has to say. */
export interface ToolResult {
  ok: boolean
  /** Told to the model. */
  text: string
  /** Kept as evidence. */
  detail?: { [key: string]: Json }
}

/** What a person is asked instead of going on. */
export interface Question {
  question: string
  shown: Json
}

/** Files that an attempt has changed, by path: hashes before and after; null: there was no such file. */
export type Changes = Map<string, { before: string | null; after: string }>

/** What the tools of one attempt have at hand. */
export interface Hands {
  files: Confined
  work: Work
  changes: Changes
  /** Fires when nothing may go on. */
  signal: AbortSignal
}

/** Something that a model can call. */
export interface Tool {
  name: string
  /** What the operator has to allow for it; mcp: the server that it comes from. */
  right: ToolRight | 'mcp'
  /** A person has to approve each call, whatever its right. */
  approve?: boolean
  description: string
  /** What reads its arguments, or JSON Schema for them where whoever carries the call out reads them. */
  input: z.ZodType | { jsonSchema: Json }
  /** Yields what is shown of it while it works. Never throws for what a model asks for. */
  perform(hands: Hands, input: unknown): AsyncGenerator<Activity, ToolResult | Question>
}

/** A tool whose arguments are read by their schema. */
export function defineTool<Schema extends z.ZodType>(
  tool: Omit<Tool, 'input' | 'perform'> & {
    input: Schema
    perform(hands: Hands, input: z.infer<Schema>): AsyncGenerator<Activity, ToolResult | Question>
  },
): Tool {
  return { ...tool, perform: (hands, input) => tool.perform(hands, tool.input.parse(input)) }
}
