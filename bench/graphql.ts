/**
 * Asks a server over HTTP.
 *
 * @throws unless it answers with data, without errors
 */
export async function ask(
  url: string,
  query: string,
  variables: Readonly<Record<string, unknown>> = {},
): Promise<Record<string, unknown>> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  })
  const { data, errors } = (await response.json()) as { data?: Record<string, unknown>; errors?: unknown }
  if (!data || errors) throw new Error(`${query}\n${JSON.stringify(errors)}`)
  return data
}

/**
 * Does a mutation whose success holds one thing.
 *
 * @param subject name of that thing in the answer
 * @returns its id
 * @throws if it is refused
 */
export async function act(url: string, mutation: string, subject: string, input: object): Promise<string> {
  const type = `${mutation.charAt(0).toUpperCase()}${mutation.slice(1)}`
  const query = `mutation ($input: ${type}Input!) { ${mutation}(input: $input) {
    __typename ... on ${type}Success { ${subject} { id } } ... on Error { message } } }`
  const data = await ask(url, query, { input })
  const answered = data[mutation] as Record<string, { id: string } | undefined>
  const done = answered[subject]
  if (!done) throw new Error(`${mutation}: ${JSON.stringify(answered)}`)
  return done.id
}
