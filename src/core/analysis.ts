import { complexityOf, type Factor } from './analysis/complexity.ts'
import { patternOf } from './analysis/shape.ts'
import type { Decomposition, TaskText } from './decompose.ts'
import type { Pattern } from './plan.ts'
import { stem, words } from './text.ts'

export type { Factor } from './analysis/complexity.ts'

export type Risk = 'LOW' | 'MEDIUM' | 'HIGH'

/** What can be said of a task before anyone works on it. */
export interface Analysis {
  /** 0 to 10, to one decimal. */
  complexity: number
  factors: Factor[]
  /** The collaboration pattern that fits how the parts hang together. */
  pattern: Pattern
  patternReason: string
  /** Every skill that some part or the caller demands, in that order. */
  capabilities: string[]
  risk: Risk
  riskReasons: string[]
}

/**
 * Scores a task and suggests how its parts should be worked on. Depends on nothing but the words and the graph.
 *
 * @param decomposition of the same task, see `decompose`
 */
export function analyze(task: TaskText, decomposition: Decomposition): Analysis {
  const { subTasks } = decomposition
  const headline = task.title.trim() === '' ? (task.description.match(/\S.*/) ?? [''])[0] : task.title
  // Many titles are the beginning of the description, perhaps cut off: what is said once counts once.
  const beginning = headline.trim().replace(/…$/, '')
  const description = task.description.trimStart()
  const body = description.startsWith(beginning) ? description.slice(beginning.length) : description
  const { complexity, factors } = complexityOf(headline, body, subTasks)
  const { pattern, reason } = patternOf(subTasks)
  const capabilities = [...subTasks.flatMap((subTask) => [...subTask.capabilities]), ...(task.capabilities ?? [])]
  return {
    complexity,
    factors,
    pattern,
    patternReason: reason,
    capabilities: [...new Set(capabilities)],
    ...riskOf(`${task.title} ${task.description}`, complexity),
  }
}

const set = (list: string): ReadonlySet<string> => new Set(list.split(' ').map(stem))

interface Danger {
  words: ReadonlySet<string>
  /** What such words mean, before a list of them. */
  says: string
}

const DESTROYS: Danger = {
  words: set('delete drop destroy erase wipe purge truncate overwrite reset revoke uninstall rm force irreversible'),
  says: 'It destroys or overwrites something',
}
const REACHES_PEOPLE: Danger = {
  words: set(
    'deploy publish release rollout ship production live customer migrate migration email notify announce broadcast',
  ),
  says: 'Its effects reach other people or a running system',
}
const CONFIDENTIAL: Danger = {
  words: set(
    'password credential secret token payment pay invoice bank salary personal private privacy gdpr security authentication permission encryption',
  ),
  says: 'It touches money, secrets or personal data',
}

/** A task this complex is likely to surprise. */
const COMPLEX = 7

/** How much of a text is looked through for dangerous words, in characters. */
const LOOKED_AT = 20_000

/** A participle is no danger: `check that it can be released` releases nothing. */
function riskOf(text: string, complexity: number): { risk: Risk; riskReasons: string[] } {
  const said = words(text.slice(0, LOOKED_AT))
  const riskReasons: string[] = []
  let found = 0
  for (const danger of [DESTROYS, REACHES_PEOPLE, CONFIDENTIAL]) {
    const telling = [...new Set(said.filter((word) => danger.words.has(stem(word)) && !word.endsWith('ed')))].slice(
      0,
      4,
    )
    if (telling.length === 0) continue
    found++
    riskReasons.push(`${danger.says}: ${telling.join(', ')}.`)
  }
  if (complexity >= COMPLEX) {
    found++
    riskReasons.push(`Its complexity of ${complexity} is high.`)
  }
  if (found === 0) riskReasons.push('No word of it speaks of destruction, of other people or of confidential matters.')
  return { risk: found === 0 ? 'LOW' : found === 1 ? 'MEDIUM' : 'HIGH', riskReasons }
}
