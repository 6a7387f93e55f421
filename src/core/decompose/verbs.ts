import { stem } from '../text.ts'

/** Base forms that are hardly ever nouns: one after a comma or an `and` begins a new action. */
const VERBS: ReadonlySet<string> = new Set(
  `know wake accept achieve acquire activate adapt add adjust advise allocate allow analyse analyze annotate announce apply appoint
  arrange ask assemble assess assign assist attach attend authenticate automate avoid backup become begin borrow bring
  build bump buy calculate capture carry categorize choose clarify classify clean clear clone close collect combine
  compare compile compose compress compute conduct configure confirm connect consider consolidate construct consult
  contact containerize convert coordinate correct create crop customize debug decide decode decompose decrease decrypt
  deduplicate define delete deliver demonstrate deploy deprecate derive describe detect determine develop diagnose
  disable discover discuss display distribute divide donate download drop duplicate edit eliminate embed employ enable
  encode encrypt enforce enhance enroll ensure enter enumerate establish evaluate examine execute expand explain explore
  expose extend extract fetch fill find finish fix flag flash follow forecast format generate get give go grab group grow
  handle help hire identify illustrate implement import improve include incorporate increase indicate inform initialize
  inquire insert inspect install instruct integrate invest investigate invite invoke isolate join keep kill
  learn list listen load locate login lower maintain make manage measure merge migrate minimize modify modernize move
  navigate normalize notify obtain occur open optimize order organise organize outline overlay pay perform persist
  place play post practice predict prepare prevent proceed produce program propose prove provide publish pull purchase
  push put qualify query quote raise read rebuild recalculate receive recommend reconcile recover redesign reduce
  redirect refactor refine refresh register reject remember remind remove rename render renew reorganize repair
  rephrase replace reproduce request rerun reschedule research reserve reset resize resolve restore restructure
  retrieve reuse revert revise rewrite roll rotate save scrape see seek select sell send serve set share ship shorten
  show simplify simulate solve sort speak specify split stabilize standardise standardize start stop store streamline
  strengthen submit suggest summarise summarize supply surface switch sync synchronize synthesize tag take talk teach
  tell tidy track trace train transcribe transfer transform translate transmit triage try tune turn understand undo
  unify uninstall unlock untangle unzip update upgrade upload use utilize validate vectorize verify visualise visualize
  wait walk watch withdraw wrap write zip mix stitch apply append enrol audit lint benchmark deduce diff mock seed
  commit rebase bundle minify transpile vacuum archive broadcast schedule book print cancel check review test call search
  rate rank view count cut copy filter stream record report monitor plan design document draft change
  draw sketch guess score estimate profile map model plot sign sketch stage study sum survey target trade travel trim
  value visit voice vote work mail email message text drive ride rent lease land log label host guide grade function
  forward focus file experience exercise exchange escape end dispatch debate cover cost correct contrast control convert
  cook conclude comment code chart cast care brief break branch block blend bill balance
  back attempt answer aim advance act access abstract crawl index cache patch fork scan sample
  release package paraphrase interpret enumerate infer inventory run return respond restart retry route revoke scaffold secure
  separate answer lead match mark link limit lay inspect restructure propagate pin ping populate present preserve probe
  process promote protect provision prune raise randomize repeat require rewrite stitch stretch subscribe support`
    .trim()
    .split(/\s+/),
)

/** Base forms that are as often nouns: what follows them has to be looked at. */
const ALSO_NOUNS: ReadonlySet<string> = new Set(
  `report test review plan design document draft change call search rate rank view count cut copy filter stream record
  monitor guess score estimate profile map model plot sign stage study sum survey target trade travel trim value visit
  voice vote work mail email message text drive ride rent lease land log label host guide grade function forward focus
  file experience exercise exchange escape end dispatch debate cover cost correct contrast control cook comment code
  chart cast care brief break branch block blend bill balance back attempt answer aim advance act access abstract crawl
  index cache patch fork scan sample release package order place play post practice program pull push quote
  request research reserve reset surface switch tag take talk track trace train transfer transform turn upgrade update
  upload use wait walk watch wrap download drop duplicate display group handle help import increase list load lower
  match open present print process purchase query set share ship show sort split start stop store supply format flash
  flag fix fill clone close clean clear audit benchmark mix seed commit bundle mock diff archive broadcast schedule book
  cancel check backup result back repair format key limit lint inventory`
    .trim()
    .split(/\s+/),
)

/** What follows a word that is a noun there: the second half of a compound, or the rest of a phrase. */
const NOUN_TAILS: ReadonlySet<string> = new Set(
  `and or of is are was were will can must should has have that's report reports plan plans data case cases suite suites coverage
  result results environment environments process processes request requests list lists number numbers name names date
  dates time times page pages form forms system systems service services team teams history status details information
  model models sets id ids pattern patterns comments comment level levels size sizes type types value values key keys
  rate rates station stations price prices notes note card cards account accounts address balance quality flow runner
  field fields output outputs format formats design documentation logic features feature speed channel channels log logs`
    .trim()
    .split(/\s+/),
)

/** Words that begin no action although something like an object follows: what an unknown verb is told apart from. */
const NO_VERBS: ReadonlySet<string> = new Set(
  `i we you he she it they this that these those there here the a an my our your his her its their some any all each every
  both no not only just even still in on at by for from with without within into onto over under above below behind
  between among across along around about after before until till since during through throughout toward towards upon
  via per than like unlike as of to off out up down near beside besides despite except plus minus if whether when where
  why how what which who whom whose while once because so and or but nor yet then also is are was were be been being am
  do does did has have had can could will would shall should may might must let's one two three four five six seven
  eight nine ten first second third last next finally half most many few several such same other another inside outside
  once twice against regarding concerning including excluding given considering although though however perhaps maybe who's what's it's that's there's`
    .trim()
    .split(/\s+/),
)

const DETERMINERS = /^(?:the|a|an|this|that|these|those|its|my|our|your|their|all|each|every|both|any|some|me|us|them)$/

/** From a stem to its base form, for turning `running` back into `run`. */
const BASES: ReadonlyMap<string, string> = new Map([...VERBS].toReversed().map((verb) => [stem(verb), verb]))

/** The base form of a gerund of a known verb (`running` -> `run`), or nothing. */
export function baseOfGerund(word: string): string | undefined {
  return word.endsWith('ing') && !VERBS.has(word) ? BASES.get(stem(word)) : undefined
}

/** Whether a lower-case word is the base form of a known verb, be it a noun too. */
export function isBaseForm(word: string): boolean {
  return VERBS.has(word)
}

/**
 * Whether a lower-case word begins an action.
 *
 * @param next the word after it in lower case, a punctuation mark, or '' at the end
 */
export function beginsAction(word: string, next: string): boolean {
  if (word === 'do') return DETERMINERS.test(next)
  if (VERBS.has(word)) return !ALSO_NOUNS.has(word) || !(next === '' || /^[,;:]$/.test(next) || NOUN_TAILS.has(next))
  return (
    DETERMINERS.test(next) &&
    !NO_VERBS.has(word) &&
    /^\p{L}{3,}$/u.test(word) &&
    !/(?:ly|..ing|[^e]ed|[^s]s)$/.test(word)
  )
}
