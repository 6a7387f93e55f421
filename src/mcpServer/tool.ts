import type { z } from 'zod'
import type { Ask } from './ask.ts'

/** What a tool has at hand in one call. */
export interface Call {
  ask: Ask
  /** Id of the project to work in when a call names none; undefined: the only one. */
  home: (() => Promise<string>) | undefined
  /** Fires when nobody waits for the result any more. */
  signal: AbortSignal
}

/** Something that MCP clients can have done. */
export interface Tool {
  name: string
  title: string
  description: string
  input: z.ZodObject
  /** Whether it only looks. */
  readOnly: boolean
  /** @throws Refused, or what `ask` throws: told as the tool's error */
  perform(call: Call, input: unknown): Promise<object>
}

/** A tool whose arguments are read by their schema. */
export function defineTool<Schema extends z.ZodObject>(
  tool: Omit<Tool, 'input' | 'perform'> & {
    input: Schema
    perform(call: Call, input: z.infer<Schema>): Promise<object>
  },
): Tool {
  return { ...tool, perform: (call, input) => tool.perform(call, tool.input.parse(input)) }
}
