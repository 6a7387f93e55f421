import { Failure } from './failure.ts'

/** The outcomes of a mutation: one success, and errors that say what to do. */
interface Outcome {
  __typename: string
  message?: string
}

type SuccessOf<Result extends Outcome> = Extract<Result, { __typename: `${string}Success` }>

/**
 * The success of a mutation.
 *
 * @throws Failure with the server's words if it was refused
 */
export function succeeded<Result extends Outcome>(result: Result): SuccessOf<Result> {
  if (result.__typename.endsWith('Success')) return result as SuccessOf<Result>
  throw new Failure(result.message ?? `The server refuses: ${result.__typename}`)
}
