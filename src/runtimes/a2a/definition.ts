import { z } from 'zod'

/** What a remote agent may take of this server. Every one of them can be configured. */
export const DEFAULT_A2A_LIMITS = {
  /** Milliseconds for a name to be found and a connection to be made. */
  connectMs: 10_000,
  /** Milliseconds for the card, and for each question about a task. */
  answerMs: 30_000,
  /** Bytes of the card. */
  cardBytes: 262_144,
  /** Bytes of one answer that is not a stream of events; an event may have 4 MiB. */
  answerBytes: 16_777_216,
  /** Milliseconds between two questions about a task of an agent that does not stream; it grows to ten times that. */
  pollMs: 500,
  /** Times in a row that a lost connection is made again. */
  retries: 5,
  /** Milliseconds before the first of these; each further one waits twice as long, at most 10 s. */
  retryMs: 200,
  /** Milliseconds for a task to be called off. */
  cancelMs: 5_000,
  /** Activities of one attempt that are shown. */
  lines: 10_000,
  /** Characters of one activity. */
  lineLength: 8_192,
  /** Artifacts of one attempt that become files. */
  files: 1_000,
  /** Bytes of all artifacts of one attempt. */
  fileBytes: 67_108_864,
}

export type A2aLimits = typeof DEFAULT_A2A_LIMITS

const limit = z.int().min(1).max(2_147_483_647).exactOptional()
const limits = z.strictObject(
  Object.fromEntries(Object.keys(DEFAULT_A2A_LIMITS).map((name) => [name, limit])) as Record<
    keyof A2aLimits,
    typeof limit
  >,
)

const variable = z.string().regex(/^\w+$/, 'is not the name of an environment variable')

export const a2aDefinition = z.strictObject({
  /** Address of the agent's card; one without a path stands for /.well-known/agent-card.json there. */
  card: z.url({ protocol: /^https?$/ }),
  /** The environment variable that holds the bearer token. */
  tokenEnv: variable.exactOptional(),
  /** Headers, each with the environment variable that holds its value. */
  headersEnv: z.record(z.string().regex(/^[\w-]+$/, 'is not the name of a header'), variable).exactOptional(),
  /** Whether the agent may stand on a private network or this machine: true, or the hosts that may. */
  allowPrivate: z.union([z.boolean(), z.array(z.string().min(1).toLowerCase())]).exactOptional(),
  /** Origins beside the card's own that are sent the token and the headers, where the card says that the agent is there. */
  origins: z.array(z.url({ protocol: /^https?$/ })).exactOptional(),
  limits: limits.exactOptional(),
})

/** A remote agent that the operator allows to be given work. */
export type A2aDefinition = z.infer<typeof a2aDefinition>
