import { compareSessions, type Comparison as CoreComparison, type Outcome, type Outcomes } from '../core/compare.ts'
import type { Database } from '../store/db.ts'
import { builder } from './builder.ts'
import { unknown } from './errors.ts'
import { LOOK } from './forbidden.ts'
import { idOf } from './ids.ts'
import { Session } from './session.ts'

interface ComparisonShape extends CoreComparison {
  a: string
  b: string
}

const Difference = builder.objectRef<CoreComparison['different'][number]>('SessionDifference').implement({
  description: 'A node that came out differently in two sessions.',
  fields: (t) => ({
    key: t.exposeString('key', { description: 'Key of the node.' }),
    fields: t.stringList({
      description: 'What differs, as a list of at most 4: status, outputHash, summary, agentId.',
      resolve: ({ fields }) => fields,
    }),
  }),
})

const Comparison = builder.objectRef<ComparisonShape>('SessionComparison').implement({
  description: 'Two sessions, held against each other node by node.',
  fields: (t) => ({
    a: t.field({
      type: Session,
      description: 'The first one.',
      resolve: ({ a }, _args, { loaders }) => loaders.session.load(a),
    }),
    b: t.field({
      type: Session,
      description: 'The second one.',
      resolve: ({ b }, _args, { loaders }) => loaders.session.load(b),
    }),
    same: t.exposeStringList('same', { description: 'Keys of nodes that came out alike; a list by the plans.' }),
    different: t.expose('different', {
      type: [Difference],
      description: 'Nodes that did not; a list by the plans.',
    }),
    onlyInA: t.exposeStringList('onlyInA', { description: 'Keys that only the first one has; a list by its plan.' }),
    onlyInB: t.exposeStringList('onlyInB', { description: 'Keys that only the second one has; a list by its plan.' }),
  }),
})

/**
 * What came of the nodes of a session, by key.
 *
 * @param seq of a checkpoint: what had been accepted by then
 * @returns undefined if there is no such session
 * @throws if there is no such checkpoint
 */
async function outcomesOf(
  { prisma, query }: Database,
  id: string,
  seq: number | undefined,
): Promise<Outcomes | undefined> {
  if ((await prisma.session.count({ where: { id } })) === 0) return undefined
  const checkpoint =
    seq === undefined ? undefined : await prisma.checkpoint.findFirst({ where: { sessionId: id, seq } })
  if (checkpoint === null) throw unknown('Checkpoint')
  const rows = await query<{ key: string; [field: string]: string | null }>(
    `SELECT key, CASE WHEN $2::uuid[] IS NULL THEN status::text ELSE 'ACCEPTED' END AS status, summary, "agentId",
       encode(sha256(convert_to(output::text, 'UTF8')), 'hex') AS "outputHash"
     FROM "Execution" WHERE "sessionId" = $1 AND ($2::uuid[] IS NULL OR id = ANY($2)) ORDER BY position`,
    [id, checkpoint?.accepted ?? null],
  )
  return Object.fromEntries(
    rows.map(({ key, ...fields }) => {
      const known = Object.entries(fields).filter(([, value]) => value !== null)
      return [key, Object.fromEntries(known) as unknown as Outcome]
    }),
  )
}

builder.queryField('compareSessions', (t) =>
  t.field({
    type: Comparison,
    authScopes: LOOK,
    nullable: true,
    description: 'Holds two sessions against each other, as they are or at checkpoints; null: one does not exist.',
    complexity: 50,
    args: {
      a: t.arg.id({ required: true, description: 'Global id or UUID of the first one.' }),
      b: t.arg.id({ required: true, description: 'Global id or UUID of the second one.' }),
      atA: t.arg.int({
        description: 'seq of a checkpoint of the first one: only what had been accepted by then. As it is if left out.',
      }),
      atB: t.arg.int({ description: 'The same of the second one.' }),
    },
    resolve: async (_root, args, { database }): Promise<ComparisonShape | null> => {
      const [a, b] = [idOf('Session', args.a), idOf('Session', args.b)]
      const [before, after] = [
        await outcomesOf(database, a, args.atA ?? undefined),
        await outcomesOf(database, b, args.atB ?? undefined),
      ]
      return before && after ? { a, b, ...compareSessions(before, after) } : null
    },
  }),
)
