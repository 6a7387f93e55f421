import type { TypedDocumentString } from '../generated/gql/graphql.ts'

/**
 * Asks the GraphQL API in the name of whoever uses the tools.
 *
 * @throws with the server's words if it refuses
 */
export type Ask = <Result, Variables>(
  document: TypedDocumentString<Result, Variables>,
  variables: Variables,
) => Promise<Result>

/** What the API says of something that it did not do. */
interface Refusal {
  __typename: string
  message: string
}

/** The API did not do what a tool was called for. The message is the server's. */
export class Refused extends Error {
  override name = 'Refused'
}

/** The success in a result. @throws Refused with the server's words for any other one */
export function succeeded<Result extends { __typename: string }>(result: Result): Exclude<Result, Refusal> {
  if ('message' in result) throw new Refused(String(result.message))
  return result as Exclude<Result, Refusal>
}
