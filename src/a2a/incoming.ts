import type { Message } from '@a2a-js/sdk'
import { ContentTypeNotSupportedError, RequestMalformedError } from '@a2a-js/sdk/errors'
import { type Answer, type Choice, CHOICES } from '../core/interrupt.ts'
import { isTooDeep, type Json, MAX_DEPTH, wellFormed, wellFormedText } from '../core/json.ts'
import type { Ask } from './read.ts'

/** What somebody says. */
export interface Said {
  text: string
  /** Pieces of data. */
  data: Json[]
}

/** Characters of a message, and of an id that somebody else makes up. */
const TEXT_LENGTH = 100_000
const ID_LENGTH = 200
const TITLE_LENGTH = 200

/** Whether something can be the id of a message or a context. */
export const isId = (text: string): boolean => text.length <= ID_LENGTH && /^[\x20-\x7e]+$/.test(text)

/** @throws RequestMalformedError, ContentTypeNotSupportedError with what to do */
export function saidIn({ parts, messageId, contextId }: Message): Said {
  for (const id of [messageId, contextId]) {
    if (id !== '' && !isId(id)) {
      throw new RequestMalformedError(
        `messageId and contextId have at most ${ID_LENGTH} printable characters of ASCII.`,
      )
    }
  }
  const texts: string[] = []
  const data: Json[] = []
  for (const { content } of parts) {
    if (content?.$case === 'text') texts.push(wellFormedText(content.value))
    else if (content?.$case === 'data') {
      const value = (content.value ?? null) as Json
      if (isTooDeep(value)) throw new RequestMalformedError(`Data is nested deeper than ${MAX_DEPTH} levels.`)
      data.push(wellFormed(value))
    } else
      throw new ContentTypeNotSupportedError('Only text and data are taken: put what a file holds into a text part.')
  }
  const text = texts.join('\n').trim()
  const characters = text.length + JSON.stringify(data).length
  if (characters > TEXT_LENGTH) {
    throw new RequestMalformedError(`The message has ${characters} characters, the limit is ${TEXT_LENGTH}.`)
  }
  return { text, data }
}

/** @throws RequestMalformedError if nothing is said */
export function taskIn({ text, data }: Said): { title: string; description: string } {
  if (text === '') throw new RequestMalformedError('Say in a text part what is to be done.')
  const line = text.split('\n').find((candidate) => candidate.trim() !== '') ?? ''
  const title = line.trim().slice(0, TITLE_LENGTH).toWellFormed()
  const facts = data.map((value) => `\`\`\`json\n${JSON.stringify(value, undefined, 2)}\n\`\`\``)
  const description = [text === title ? '' : text, ...facts].filter((part) => part !== '').join('\n\n')
  return { title, description }
}

/** What is answered, and to which of the open questions. */
export interface Answered {
  ask: Ask
  answer: Answer
  shownHash?: string
}

/**
 * What an answer means. Data with a `choice` says it exactly, and may name the interrupt; words are the answer to a
 * question, or name a choice; without a name the oldest question is meant.
 *
 * @param asks open ones, the oldest first
 * @throws RequestMalformedError if it does not fit the question
 */
export function answerIn({ text, data }: Said, asks: readonly [Ask, ...Ask[]]): Answered {
  const exact = data.find(
    (value) =>
      value !== null &&
      typeof value === 'object' &&
      !Array.isArray(value) &&
      ('choice' in value || 'interruptId' in value),
  )
  const given = (exact ?? {}) as Record<string, Json>
  const ask = given['interruptId'] === undefined ? asks[0] : asks.find(({ id }) => id === given['interruptId'])
  if (!ask) throw new RequestMalformedError('There is no open interrupt with this interruptId.')
  const words = typeof given['text'] === 'string' ? given['text'] : text
  const rest = exact === undefined ? (data.length > 1 ? data : data[0]) : given['data']
  const { shownHash } = given
  return {
    ask,
    answer: {
      choice: choiceIn(given['choice'], words, ask),
      ...(words !== '' && { text: words }),
      ...(rest !== undefined && { data: rest }),
    },
    ...(typeof shownHash === 'string' && { shownHash }),
  }
}

function choiceIn(given: Json | undefined, words: string, { choices, question }: Ask): Choice {
  const isChoice = (word: string): word is Choice => choices.includes(word) && CHOICES.includes(word as Choice)
  const named = (typeof given === 'string' ? given : words).trim().toUpperCase()
  if (isChoice(named)) return named
  if (given === undefined && choices.includes('ANSWER')) return 'ANSWER'
  throw new RequestMalformedError(
    `"${question}" is answered with one of ${choices.join(', ')}: as the only word, or as data {"choice": …, "text": …}.`,
  )
}
