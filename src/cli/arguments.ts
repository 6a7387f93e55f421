import { InvalidArgumentError } from 'commander'

const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }
/** A week: longer sessions are a mistake. */
const LONGEST_MS = 168 * 3_600_000

/**
 * A length of time in milliseconds: a number with ms, s, m or h, also several of them as in 1h30m.
 *
 * @throws InvalidArgumentError if it is none, or not from 1 ms to 168 h
 */
export function parseDuration(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)]
  const whole = parts.map(([part]) => part).join('') === text.trim() && parts.length > 0
  const ms = Math.round(parts.reduce((sum, [, number, unit]) => sum + Number(number) * (UNITS[unit as string] ?? 0), 0))
  if (!whole || ms < 1 || ms > LONGEST_MS) {
    throw new InvalidArgumentError('It wants a length of time such as 90s, 10m or 1h30m, up to 168h.')
  }
  return ms
}

const DAY_MS = 86_400_000
/** Ten years: what shall hold for longer needs no end. */
const FURTHEST_MS = 3_660 * DAY_MS

/**
 * A point in time to come: a length of time from now on, in days (30d) or as `parseDuration` takes it, or a date.
 *
 * @throws InvalidArgumentError if it is none, is over, or is more than ten years away
 */
export function parseExpiry(text: string): Date {
  const [, days] = /^(\d{1,4})d$/.exec(text.trim()) ?? []
  const at = /^\d{4}-/.test(text)
    ? Date.parse(text)
    : Date.now() + (days === undefined ? parseDuration(text) : Number(days) * DAY_MS)
  const ms = at - Date.now()
  if (ms > 0 && ms <= FURTHEST_MS) return new Date(at)
  throw new InvalidArgumentError('It wants a time to come, such as 30d, 12h or 2030-01-31, within ten years.')
}

/** @throws InvalidArgumentError if it is no whole number from `min` to `max` */
export const wholeNumber =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text)
    if (text.trim() !== '' && Number.isInteger(value) && value >= min && value <= max) return value
    throw new InvalidArgumentError(`It wants a whole number from ${min} to ${max}.`)
  }

/** @throws InvalidArgumentError if it is none of `choices`, in whatever case */
export const oneOf =
  <Choice extends string>(choices: readonly Choice[]) =>
  (text: string): Choice => {
    const choice = choices.find((candidate) => candidate.toLowerCase() === text.toLowerCase())
    if (choice !== undefined) return choice
    throw new InvalidArgumentError(`It is one of ${choices.join(', ')}.`)
  }

/** @throws InvalidArgumentError if it is no JSON */
export function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new InvalidArgumentError(`It wants JSON: ${(error as Error).message}`)
  }
}

/**
 * The address of a server, without a path.
 *
 * @throws InvalidArgumentError if it is no address with http or https
 */
export function parseServer(text: string): string {
  const url = URL.parse(text.includes('://') ? text : `http://${text}`)
  if (url?.protocol.startsWith('http') === true && url.hostname !== '') return url.origin
  throw new InvalidArgumentError('It wants an address such as http://127.0.0.1:4000.')
}

/** A task may begin with a list. What has a space behind its dashes is no option; one in front tells the parser so. */
export const asWords = (argument: string): string => (/^-+\s/.test(argument) ? ` ${argument}` : argument)
