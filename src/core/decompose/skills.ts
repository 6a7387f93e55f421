import type { AgentType } from '../agent.ts'
import { stem, words } from '../text.ts'

/** What kind of agent a piece of work wants, as far as its words say. */
export interface Skills {
  type?: AgentType
  capabilities: string[]
}

interface Rule {
  type: AgentType
  /** Left out where the words tell the kind of work but no particular skill. */
  capability?: string
  verbs?: ReadonlySet<string>
  /** One of these must be there, beside the verb. */
  nouns?: ReadonlySet<string>
  /** And one of these. */
  also?: ReadonlySet<string>
}

const set = (list: string): ReadonlySet<string> => new Set(list.split(' ').map(stem))

const LOOK = 'analyse analyze inspect examine explore map understand study investigate audit assess describe survey'
const CHECK = 'check verify validate test inspect confirm assess determine examine review audit lint decide ensure'
const MAKE = 'write create generate produce build make draft compose update improve add extend prepare complete compile'
const CODE_NOUNS =
  'code change diff patch pull implementation source module function class pr commit codebase repository'

/** The first rule that fits decides; a rule without verbs fits by its nouns alone. */
const RULES: readonly Rule[] = [
  {
    type: 'ANALYSIS',
    capability: 'dependency-cycles',
    nouns: set('cycle circular'),
    also: set('dependency import module circular'),
  },
  {
    type: 'ANALYSIS',
    capability: 'duplication',
    nouns: set('duplicate duplicated duplication'),
    also: set('code codebase repository source clones'),
  },
  { type: 'ANALYSIS', capability: 'churn', nouns: set('churn hotspot') },
  { type: 'DEPLOYMENT', capability: 'dockerfile-check', verbs: set(CHECK), nouns: set('dockerfile') },
  {
    type: 'DEPLOYMENT',
    capability: 'package-check',
    verbs: set(CHECK),
    nouns: set('package tarball'),
    also: set('npm publish published tarball registry manifest'),
  },
  {
    type: 'DEPLOYMENT',
    capability: 'check-release',
    verbs: set(`${CHECK} prepare`),
    nouns: set('release released releasable publishable shippable readiness'),
  },
  {
    type: 'CODEGEN',
    capability: 'generate-types',
    verbs: set('generate create derive write produce make'),
    nouns: set('types typings typescript'),
    also: set('types typings schema definition'),
  },
  {
    type: 'DOCUMENTATION',
    capability: 'api-docs',
    verbs: set(`${MAKE} document describe`),
    nouns: set('api'),
    also: set('documentation docs document reference'),
  },
  {
    type: 'DOCUMENTATION',
    capability: 'write-documentation',
    verbs: set(MAKE),
    nouns: set('documentation docs readme guide manual docstring tutorial handbook wiki'),
  },
  { type: 'DOCUMENTATION', capability: 'write-documentation', verbs: set('document') },
  {
    type: 'TESTING',
    capability: 'run-tests',
    verbs: set('run execute rerun launch perform start'),
    nouns: set('test tests suite spec'),
  },
  { type: 'TESTING', verbs: set(MAKE), nouns: set('test tests spec') },
  { type: 'REVIEW', capability: 'lint', verbs: set('lint') },
  { type: 'REVIEW', capability: 'lint', nouns: set('linter lint linting') },
  {
    type: 'GENERAL',
    capability: 'write-report',
    verbs: set(`${MAKE} summarise compile give deliver`),
    nouns: set('report'),
  },
  {
    type: 'GENERAL',
    capability: 'write-report',
    verbs: set('summarise'),
    nouns: set('finding result outcome everything audit'),
  },
  { type: 'REVIEW', capability: 'review-code', verbs: set('review critique'), nouns: set(CODE_NOUNS) },
  { type: 'REVIEW', verbs: set('review critique proofread') },
  {
    type: 'TESTING',
    capability: 'run-tests',
    verbs: set('check verify ensure confirm'),
    nouns: set('tests'),
    also: set('pass green succeed'),
  },
  {
    type: 'ANALYSIS',
    capability: 'analyse-structure',
    verbs: set(LOOK),
    nouns: set('structure architecture repository codebase project module layout'),
  },
  { type: 'TESTING', verbs: set('test benchmark') },
  { type: 'DEPLOYMENT', verbs: set('deploy release publish ship rollout') },
  {
    type: 'PLANNER',
    verbs: set('plan outline'),
    nouns: set('work project sprint implementation migration roadmap milestone'),
  },
  { type: 'CODEGEN', verbs: set('implement refactor code program debug rewrite port') },
  {
    type: 'CODEGEN',
    verbs: set(`${MAKE} fix develop remove rename replace migrate`),
    nouns: set(
      'code function class script module endpoint feature api bug component application service method interface migration crash error server client cli library',
    ),
  },
  {
    type: 'ANALYSIS',
    verbs: set('analyse analyze investigate profile measure inspect examine audit compare evaluate'),
  },
]

/** An instruction says what it wants within its first words; what follows are particulars. */
const LOOKED_AT = 400

/**
 * The kind of agent and the skills that an instruction asks for. A skill is named only when the words clearly mean it:
 * an agent must offer every one, so a guess would keep able agents out.
 *
 * @param text an instruction, its verb first
 */
export function skillsOf(text: string): Skills {
  const said = words(text.slice(0, LOOKED_AT)).map(stem)
  const all = new Set(said)
  const [verb = ''] = said
  for (const { type, capability, verbs, nouns, also } of RULES) {
    const rest = new Set(said.slice(1))
    if (verbs && !verbs.has(verb)) continue
    const named = verbs ? rest : all
    if (nouns && named.isDisjointFrom(nouns)) continue
    if (also && named.isDisjointFrom(also)) continue
    return { type, capabilities: capability === undefined ? [] : [capability] }
  }
  return { capabilities: [] }
}
