import { builder } from './builder.ts'
import { badInput } from './errors.ts'
import { EXECUTIONS, type Figures, FIGURES, Metrics, params, rate } from './metric.ts'

/** What executions can be grouped by: the key in SQL, and how long a group of time lasts, in milliseconds. */
const GROUPS = {
  AGENT: { sql: `a.name`, description: 'The agent that was picked; the key is its name.' },
  AGENT_TYPE: { sql: `a.type::text`, description: 'What the agent is for; the key is a value of AgentType.' },
  PATTERN: { sql: `e.pattern::text`, description: 'The pattern of the session; the key is a value of Pattern.' },
  HOUR: {
    sql: timeKey('hour'),
    ms: 3_600_000,
    description: 'The hour in UTC in which they ended; the key is its begin in ISO 8601.',
  },
  DAY: {
    sql: timeKey('day'),
    ms: 86_400_000,
    description: 'The day in UTC in which they ended; the key is its begin in ISO 8601.',
  },
} as const satisfies Record<string, { sql: string; ms?: number; description: string }>

/** Groups that are told at most. */
const MAX_GROUPS = 1_000

function timeKey(unit: string): string {
  return `to_char(date_trunc('${unit}', e."endedAt" AT TIME ZONE 'UTC'), 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`
}

const MetricsGroupBy = builder.enumType('MetricsGroupBy', {
  description: 'What settled executions are grouped by.',
  values: Object.fromEntries(
    Object.entries(GROUPS).map(([value, { description }]) => [value, { value, description }]),
  ) as { [By in keyof typeof GROUPS]: { value: By; description: string } },
})

const MetricsGroup = builder.objectRef<Figures & { key: string }>('MetricsGroup').implement({
  description: 'How one group of settled executions did.',
  fields: (t) => ({
    key: t.exposeString('key', { description: 'What they have in common, as the grouping says.' }),
    executions: t.exposeInt('total', { description: 'How many executions there are.' }),
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
      resolve: ({ p50 }) => p50,
    }),
    durationP95Ms: t.float({
      nullable: true,
      description: '95th percentile of their durations in milliseconds; null without any.',
      resolve: ({ p95 }) => p95,
    }),
    durationMeanMs: t.float({
      nullable: true,
      description: 'Mean of their durations in milliseconds; null without any.',
      resolve: ({ mean }) => mean,
    }),
  }),
})

builder.objectField(Metrics, 'groups', (t) =>
  t.field({
    type: [MetricsGroup],
    description: `Executions that settled in the window and an agent was picked for, in groups by their keys, without empty ones; a list of at most ${MAX_GROUPS}, so a window takes at most as many hours by HOUR, and days by DAY.`,
    complexity: { field: 50, multiplier: 20 },
    args: { by: t.arg({ type: MetricsGroupBy, required: true, description: 'What they are grouped by.' }) },
    resolve: (window, { by }, { database }) => {
      const { sql, ...group } = GROUPS[by]
      const { since, until } = window
      if ('ms' in group && until.getTime() - since.getTime() > MAX_GROUPS * group.ms) {
        throw badInput(`the window has more than ${MAX_GROUPS} groups by ${by}: ask for a shorter one`)
      }
      return database.query<Figures & { key: string }>(
        `SELECT ${sql} AS key, ${FIGURES} FROM (${EXECUTIONS}) e JOIN "Agent" a ON a.id = e."agentId"
         GROUP BY 1 ORDER BY 1 LIMIT ${MAX_GROUPS}`,
        params(window),
      )
    },
  }),
)
