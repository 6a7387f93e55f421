import { z } from 'zod'
import { cut } from '../core/cut.ts'
import { KNOWLEDGE_KINDS } from '../core/knowledge.ts'
import { Refused, succeeded } from './ask.ts'
import { KnowledgeQuery, RememberMutation, SearchKnowledgeQuery } from './operations.ts'
import { project, projectOf } from './project.ts'
import { defineTool, type Tool } from './tool.ts'

/** Characters of a text that a search shows; get_knowledge has all of it. */
const MAX_SHOWN = 1_000
const PREFIX = 'Knowledge:'

const kind = z
  .enum(KNOWLEDGE_KINDS)
  .describe(
    'OUTCOME: what came of something. TIP: what helps. RECIPE: how something is done. FAILURE: what went wrong.',
  )

/** Tools for what is kept for later sessions. */
export const KNOWLEDGE_TOOLS: readonly Tool[] = [
  defineTool({
    name: 'search_knowledge',
    title: 'Search what is known',
    description:
      'What is kept for later sessions, the best answer first: tips, recipes, outcomes and failures. confidence (0 to 1) ' +
      'tells how far it can be believed, freshness (0 to 1) how much of that is left by its age, review whether a person ' +
      `has looked at it. Texts of more than ${MAX_SHOWN} characters are cut: get_knowledge has them whole.`,
    readOnly: true,
    input: z.strictObject({
      search: z.string().min(1).max(1_000).describe('Words to look for, as a question or as keywords.'),
      kind: kind.optional(),
      tag: z.string().min(1).max(50).optional().describe('Only what has exactly this tag.'),
      approved: z.boolean().default(false).describe('true: only what a person has approved.'),
      first: z.int().min(1).max(50).default(10).describe('How many.'),
      after: z.string().max(200).optional().describe('endCursor of the page before.'),
      project,
    }),
    async perform(call, { search, kind, tag, approved, first, after = null, project: given }) {
      const filter = {
        project: await projectOf(call, given),
        ...(kind && { kind: [kind] }),
        ...(tag !== undefined && { tag }),
        ...(approved && { review: ['APPROVED' as const] }),
      }
      const { edges, totalCount, pageInfo } = (await call.ask(SearchKnowledgeQuery, { search, filter, first, after }))
        .knowledge
      const knowledge = edges.map(({ score, node }) => ({ ...node, text: cut(node.text, MAX_SHOWN), score }))
      return { knowledge, totalCount, ...pageInfo }
    },
  }),
  defineTool({
    name: 'get_knowledge',
    title: 'Get a piece of knowledge',
    description:
      'All of a piece of knowledge: its text, who says so and where they have it from, who has reviewed it, what was put ' +
      'in its place.',
    readOnly: true,
    input: z.strictObject({
      knowledge: z.string().min(1).max(100).describe('Its id, as search_knowledge tells it.'),
    }),
    async perform({ ask }, { knowledge: id }) {
      const { node } = await ask(KnowledgeQuery, { id: id.startsWith(PREFIX) ? id : `${PREFIX}${id}` })
      if (node?.__typename !== 'Knowledge') throw new Refused(`There is no piece of knowledge ${id}.`)
      return node
    },
  }),
  defineTool({
    name: 'remember_knowledge',
    title: 'Remember something for later',
    description:
      'Keeps something that later sessions of the project should know, as PROPOSED until a person approves of it. What ' +
      'says the same is kept once; saying it again makes it more credible. Never write secrets or personal data here.',
    readOnly: false,
    input: z.strictObject({
      kind,
      title: z.string().min(1).max(200).describe('What it is about, in one line.'),
      text: z.string().min(1).max(10_000).describe('What it says, so that it can be understood without the session.'),
      tags: z.array(z.string().min(1).max(50)).max(20).optional().describe('Words to find it by.'),
      confidence: z.number().min(0).max(1).optional().describe('How sure you are: 0 to 1, 0.5 unless told.'),
      reference: z.string().min(1).max(500).optional().describe('Where you have it from, in words or as an address.'),
      session: z.string().min(1).max(100).optional().describe('Id of the session that it comes from.'),
      project,
    }),
    async perform(call, { project: given, kind, title, text, ...rest }) {
      const more = JSON.parse(JSON.stringify(rest)) as Required<typeof rest>
      const input = { project: await projectOf(call, given), kind, title, text, ...more }
      const { isNew, knowledge } = succeeded((await call.ask(RememberMutation, { input })).rememberKnowledge)
      return { isNew, ...knowledge }
    },
  }),
]
