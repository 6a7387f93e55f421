import { z } from 'zod'
import { PATTERNS } from '../core/plan.ts'

const skill = z.strictObject({
  id: z.string().min(1).max(100),
  name: z.string().min(1).max(200),
  description: z.string().max(10_000),
  tags: z.array(z.string().min(1).max(100)).max(100).default([]),
})

export const a2aServerDefinition = z.strictObject({
  /** Name of the project that tasks are carried out in. */
  project: z.string().min(1),
  /** Where others reach this server, for instance https://tutti.example; where it listens if left out. */
  url: z.url({ protocol: /^https?$/ }).exactOptional(),
  name: z.string().min(1).max(200).default('Tutti'),
  description: z
    .string()
    .max(10_000)
    .default('A team of agents: splits a task, gives its parts to those who can do them, checks what they do.'),
  skills: z.array(skill).max(100).exactOptional(),
  /** How the parts of a task work together. */
  pattern: z.enum(['AUTO', ...PATTERNS]).default('AUTO'),
  /** Milliseconds that a request waits for the end of a task; then it is told how far the task is. */
  waitMs: z.int().min(0).max(3_600_000).default(300_000),
  /** Streams and waiting requests at once. */
  open: z.int().min(1).max(100_000).default(500),
  /** Bytes up to which an artifact is handed over whole rather than by its address; 1 MiB of them in one answer. */
  inlineBytes: z.int().min(0).max(1_048_576).default(65_536),
})

/** What Tutti is as an agent for others. */
export type A2aServerDefinition = z.infer<typeof a2aServerDefinition>
