import { z } from 'zod'
import { PATTERNS } from '../core/plan.ts'
import { succeeded } from './ask.ts'
import { AgentsQuery, AnalyzeQuery, StartMutation } from './operations.ts'
import { project, projectOf } from './project.ts'
import { type Call, defineTool, type Tool } from './tool.ts'

const words = z.string().min(1).max(100)

const part = z.strictObject({
  key: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/)
    .describe('Unique within the task: 1 to 64 letters, digits, - and _.'),
  title: z.string().min(1).max(200),
  description: z.string().optional().describe('What is wanted of this part.'),
  capabilities: z.array(words).optional().describe('Skills that its agent has to have, as list_agents shows them.'),
  agent: words.optional().describe('Name of the agent that does it; found by its skills if left out.'),
  dependsOn: z.array(words).optional().describe('Keys of the parts whose results it needs.'),
})

const task = {
  title: z.string().min(1).max(200).describe('What the session is called.'),
  description: z
    .string()
    .max(100_000)
    .optional()
    .describe('What is wanted, in full. Without parts it is split into parts by its words. At most 100,000 bytes.'),
  parts: z.array(part).max(100).optional().describe('Your own parts, instead of those that are read out of the words.'),
  pattern: z
    .enum(['AUTO', ...PATTERNS])
    .default('AUTO')
    .describe('How the parts work together; AUTO has it chosen by what the task is like.'),
  project,
}

const taskShape = z.strictObject(task)

async function inputOf(call: Call, { title, description, parts, pattern, project }: z.infer<typeof taskShape>) {
  const subTasks = parts && (JSON.parse(JSON.stringify(parts)) as z.infer<typeof part>[])
  return {
    project: await projectOf(call, project),
    pattern,
    task: { title, ...(description !== undefined && { description }), ...(subTasks && { subTasks }) },
  }
}

/** Tools for what is to be done. */
export const TASK_TOOLS: readonly Tool[] = [
  defineTool({
    name: 'analyze_task',
    title: 'Analyze a task',
    description:
      'Tells how complex a task is (0 to 10), how its parts would work together, who would do them, and what that is ' +
      'estimated to take: tokens, cost in US dollars, durationMs in milliseconds. Starts nothing.',
    readOnly: true,
    input: taskShape,
    async perform(call, input) {
      const { analyzeTask } = await call.ask(AnalyzeQuery, { input: await inputOf(call, input) })
      return succeeded(analyzeTask)
    },
  }),
  defineTool({
    name: 'start_session',
    title: 'Start a session',
    description:
      'Has a task done by a team of agents and answers at once with the id of the session. Follow it with get_session ' +
      'or watch_events; it may wait for answers, see list_interrupts.',
    readOnly: false,
    input: taskShape.extend({
      idempotencyKey: z
        .string()
        .min(1)
        .max(200)
        .optional()
        .describe('Any text: asked again with the same one and the same input, it is done once.'),
    }),
    async perform(call, { idempotencyKey, ...input }) {
      const key = idempotencyKey === undefined ? {} : { idempotencyKey }
      const { startOrchestration } = await call.ask(StartMutation, {
        input: { ...(await inputOf(call, input)), ...key },
      })
      return succeeded(startOrchestration).session
    },
  }),
  defineTool({
    name: 'list_agents',
    title: 'List the agents',
    description: 'The first 100 agents: what they can do, and whether they can take work now; reason says why not.',
    readOnly: true,
    input: z.strictObject({ capability: words.optional().describe('Only those that have this skill.') }),
    async perform({ ask }, { capability }) {
      return (await ask(AgentsQuery, { filter: capability === undefined ? {} : { capability } })).agents
    },
  }),
]
