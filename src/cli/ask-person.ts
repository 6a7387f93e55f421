import { CHOICES } from './asked.ts'
import type { Asked } from './interrupts.ts'
import { inWords, oneLine } from './words.ts'

/** An answer as a person has put it together with the keyboard. */
export interface Given {
  choice: string
  text?: string
  data?: unknown
}

/** Chooses one of several that wait; undefined: none of them. */
export async function chooseAsked(all: readonly Asked[]): Promise<Asked | undefined> {
  const { default: select } = await import('@inquirer/select')
  return orLeft(
    select<Asked | undefined>({
      message: 'Which one do you want to answer?',
      choices: [
        ...all.map((asked) => ({ name: `${asked.id.slice(0, 8)}  ${oneLine(asked.question)}`, value: asked })),
        { name: 'none of them now', value: undefined },
      ],
    }),
  )
}

/** Asks for the choice and what it needs; undefined: the person left. */
export async function askPerson(asked: Asked): Promise<Given | undefined> {
  const [{ default: select }, { default: input }] = await Promise.all([
    import('@inquirer/select'),
    import('@inquirer/input'),
  ])
  const choice = await orLeft(
    select<string | undefined>({
      message: 'Your answer',
      choices: [
        ...asked.choices.map((choice) => ({
          name: inWords(choice),
          value: choice,
          description: CHOICES[choice] ?? '',
        })),
        { name: 'not now', value: undefined },
      ],
    }),
  )
  if (choice === undefined) return undefined
  if (choice === 'RAISE') {
    const text = await orLeft(
      input({ message: 'New limits, for instance {"TOKENS": {"hard": 20000}}', required: true, validate: isJson }),
    )
    return text === undefined ? undefined : { choice, data: JSON.parse(text) as unknown }
  }
  if (choice !== 'REJECT' && choice !== 'ANSWER') return { choice }
  const message = choice === 'ANSWER' ? 'The answer' : 'Why (may be left empty)'
  const text = await orLeft(input({ message, required: choice === 'ANSWER' }))
  if (text === undefined) return undefined
  return { choice, ...(text.trim() !== '' && { text: text.trim() }) }
}

function isJson(text: string): true | string {
  try {
    JSON.parse(text)
    return true
  } catch (error) {
    return `That is no JSON: ${(error as Error).message}`
  }
}

/** Ctrl-C in a prompt is no mistake: whoever was asked has left. */
export async function orLeft<Value>(prompt: Promise<Value>): Promise<Value | undefined> {
  try {
    return await prompt
  } catch (error) {
    if ((error as Error).name === 'ExitPromptError') return undefined
    throw error
  }
}
