import { z } from 'zod'
import { AGENT_TYPES } from '../../core/agent.ts'
import { sandboxShape } from '../../processes/sandbox/settings.ts'

/** What a model may do in the workspace. */
export const TOOL_RIGHTS = ['read', 'list', 'search', 'write', 'run', 'ask'] as const
export type ToolRight = (typeof TOOL_RIGHTS)[number]

/** What the part has to leave behind, so that "done" alone is none. */
const EXPECTATIONS = ['CHANGES', 'ACTIONS', 'ANSWER'] as const
export type Expectation = (typeof EXPECTATIONS)[number]

const environmentName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'is the name of an environment variable')
/** US dollars per million tokens. */
const dollars = z.number().min(0).max(1_000_000)

const allowedCommand = z.strictObject({
  /** The program and its first arguments. No shell reads them. */
  argv: z.tuple([z.string().min(1)], z.string()),
  /**
   * What the model may add: each argument has to match one of these regular expressions as a whole; none if left out.
   */
  arguments: z.array(z.string().refine(isPattern, 'is no regular expression')).default([]),
  /** What it is for, told to the model. */
  description: z.string().max(1_000).default(''),
  env: z.record(z.string(), z.string()).optional(),
  /** Names of the server's own environment to pass on, beside PATH, HOME, LANG, LC_*, TZ and TMPDIR. */
  allowEnv: z.array(environmentName).optional(),
  /** What it may do on this machine, where it is other than for all programs. */
  sandbox: sandboxShape.optional(),
})

/** A program that a model may run. */
export type AllowedCommand = z.infer<typeof allowedCommand>

export const modelDefinition = z
  .strictObject({
    provider: z.enum(['openai-compatible', 'openai', 'anthropic']),
    /** The provider's name of the model. */
    model: z.string().min(1),
    /** Where its API is; needed for 'openai-compatible', for instance http://127.0.0.1:11434/v1. */
    baseURL: z.url({ protocol: /^https?$/ }).optional(),
    /**
     * Name of the environment variable that holds the key. OPENAI_API_KEY and ANTHROPIC_API_KEY if left out;
     * 'openai-compatible' then sends none.
     */
    apiKeyEnv: environmentName.optional(),
    /** Further headers, by the names of the environment variables that hold their values. */
    headersEnv: z.record(z.string().regex(/^[A-Za-z0-9-]+$/, 'is the name of a header'), environmentName).optional(),
    /** US dollars per million tokens; 0 for a model that costs nothing. Without it no cost is counted. */
    price: z.strictObject({ input: dollars, output: dollars, cachedInput: dollars.optional() }).optional(),
    settings: z
      .strictObject({
        temperature: z.number().min(0).max(2).optional(),
        topP: z.number().min(0).max(1).optional(),
        seed: z.int().optional(),
        /** Tokens of one answer. */
        maxOutputTokens: z.int().min(1).optional(),
        reasoning: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh']).optional(),
      })
      .default({}),
    /** Answers of one attempt: each may call tools, whose results bring the next one. */
    maxSteps: z.int().min(1).max(1_000).default(50),
    /** Tries of one request beyond the first, with growing pauses, when the provider is busy or cannot be reached. */
    maxRetries: z.int().min(0).max(10).default(3),
    /** Whose prompt it gets; that of the agent's type if left out. Managers and judges always get theirs. */
    role: z.enum(AGENT_TYPES).optional(),
    /** Told to the model after its prompt. */
    instructions: z.string().max(20_000).default(''),
    tools: z.array(z.enum(TOOL_RIGHTS)).default(['read', 'list', 'search']),
    /** What the tool `run` may run, by name. */
    commands: z
      .record(z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'has letters, digits, _ and -'), allowedCommand)
      .default({}),
    /** Tools that a person has to approve call by call. */
    approve: z.array(z.enum(['write', 'run'])).default([]),
    /** Names of MCP servers whose tools it has as well. */
    mcp: z.array(z.string().min(1)).max(20).default([]),
    /**
     * CHANGES: files of the workspace have changed. ACTIONS: it has run something. ANSWER: it has said something. If left
     * out, what its role and its tools are for.
     */
    expects: z.enum(EXPECTATIONS).optional(),
    /** Has the provider hold the answer to the wanted schema; not every one can do that beside tools. */
    structuredOutput: z.boolean().default(false),
    /** Asks the provider for its list of models when the agent is checked, at most once in so many milliseconds. */
    pingMs: z.int().min(10_000).optional(),
  })
  .refine(({ provider, baseURL }) => provider !== 'openai-compatible' || baseURL !== undefined, {
    path: ['baseURL'],
    error: "is needed for the provider 'openai-compatible', for instance http://127.0.0.1:11434/v1",
  })
  .refine(({ tools, commands }) => !tools.includes('run') || Object.keys(commands).length > 0, {
    path: ['commands'],
    error: 'names what the tool run may run',
  })
  .refine(({ tools, approve }) => approve.every((tool) => tools.includes(tool)), {
    path: ['approve'],
    error: 'names tools that it has',
  })

/** A model that the operator allows to be used as an agent. */
export type ModelDefinition = z.infer<typeof modelDefinition>
export type ModelDefinitionInput = z.input<typeof modelDefinition>

const DEFAULT_KEYS = {
  'openai-compatible': undefined,
  openai: 'OPENAI_API_KEY',
  anthropic: 'ANTHROPIC_API_KEY',
} as const

/** Names of the environment variables that a model needs. */
export function secretNames({ provider, apiKeyEnv, headersEnv = {} }: ModelDefinition): string[] {
  const key = apiKeyEnv ?? DEFAULT_KEYS[provider]
  return [...(key === undefined ? [] : [key]), ...Object.values(headersEnv)]
}

/** Name of the environment variable that holds the key; undefined: it needs none. */
export function keyName({ provider, apiKeyEnv }: ModelDefinition): string | undefined {
  return apiKeyEnv ?? DEFAULT_KEYS[provider]
}

function isPattern(text: string): boolean {
  try {
    return new RegExp(text, 'v').source !== ''
  } catch {
    return false
  }
}
