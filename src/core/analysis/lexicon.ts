import { stem } from '../text.ts'

const set = (list: string): ReadonlySet<string> => new Set(list.trim().split(/\s+/).map(stem))

/** A family of words that makes a task harder or easier, compared by their stems. */
export interface Lexicon {
  /** The name of the factor. */
  name: string
  /** The points of complexity that it gives at most; negative for what makes a task easier. */
  weight: number
  /** How many words give all of that; one in the headline counts for three. */
  full: number
  words: ReadonlySet<string>
  /** What such words say, as the end of a sentence. */
  says: string
}

/**
 * The families and their weights were chosen by how well they order the story points that teams gave to the issues of
 * their own project (the public part of the set complexity_sp, MIT; no other data), where the length of a text says
 * nearly nothing. Weights fitted on some projects do no better on the others than these rounded ones.
 */
export const LEXICONS: readonly Lexicon[] = [
  {
    name: 'building',
    weight: 1.8,
    full: 10,
    says: 'something has to be built',
    words: set(
      `implement support design develop integrate refactor rewrite migrate architect replace handle improve redesign
      rework port introduce extend build parse convert framework infrastructure prototype module functionality feature
      proper properly operation functional generic abstraction engine`,
    ),
  },
  {
    name: 'technical',
    weight: 0.6,
    full: 16,
    says: 'the matter is technical',
    words: set(
      `database storage store data schema event query transaction concurrency concurrent parallel thread lock race cache
      memory performance latency network protocol distributed cluster security authentication authorization encryption
      api backend algorithm compiler parser async asynchronous queue scheduler kernel model metadata replication
      partition index server deploy pipeline integration inference symbolic numeric precision recursion recursive`,
    ),
  },
  {
    name: 'uncertainty',
    weight: 0.4,
    full: 12,
    says: 'something has to be found out first',
    words: set(
      `investigate research explore unclear unknown maybe perhaps possible possibly probably figure somehow evaluate spike
      understand idea consider decide should similar alternative approach discuss experiment study determine ambiguous`,
    ),
  },
  {
    name: 'scope',
    weight: 1.2,
    full: 14,
    says: 'much is affected',
    words: set(
      `all every each entire whole across several multiple many various everywhere everything complete full large area
      scope system part different both existing number order also global`,
    ),
  },
  {
    name: 'constraints',
    weight: 0.3,
    full: 10,
    says: 'something has to be kept',
    words: set(
      `must without only never compatible compatibility backward requirement required constraint ensure guarantee limit
      deadline exactly unless except strict least most preserve keep`,
    ),
  },
  {
    name: 'routine',
    weight: -1.6,
    full: 14,
    says: 'a small change is meant',
    words: set(
      `update upgrade bump version rename typo spelling label link set default text message title name value color colour
      icon button dialog tooltip page wording copyright license spacing space remove delete property match readme comment
      warning deprecated`,
    ),
  },
  {
    name: 'fault',
    weight: -1.2,
    full: 16,
    says: 'a single fault is to be mended',
    words: set(
      `error exception null empty crash fail failing stack trace traceback undefined line reproduce unable cannot path
      found attempt incorrect wrong regression broken`,
    ),
  },
]
