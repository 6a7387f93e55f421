import { z } from 'zod'
import type { Account as CoreAccount, Budget, Unit, UnitLimits } from '../core/budget.ts'
import { UNITS } from '../core/budget.ts'
import { builder } from './builder.ts'
import { enumOf } from './enums.ts'
import * as rules from './rules.ts'

export const UnitEnum = enumOf('BudgetUnit', 'What a budget counts.', UNITS, {
  TOKENS: 'Tokens of models, in and out.',
  COST: 'US dollars.',
  WALL_TIME: 'Milliseconds from the start, without the time that the session waits for people.',
  EXECUTIONS: 'Executions that were begun.',
  DEPTH: 'Levels of sessions below each other, the session itself included.',
})

const Account = builder.objectRef<CoreAccount & { unit: Unit }>('BudgetAccount').implement({
  description: 'One unit of the budget of a session, with all sessions below it.',
  fields: (t) => ({
    unit: t.field({ type: UnitEnum, description: 'What is counted, and in which unit.', resolve: ({ unit }) => unit }),
    soft: t.float({
      nullable: true,
      description: 'A person is asked once so much is used; null: nobody is.',
      resolve: ({ soft }) => soft,
    }),
    hard: t.float({
      nullable: true,
      description: 'Nothing begins that could go beyond, and what is there counts; null: there is no limit.',
      resolve: ({ hard }) => hard,
    }),
    used: t.exposeFloat('used', { description: 'What has been used.' }),
    reserved: t.exposeFloat('reserved', { description: 'What running attempts and child sessions may still use.' }),
  }),
})

builder.prismaObjectField('Session', 'budget', (t) =>
  t.field({
    type: [Account],
    description: 'What it may use and has used, by unit; a list of 5.',
    select: { budget: true },
    resolve: ({ budget }) => UNITS.map((unit) => ({ unit, ...(budget as unknown as Budget)[unit] })),
  }),
)

const UnitLimitsInput = builder.inputType('UnitLimitsInput', {
  description: 'Limits of one unit of a budget; both are more than 0.',
  fields: (t) => ({
    soft: t.float({ description: 'A person is asked once so much is used; at most the hard limit.' }),
    hard: t.float({ description: 'Nothing begins that could go beyond.' }),
  }),
})

export const BudgetInput = builder.inputType('BudgetInput', {
  description: 'What a session may use, with all sessions below it; what is left out has no limit.',
  fields: (t) => ({
    tokens: t.field({ type: UnitLimitsInput, description: 'Tokens of models, in and out.' }),
    cost: t.field({ type: UnitLimitsInput, description: 'US dollars.' }),
    wallTimeMs: t.field({
      type: UnitLimitsInput,
      description: 'Milliseconds from its start, without the time that it waits for people.',
    }),
    executions: t.field({ type: UnitLimitsInput, description: 'Executions that are begun.' }),
    depth: t.int({ description: 'Levels of sessions below each other, itself included: 1 or more.' }),
  }),
})

const limit = z.number().positive('must be more than 0').max(Number.MAX_SAFE_INTEGER, 'is more than can be counted')
const unitRules = rules
  .object({ soft: rules.optional(limit), hard: rules.optional(limit) })
  .refine(({ soft = 0, hard = Number.POSITIVE_INFINITY }) => soft <= hard, {
    path: ['soft'],
    message: 'is more than the hard limit',
  })

export const budgetRules = rules
  .object({
    tokens: rules.optional(unitRules),
    cost: rules.optional(unitRules),
    wallTimeMs: rules.optional(unitRules),
    executions: rules.optional(unitRules),
    depth: rules.optional(rules.whole(1, 100)),
  })
  .transform(({ tokens, cost, wallTimeMs, executions, depth }): Partial<Record<Unit, UnitLimits>> => ({
    ...(tokens && { TOKENS: tokens }),
    ...(cost && { COST: cost }),
    ...(wallTimeMs && { WALL_TIME: wallTimeMs }),
    ...(executions && { EXECUTIONS: executions }),
    ...(depth !== undefined && { DEPTH: { hard: depth } }),
  }))

/** What an attempt or a child session may use; see core/budget. */
export const Amounts = builder.objectRef<{ tokens: number; cost: number; executions: number }>('Amounts').implement({
  description: 'What an attempt or a child session may use of a budget.',
  fields: (t) => ({
    tokens: t.exposeFloat('tokens', { description: 'Tokens of models, in and out; 0: there is no limit.' }),
    cost: t.exposeFloat('cost', { description: 'US dollars; 0: there is no limit.' }),
    executions: t.exposeFloat('executions', { description: 'Executions; 0: there is no limit, or it is an attempt.' }),
  }),
})
