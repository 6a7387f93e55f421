import { builder } from './builder.ts'
import { DateTimeType, DurationType, JsonType } from './scalars.ts'
// One file per noun: its type and its operations.
import './activity.ts'
import './agent.ts'
import './agentVersion.ts'
import './artifact.ts'
import './attempt.ts'
import './audit.ts'
import './budget.ts'
import './checkpoint.ts'
import './compare.ts'
import './control.ts'
import './event.ts'
import './events.ts'
import './execution.ts'
import './family.ts'
import './goOn.ts'
import './health.ts'
import './interrupt.ts'
import './knowledge.ts'
import './metric.ts'
import './metricGroup.ts'
import './node.ts'
import './orchestration.ts'
import './plan.ts'
import './planEdit.ts'
import './plans.ts'
import './policy.ts'
import './progress.ts'
import './project.ts'
import './rateLimit.ts'
import './remember.ts'
import './session.ts'
import './task.ts'
import './token.ts'
import './verdict.ts'
import './viewer.ts'
import './work.ts'
import './workReport.ts'

builder.addScalarType('DateTime', DateTimeType)
builder.addScalarType('Duration', DurationType)
builder.addScalarType('JSON', JsonType)
builder.queryType({ description: 'What can be asked. Nothing here changes anything.' })
builder.mutationType({
  description:
    'What can be done. Every answer is a union: success, or why not. Only over POST with application/json, or WebSocket.',
})
builder.subscriptionType({
  description: 'What can be watched, over WebSocket (graphql-transport-ws) or server-sent events.',
})

/** The whole schema. Pothos sorts it, so schema.graphql only changes where the API does. */
export const schema = builder.toSchema()
