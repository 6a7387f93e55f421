/** What the clients are asked, in GraphQL. Relay compiles its own: relay/tutti.js. */
export const DOCUMENTS = {
  Project: `query Project($id: ID!) {
    node(id: $id) { ... on Project { id name } }
  }`,
  Sessions: `query Sessions($id: ID!, $first: Int!, $after: String) {
    node(id: $id) {
      ... on Project {
        id
        sessions(first: $first, after: $after) {
          totalCount
          edges { cursor node { id status } }
          pageInfo { hasNextPage endCursor }
        }
      }
    }
  }`,
  Rename: `mutation Rename($input: UpdateProjectInput!) {
    result: updateProject(input: $input) {
      __typename
      ... on UpdateProjectSuccess { project { id name } }
      ... on InvalidInputError { fields { path message } }
      ... on Error { code message }
    }
  }`,
  Start: `mutation Start($input: StartOrchestrationInput!) {
    result: startOrchestration(input: $input) {
      __typename
      ... on StartOrchestrationSuccess { session { id status } }
      ... on InvalidInputError { fields { path message } }
      ... on Error { code message }
    }
  }`,
  Events: `subscription Events($id: ID!, $after: Int!) {
    sessionEvents(sessionId: $id, after: $after) {
      __typename
      ... on SessionSnapshot { seq session { id status } }
      ... on SessionEvent { cursor event { seq type } }
    }
  }`,
} as const

export type DocumentName = keyof typeof DOCUMENTS
