import { graphql } from 'relay-runtime'

/** What Relay asks: its compiler takes these from here and adds ids, types and the queries of later pages. */
export const documents = [
  graphql`
    query tuttiProjectQuery($id: ID!) {
      node(id: $id) {
        ... on Project {
          id
          name
        }
      }
    }
  `,
  graphql`
    query tuttiSessionsQuery($id: ID!, $first: Int!) {
      project(id: $id) {
        ...tutti_sessions @arguments(first: $first)
      }
    }
  `,
  graphql`
    fragment tutti_sessions on Project
    @refetchable(queryName: "tuttiMoreSessionsQuery")
    @argumentDefinitions(first: { type: "Int!" }, after: { type: "String" }) {
      id
      sessions(first: $first, after: $after) @connection(key: "tutti_sessions") {
        totalCount
        edges {
          node {
            id
            status
          }
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  `,
  graphql`
    mutation tuttiRenameMutation($input: UpdateProjectInput!) {
      result: updateProject(input: $input) {
        __typename
        ... on UpdateProjectSuccess {
          project {
            id
            name
          }
        }
        ... on InvalidInputError {
          fields {
            path
            message
          }
        }
        ... on Error {
          code
          message
        }
      }
    }
  `,
  graphql`
    mutation tuttiStartMutation($input: StartOrchestrationInput!) {
      result: startOrchestration(input: $input) {
        __typename
        ... on StartOrchestrationSuccess {
          session {
            id
            status
          }
        }
        ... on InvalidInputError {
          fields {
            path
            message
          }
        }
        ... on Error {
          code
          message
        }
      }
    }
  `,
  graphql`
    subscription tuttiEventsSubscription($id: ID!, $after: Int!) {
      sessionEvents(sessionId: $id, after: $after) {
        __typename
        ... on SessionSnapshot {
          seq
          session {
            id
            status
          }
        }
        ... on SessionEvent {
          cursor
          event {
            seq
            type
          }
        }
      }
    }
  `,
]
