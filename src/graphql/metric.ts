import { builder } from './builder.ts'
import { AgentTypeEnum, PatternEnum, SessionStatusEnum } from './enums.ts'
import { badInput } from './errors.ts'
import { LOOK } from './forbidden.ts'
import { idOf } from './ids.ts'
import { projectsMeant } from './rights.ts'

/** Figures of a group of executions or sessions, as SQL returns them. */
export interface Figures {
  total: number
  succeeded: number
  failed: number
  p50: number | null
  p95: number | null
  mean: number | null
}

export type WindowShape = { projects: readonly string[] | null; since: Date; until: Date }

export const rate = ({ succeeded, failed }: Figures): number | null =>
  succeeded + failed === 0 ? null : succeeded / (succeeded + failed)

const AgentMetrics = builder
  .objectRef<Figures & { name: string; type: string; agentId: string }>('AgentMetrics')
  .implement({
    description: 'How one agent did in a window of time.',
    fields: (t) => ({
      agentId: t.globalID({
        description: 'Global id of the agent.',
        resolve: ({ agentId }) => ({ type: 'Agent', id: agentId }),
      }),
      name: t.exposeString('name', { description: 'Its name.' }),
      type: t.field({ type: AgentTypeEnum, description: 'What it is for.', resolve: ({ type }) => type as never }),
      executions: t.exposeInt('total', { description: 'Settled executions that it was picked for.' }),
      accepted: t.exposeInt('succeeded', { description: 'Those that were ACCEPTED.' }),
      failed: t.exposeInt('failed', { description: 'Those that FAILED.' }),
      successRate: t.float({
        nullable: true,
        description: 'accepted / (accepted + failed): 0 to 1; null without any.',
        resolve: rate,
      }),
      durationP50Ms: t.float({
        nullable: true,
        description: 'Median of their durations in milliseconds; null without any.',
        resolve: (f) => f.p50,
      }),
      durationP95Ms: t.float({
        nullable: true,
        description: '95th percentile of their durations in milliseconds; null without any.',
        resolve: (f) => f.p95,
      }),
      durationMeanMs: t.float({
        nullable: true,
        description: 'Mean of their durations in milliseconds; null without any.',
        resolve: (f) => f.mean,
      }),
    }),
  })

const PatternMetrics = builder.objectRef<Figures & { pattern: string }>('PatternMetrics').implement({
  description: 'How sessions of one pattern did in a window of time.',
  fields: (t) => ({
    pattern: t.field({ type: PatternEnum, description: 'The pattern.', resolve: ({ pattern }) => pattern as never }),
    sessions: t.exposeInt('total', { description: 'Sessions of this pattern, those that still run too.' }),
    succeeded: t.exposeInt('succeeded', { description: 'Those that SUCCEEDED.' }),
    failed: t.exposeInt('failed', { description: 'Those that ended PARTIAL, FAILED or TIMED_OUT.' }),
    successRate: t.float({
      nullable: true,
      description: 'succeeded / (succeeded + failed): 0 to 1; null without any.',
      resolve: rate,
    }),
    durationP50Ms: t.float({
      nullable: true,
      description: 'Median from start to end in milliseconds; null without any.',
      resolve: (f) => f.p50,
    }),
    durationP95Ms: t.float({
      nullable: true,
      description: '95th percentile from start to end in milliseconds; null without any.',
      resolve: (f) => f.p95,
    }),
    durationMeanMs: t.float({
      nullable: true,
      description: 'Mean from start to end in milliseconds; null without any.',
      resolve: (f) => f.mean,
    }),
  }),
})

const StatusMetrics = builder.objectRef<{ status: string; count: number }>('StatusMetrics').implement({
  description: 'How many sessions of a window of time have a status now.',
  fields: (t) => ({
    status: t.field({ type: SessionStatusEnum, description: 'The status.', resolve: ({ status }) => status as never }),
    count: t.exposeInt('count', { description: 'How many sessions have it.' }),
  }),
})

/** Of rows with the columns ok, bad and ms. */
export const FIGURES = `count(*)::int AS total, count(*) FILTER (WHERE ok)::int AS succeeded, count(*) FILTER (WHERE bad)::int AS failed,
  percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) AS p50, percentile_cont(0.95) WITHIN GROUP (ORDER BY ms) AS p95,
  avg(ms) AS mean`
const DURATION = (row: string) => `extract(epoch FROM ${row}."endedAt" - ${row}."startedAt")::float8 * 1000`
const SESSIONS = `SELECT s.*, s.status = 'SUCCEEDED' AS ok, s.status IN ('PARTIAL', 'FAILED', 'TIMED_OUT') AS bad,
    ${DURATION('s')} AS ms
  FROM "Session" s WHERE ($1::uuid[] IS NULL OR s."projectId" = ANY($1)) AND s."createdAt" >= $2 AND s."createdAt" < $3`

/** Settled executions of the window, each where it was done, with the pattern of its session. */
export const EXECUTIONS = `SELECT e."agentId", e."endedAt", s.pattern, e.status = 'ACCEPTED' AS ok, e.status = 'FAILED' AS bad,
    ${DURATION('e')} AS ms
  FROM "Execution" e JOIN "Session" s ON s.id = e."sessionId"
  WHERE ($1::uuid[] IS NULL OR s."projectId" = ANY($1)) AND e."endedAt" >= $2 AND e."endedAt" < $3
    AND e."carriedId" IS NULL`

export const params = ({ projects, since, until }: WindowShape) => [projects, since, until]

export const Metrics = builder.objectRef<WindowShape>('Metrics').implement({
  description: 'What sessions and agents did in a window of time, computed from the rows when asked for.',
  fields: (t) => ({
    since: t.expose('since', { type: 'DateTime', description: 'Begin of the window, included.' }),
    until: t.expose('until', { type: 'DateTime', description: 'End of the window, excluded.' }),
    sessions: t.field({
      type: [StatusMetrics],
      description: 'Sessions accepted in the window by their status now; a list of at most 14, without zeros.',
      complexity: { field: 20, multiplier: 5 },
      resolve: (window, _args, { database }) =>
        database.query<{ status: string; count: number }>(
          `SELECT status::text AS status, count(*)::int AS count FROM (${SESSIONS}) s GROUP BY status ORDER BY status`,
          params(window),
        ),
    }),
    successRate: t.float({
      nullable: true,
      description:
        'Sessions that SUCCEEDED / those that also ended PARTIAL, FAILED or TIMED_OUT: 0 to 1; null without any.',
      complexity: 20,
      resolve: async (window, _args, { database }) => {
        const [figures] = await database.query<Figures>(`SELECT ${FIGURES} FROM (${SESSIONS}) s`, params(window))
        return figures ? rate(figures) : null
      },
    }),
    patterns: t.field({
      type: [PatternMetrics],
      description: 'Per pattern; a list of at most 4.',
      complexity: { field: 20, multiplier: 4 },
      resolve: (window, _args, { database }) =>
        database.query<Figures & { pattern: string }>(
          `SELECT pattern::text AS pattern, ${FIGURES} FROM (${SESSIONS}) s GROUP BY pattern ORDER BY pattern`,
          params(window),
        ),
    }),
    agents: t.field({
      type: [AgentMetrics],
      description: 'Per agent, those with the most executions first; a list of at most 100.',
      complexity: { field: 20, multiplier: 20 },
      resolve: (window, _args, { database }) =>
        database.query<Figures & { name: string; type: string; agentId: string }>(
          `SELECT a.id AS "agentId", a.name, a.type::text AS type, ${FIGURES} FROM
            (${EXECUTIONS}) e
           JOIN "Agent" a ON a.id = e."agentId" GROUP BY a.id, a.name, a.type ORDER BY total DESC, a.name LIMIT 100`,
          params(window),
        ),
    }),
  }),
})

const DAY_MS = 86_400_000

builder.queryField('metrics', (t) =>
  t.field({
    type: Metrics,
    authScopes: LOOK,
    description: 'What sessions and agents did in a window of time.',
    args: {
      project: t.arg.id({ description: 'Of the project with this id; of all projects if left out.' }),
      since: t.arg({
        type: 'DateTime',
        description: 'Begin of the window, included; a day before its end if left out.',
      }),
      until: t.arg({ type: 'DateTime', description: 'End of the window, excluded; now if left out.' }),
    },
    resolve: (_root, { project, since, until }, { viewer }): WindowShape => {
      const end = until ?? new Date()
      const begin = since ?? new Date(end.getTime() - DAY_MS)
      if (begin > end) throw badInput('since is later than until')
      const projects = projectsMeant(viewer, project == null ? undefined : idOf('Project', project))
      return { projects, since: begin, until: end }
    },
  }),
)
