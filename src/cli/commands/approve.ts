import type { Choice } from '../../core/interrupt.ts'
import { askPerson, chooseAsked, type Given } from '../ask-person.ts'
import { answers, askedInFull, askedTable } from '../asked.ts'
import { Failure } from '../failure.ts'
import type { ServerOptions } from '../home.ts'
import { AnswerMutation } from '../interrupt-operations.ts'
import { askedOf, type Asked, findAsked } from '../interrupts.ts'
import { succeeded } from '../mutation.ts'
import { paintFor } from '../render/paint.ts'
import { uuidOf } from '../result.ts'
import { openServer, type Server } from '../server.ts'
import { typedFor } from '../typed.ts'
import { inWords, oneLine, sessionInWords } from '../words.ts'

interface ApproveOptions extends ServerOptions {
  choice?: Choice
  reject?: boolean
  text?: string
  data?: unknown
  list?: boolean
  session?: string
  json?: boolean
  /** False: no colours. */
  color: boolean
}

/** `tutti approve`: lists what waits for a person, or answers it. Returns the exit code. */
export async function approve(beginning: string | undefined, options: ApproveOptions): Promise<number> {
  const server = await openServer(options, { embed: false, say: () => {} })
  try {
    if (beginning === undefined || options.list === true) return await list(server, options)
    return await answer(server, await findAsked(server.client, beginning), options)
  } finally {
    await server.close()
  }
}

/** Whether somebody sits at the keyboard who sees what is asked. */
const inTerminal = ({ json }: ApproveOptions): boolean =>
  json !== true && process.stdin.isTTY === true && process.stdout.isTTY === true

async function list(server: Server, options: ApproveOptions): Promise<number> {
  const given = givenIn(options)
  if (given) throw new Failure('Say which one: `tutti approve <interrupt>`. `tutti approve --list` lists them.')
  const all = await askedOf(server.client, options.session)
  if (options.json === true) process.stdout.write(`${JSON.stringify(all, null, 2)}\n`)
  else if (all.length === 0) process.stdout.write('Nothing waits for you.\n')
  else {
    process.stdout.write(`${askedTable(all, process.stdout.columns || undefined).join('\n')}\n`)
    if (options.list !== true && inTerminal(options)) {
      const one = await chooseAsked(all)
      return one === undefined ? 0 : answer(server, one, options)
    }
    const typed = typedFor(options)
    process.stdout.write(
      `\nNext: ${typed('approve <interrupt>')}   (shows what is asked, and the answers that it takes)\n`,
    )
  }
  return 0
}

function givenIn({ choice, reject, text, data }: ApproveOptions): Given | undefined {
  if (reject === true && choice !== undefined && choice !== 'REJECT') {
    throw new Failure(`--reject and --choice ${choice} contradict each other: give one of them.`)
  }
  const chosen = reject === true ? 'REJECT' : choice
  const more = { ...(text !== undefined && { text }), ...(data !== undefined && { data }) }
  return chosen === undefined ? undefined : { choice: chosen, ...more }
}

async function answer(server: Server, asked: Asked, options: ApproveOptions): Promise<number> {
  const typed = typedFor(options)
  const show = (): void => {
    const lines = askedInFull(asked, paintFor(process.stdout, options.color))
    process.stdout.write(`${lines.join('\n')}\n`)
  }
  let given = givenIn(options)
  if (!given && inTerminal(options)) {
    show()
    given = await askPerson(asked)
    if (!given) {
      process.stdout.write('Nothing was answered: it still waits.\n')
      return 1
    }
  }
  if (!given) {
    // A program that waits for words on stdin would wait for ever, and silence is no consent.
    if (options.json === true) process.stdout.write(`${JSON.stringify(asked, null, 2)}\n`)
    else show()
    const ways = answers(asked, typed).join('\n')
    process.stderr.write(`tutti: Nothing was answered, since no choice was given. Answer with one of these:\n${ways}\n`)
    return 1
  }
  if (given.choice === 'ANSWER' && given.text === undefined && given.data === undefined) {
    throw new Failure('An answer says something: give it with --text or --data.')
  }
  const { answerInterrupt } = await server.client.ask(AnswerMutation, {
    input: {
      id: asked.id,
      choice: given.choice as Choice,
      shownHash: asked.shownHash,
      ...(given.text !== undefined && { text: given.text }),
      ...(given.data !== undefined && { data: given.data }),
    },
  })
  const { interrupt } = succeeded(answerInterrupt)
  const session = { id: uuidOf(interrupt.session.id), status: interrupt.session.status }
  if (options.json === true) {
    const { id, status, answeredBy } = interrupt
    const told = { id: uuidOf(id), status, choice: given.choice, answeredBy: answeredBy ?? null }
    process.stdout.write(`${JSON.stringify({ interrupt: told, session }, null, 2)}\n`)
  } else {
    process.stdout.write(
      `Answered "${oneLine(asked.question)}": ${inWords(given.choice)}. The session is ${sessionInWords(session.status)}. Show it with: ${typed(`watch ${session.id}`)}\n`,
    )
  }
  return 0
}
