import type { Analysis as CoreAnalysis, Factor as CoreFactor } from '../core/analysis.ts'
import { builder } from './builder.ts'
import { PatternEnum } from './enums.ts'

const Factor = builder.objectRef<CoreFactor>('AnalysisFactor').implement({
  description: 'One reason why a task is hard or easy.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'What it is.' }),
    value: t.exposeFloat('value', { description: 'How much of it there is: 0 to 1.' }),
    weight: t.exposeFloat('weight', {
      description: 'Points of complexity that a value of 1 gives; negative for what makes a task easier.',
    }),
    contribution: t.exposeFloat('contribution', {
      description: 'Points that it gives here; all of them add up to the complexity.',
    }),
    reason: t.exposeString('reason', { description: 'A sentence for people.' }),
  }),
})

const Risk = builder.enumType('Risk', {
  description: 'How much harm a task might do.',
  values: {
    LOW: { description: 'Nothing speaks of harm.' },
    MEDIUM: { description: 'One thing does.' },
    HIGH: { description: 'Several things do.' },
  } as const,
})

export const Analysis = builder.objectRef<CoreAnalysis>('Analysis').implement({
  description: 'What can be said of a task before anyone works on it.',
  fields: (t) => ({
    complexity: t.exposeFloat('complexity', { description: '0 to 10, to one decimal.' }),
    factors: t.expose('factors', { type: [Factor], description: 'What made the complexity; a short list.' }),
    pattern: t.expose('pattern', {
      type: PatternEnum,
      description: 'The pattern that fits how the parts hang together.',
    }),
    patternReason: t.exposeString('patternReason', { description: 'Why it does.' }),
    capabilities: t.stringList({
      description: 'Skills that some part or the caller demands; a list of at most as many as were named.',
      resolve: ({ capabilities }) => capabilities,
    }),
    risk: t.expose('risk', { type: Risk, description: 'How much harm it might do.' }),
    riskReasons: t.exposeStringList('riskReasons', { description: 'Why; a short list.' }),
  }),
})
