import { resolveNodes } from '@pothos/plugin-relay'
import { builder } from './builder.ts'
import { badInput } from './errors.ts'
import { LOOK } from './forbidden.ts'
import { decodeId, NODE_TYPES } from './ids.ts'
import { MAX_PAGE } from './limits.ts'

const Node = builder.nodeInterfaceRef()

// Not the plugin's own fields: those answer a forged id with an error, an unknown one with null.
builder.queryFields((t) => ({
  node: t.field({
    type: Node as never,
    authScopes: LOOK,
    nullable: true,
    description: 'Whatever has this global id; null if nothing has.',
    args: { id: t.arg.id({ required: true, description: 'A global id, as any field id gives it.' }) },
    resolve: async (_root, { id }, context, info) =>
      (await resolveNodes(builder as never, context, info, [nameOf(id)]))[0] as never,
  }),
  nodes: t.field({
    type: [Node] as never,
    authScopes: LOOK,
    nullable: { list: false, items: true } as never,
    description: `What has these global ids, in the same order; null where nothing has. At most ${MAX_PAGE}.`,
    args: { ids: t.arg.idList({ required: true, description: `Up to ${MAX_PAGE} global ids.` }) },
    complexity: ({ ids }) => ({ field: 1, multiplier: ids.length }),
    resolve: async (_root, { ids }, context, info) => {
      if (ids.length > MAX_PAGE) throw badInput(`${ids.length} ids are more than ${MAX_PAGE}`)
      return (await resolveNodes(builder as never, context, info, ids.map(nameOf))) as never
    },
  }),
}))

function nameOf(id: string): { typename: string; id: string } | null {
  const decoded = decodeId(id)
  return decoded && isNode(decoded.type) ? { typename: decoded.type, id: decoded.id } : null
}

const isNode = (type: string): boolean => NODE_TYPES.some((known) => known === type)
