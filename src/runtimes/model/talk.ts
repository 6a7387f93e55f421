import type { ModelMessage, ToolContent } from 'ai'
import { cut } from '../../core/cut.ts'
import { hash } from '../../core/hash.ts'
import type { Json } from '../../core/json.ts'
import type { Activity, Evidence, Work } from '../../runtime.ts'
import { approvalOf, isYes, replyTo } from './approval.ts'
import { type Form, readAnswer } from './answer.ts'
import type { Expectation, ModelDefinition } from './definition.ts'
import type { Failure } from './failure.ts'
import type { Meter } from './meter.ts'
import type { Provider } from './provider.ts'
import { ask, type Call, type Request, type Said } from './request.ts'
import type { Changes, Hands, Question, Tool, ToolResult } from './tool.ts'
import type { Watch } from './watch.ts'

/** A conversation with a model, as far as it has come. It can be put aside while a person is asked. */
export interface Talk {
  messages: ModelMessage[]
  /** Calls that the model has made and nobody has carried out yet. */
  waiting: Call[]
  /** What the calls before these have brought. */
  results: ToolContent
  changes: Changes
  receipts: Evidence[]
  /** Programs that have ended with 0. */
  actions: number
}

/** What a conversation takes. */
export interface Setup {
  provider: Provider
  definition: ModelDefinition
  work: Work
  instructions: string
  tools: readonly Tool[]
  hands: Hands
  form: Form
  expects: Expectation
  meter: Meter
  watch: Watch
  limits: Request['limits']
}

/** How a conversation ended. STOPPED: the watch has fired. */
export type Ending =
  | { kind: 'ANSWER'; output: Json; problems: string[] }
  | { kind: 'ASK'; question: Question }
  /** It says that it is done, and nothing of what was expected has happened. */
  | { kind: 'NOTHING'; why: string }
  | { kind: 'ERROR'; failure: Failure }
  | { kind: 'STOPPED' }

/** Times that a model is told what its answer lacks. */
const MAX_REMINDERS = 2
/** Times in a row that a model may make the same call. */
const MAX_REPEATS = 5
/** Calls whose receipts are kept. */
const MAX_RECEIPTS = 200
/** Characters of a call's arguments that are shown. */
const MAX_SHOWN = 300

export function newTalk(prompt: string): Talk {
  const messages: ModelMessage[] = [{ role: 'user', content: prompt }]
  return { messages, waiting: [], results: [], changes: new Map(), receipts: [], actions: 0 }
}

/** Talks with a model until it has an answer: has its calls carried out, and tells it what its answer lacks. */
export async function* converse(setup: Setup, talk: Talk): AsyncGenerator<Activity, Ending> {
  const { definition, meter, watch, form, work } = setup
  let reminders = 0
  let repeats = 0
  let last = ''
  for (let step = 0; step < definition.maxSteps; step++) {
    const question = yield* carryOut(setup, talk)
    if (watch.signal.aborted) return { kind: 'STOPPED' }
    if (question) return { kind: 'ASK', question }
    const characters = setup.instructions.length + JSON.stringify(talk.messages).length
    const exhausted = meter.exhausted(characters)
    if (exhausted !== undefined) return failed('BUDGET', exhausted)
    const maxOutputTokens = meter.room(characters)
    const said = yield* ask({ ...setup, ...definedSchema(setup), messages: talk.messages, maxOutputTokens })
    // A request that was given up has been worked on, as far as anybody knows.
    if (said.usage?.inputTokens !== undefined || said.began || watch.signal.aborted || !said.failure) {
      meter.charge(said.usage, { input: characters, output: said.characters })
      yield { kind: 'USAGE', text: meter.words() }
    }
    if (watch.signal.aborted) return { kind: 'STOPPED' }
    const failure = said.failure ?? failureOfEnd(said, maxOutputTokens, definition)
    if (failure) return { kind: 'ERROR', failure }
    talk.messages.push(...said.messages)
    for (const call of said.invalid) {
      keepReceipt(talk, call, { ok: false, text: '', detail: { refused: 'INVALID' } })
      yield { kind: 'ACTION', text: `${call.name} refused: there is no such tool, or its arguments do not fit` }
    }
    talk.waiting = said.calls
    if (said.calls.length + said.invalid.length > 0) {
      const calls = hash(said.calls.map(({ name, input }) => ({ name, input })))
      repeats = calls === last && said.calls.length > 0 ? repeats + 1 : 1
      last = calls
      if (repeats >= MAX_REPEATS) {
        return failed('AGENT', `The model made the same call ${MAX_REPEATS} times in a row: ${said.calls[0]?.name}`)
      }
      continue
    }
    const { output, problems } = readAnswer(said.text, form)
    const lacks = [...problems, ...nothingDone(setup, talk), ...(said.text.trim() === '' ? ['it is empty'] : [])]
    if (lacks.length === 0 || reminders === MAX_REMINDERS) {
      const text = said.text.trim()
      if (text === '' && talk.receipts.length === 0) return failed('EMPTY', 'The model said nothing and called no tool')
      const [undone] = nothingDone(setup, talk)
      if (undone !== undefined) {
        return { kind: 'NOTHING', why: `${undone}; ${text === '' ? 'it said nothing' : `it said: ${cut(text, 200)}`}` }
      }
      if (text === '') return { kind: 'NOTHING', why: 'it said nothing' }
      return { kind: 'ANSWER', output, problems }
    }
    reminders++
    talk.messages.push({ role: 'user', content: reminderOf(lacks) })
  }
  const advice = 'Make the part smaller, or allow more by maxSteps.'
  return failed(
    'AGENT',
    `The model was not through after ${definition.maxSteps} answers of ${work.agent.name}. ${advice}`,
  )
}

function failed(errorClass: Failure['class'], message: string): Ending {
  return { kind: 'ERROR', failure: { class: errorClass, message } }
}

function definedSchema({ definition, form }: Setup): Pick<Request, 'schema'> {
  return { schema: definition.structuredOutput ? form.schema : undefined }
}

/** Carries out what the model has called, one after the other. Returns what a person has to be asked first. */
async function* carryOut(setup: Setup, talk: Talk): AsyncGenerator<Activity, Question | undefined> {
  for (let [call] = talk.waiting; call; [call] = talk.waiting) {
    if (setup.watch.signal.aborted) return undefined
    const result = yield* perform(setup, call)
    setup.watch.heard()
    if ('question' in result) return result
    keepReceipt(talk, call, result)
    if (call.name === 'run' && result.ok) talk.actions++
    if (!result.ok) yield { kind: 'ACTION', text: `${call.name} did not work: ${cut(result.text, MAX_SHOWN)}` }
    talk.results.push({
      type: 'tool-result',
      toolCallId: call.id,
      toolName: call.name,
      output: { type: result.ok ? 'text' : 'error-text', value: result.text },
    })
    talk.waiting.shift()
  }
  if (talk.results.length > 0) talk.messages.push({ role: 'tool', content: talk.results })
  talk.results = []
  return undefined
}

async function* perform(
  { tools, hands, definition, work }: Setup,
  call: Call,
): AsyncGenerator<Activity, ToolResult | Question> {
  const tool = tools.find(({ name }) => name === call.name)
  // Whatever a model reads, it has no other tools than these.
  if (!tool) return { ok: false, text: `there is no tool ${call.name}`, detail: { refused: 'UNKNOWN' } }
  const approved: readonly string[] = definition.approve
  if (tool.approve === true || approved.includes(tool.right)) {
    const question = approvalOf(work.agent.name, tool.name, call.input)
    const reply = replyTo(work.replies, question.question)
    if (!reply) return question
    if (!isYes(reply)) {
      const text = `A person refused this call: ${reply.text || 'no reason given'}. Do not make it again; say so in your answer.`
      return { ok: false, text, detail: { refused: 'BY_PERSON' } }
    }
  }
  yield { kind: 'ACTION', text: `${tool.name} ${cut(JSON.stringify(call.input), MAX_SHOWN)}` }
  return yield* tool.perform(hands, call.input)
}

/** What was called, by the hash of its arguments, and what came of it. */
function keepReceipt(talk: Talk, { name, input }: Call, { ok, detail = {} }: ToolResult): void {
  if (talk.receipts.length >= MAX_RECEIPTS) return
  talk.receipts.push({ name, kind: 'TOOL_CALL', passed: ok, detail: { ...detail, argumentsSha256: hash(input) } })
}

/** What was expected and has not happened, in words; empty: nothing is missing. */
function nothingDone({ expects, work }: Setup, { changes, actions }: Talk): string[] {
  if (expects === 'ACTIONS') return actions === 0 ? ['it has run nothing that ended with 0'] : []
  if (expects === 'ANSWER') return []
  const changed = [...changes.values()].filter(({ before, after }) => before !== after)
  // An earlier attempt may have left the files as they have to be.
  if (changed.length > 0 || (work.attempt > 1 && changes.size > 0)) return []
  return ['it has changed no file of the workspace']
}

function reminderOf(lacks: readonly string[]): string {
  const list = lacks.map((one) => `- ${one}`).join('\n')
  return `Your answer cannot be taken:\n${list}\nGo on until it can, or say in your answer why that is impossible.`
}

/** What the end of an answer says about it; undefined: it is whole. */
function failureOfEnd(said: Said, room: number | undefined, { settings }: ModelDefinition): Failure | undefined {
  if (said.finish === 'content-filter') {
    return { class: 'AGENT', message: 'The provider held the answer back: its filter of contents stepped in' }
  }
  if (said.finish === 'error') return { class: 'UNAVAILABLE', message: 'The provider ended its answer with an error' }
  if (said.finish !== 'length') return undefined
  if (room !== undefined && room < (settings.maxOutputTokens ?? Number.POSITIVE_INFINITY)) {
    return {
      class: 'BUDGET',
      message: `The answer did not fit into the ${room} tokens that this attempt may use still`,
    }
  }
  return {
    class: 'TOO_LARGE',
    message: 'The answer was cut off at the limit of tokens: allow more by settings.maxOutputTokens',
  }
}
