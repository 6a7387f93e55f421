import SchemaBuilder from '@pothos/core'
import ComplexityPlugin from '@pothos/plugin-complexity'
import PrismaPlugin from '@pothos/plugin-prisma'
import RelayPlugin from '@pothos/plugin-relay'
import ScopeAuthPlugin from '@pothos/plugin-scope-auth'
import type { Json } from '../core/json.ts'
import type PrismaTypes from '../generated/pothos.ts'
import { getDatamodel } from '../generated/pothos.ts'
import './columns.ts'
import type { Context } from './context.ts'
import { forbid, type Scopes } from './forbidden.ts'
import './guard.ts'
import { encodeId } from './ids.ts'
import { DEFAULT_PAGE, MAX_PAGE } from './limits.ts'
import { holds } from './rights.ts'

interface Types {
  Context: Context
  AuthScopes: Scopes
  DefaultAuthStrategy: 'all'
  PrismaTypes: PrismaTypes
  DefaultFieldNullability: false
  DefaultEdgesNullability: { list: false; items: false }
  DefaultNodeNullability: false
  Scalars: {
    ID: { Input: string; Output: string }
    DateTime: { Input: Date; Output: Date }
    Duration: { Input: number; Output: number }
    JSON: { Input: Json; Output: unknown }
  }
}

/** Where all types of the schema are put together; it defines none itself. */
export const builder = new SchemaBuilder<Types>({
  // The first one stands outermost: who may not ask is told so before anything is looked up.
  // The columns of a field are noted once Prisma's plugin, behind it, has said what it would select.
  plugins: [ScopeAuthPlugin, 'guard', 'columns', ComplexityPlugin, RelayPlugin, PrismaPlugin],
  scopeAuth: {
    authScopes: ({ viewer }) => ({
      role: (needed) => [needed].flat().some((role) => holds(viewer, role)),
      everywhere: (needed) => !needed || viewer.projects === undefined,
    }),
    defaultStrategy: 'all',
    authorizeOnSubscribe: true,
    unauthorizedError: forbid,
  },
  defaultFieldNullability: false,
  complexity: {
    defaultComplexity: 1,
    // cost.ts adds up and refuses. Pages multiply (see connection.ts), plain lists are short.
    defaultListMultiplier: 5,
  },
  prisma: {
    client: (context) => context.database.prisma,
    dmmf: getDatamodel(),
    maxConnectionSize: MAX_PAGE,
    defaultConnectionSize: DEFAULT_PAGE,
  },
  relay: {
    encodeGlobalID: encodeId,
    nodeQueryOptions: false,
    nodesQueryOptions: false,
    nodeTypeOptions: { description: 'Something that has a global id and can be asked for by it.' },
    idFieldOptions: { description: 'Global id: name of the type, a colon and the UUID of the row.' },
    pageInfoTypeOptions: { description: 'Where a page lies among its neighbours.' },
    hasNextPageFieldOptions: { description: 'Whether more follows after this page.' },
    hasPreviousPageFieldOptions: { description: 'Whether more comes before this page.' },
    startCursorFieldOptions: { description: 'Cursor of the first edge; null on an empty page.' },
    endCursorFieldOptions: { description: 'Cursor of the last edge; null on an empty page.' },
    firstArgOptions: {
      description: `How many to return from the front: 1 to ${MAX_PAGE}, ${DEFAULT_PAGE} unless told.`,
    },
    lastArgOptions: {
      description: `How many to return from the back: 1 to ${MAX_PAGE}. Not together with first or after.`,
    },
    afterArgOptions: { description: 'Cursor of an edge: the page begins behind it. Not together with before.' },
    beforeArgOptions: { description: 'Cursor of an edge: the page ends before it. Not together with after.' },
    cursorFieldOptions: { description: 'Place of this edge; hand it in as after or before.' },
    nodeFieldOptions: { description: 'What is at this place.', nullable: false },
    edgesFieldOptions: {
      description: 'The page, each with its cursor.',
      nullable: { list: false, items: false },
      complexity: { field: 1, multiplier: 1 },
    },
    nodesOnConnection: { description: 'The page without cursors.', complexity: { field: 1, multiplier: 1 } },
    pageInfoFieldOptions: { description: 'Where this page lies.' },
  },
})
