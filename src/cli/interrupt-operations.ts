import { graphql } from '../generated/gql/gql.ts'

// What the command line asks of a server about what waits for people.

export const InterruptsQuery = graphql(`
  query CliInterrupts($filter: InterruptFilter, $after: String) {
    interrupts(first: 100, after: $after, filter: $filter) {
      nodes {
        id
        kind
        question
        shown
        shownHash
        choices
        role
        onExpiry {
          choice
        }
        createdAt
        expiresAt
        execution {
          key
        }
        session {
          id
          task {
            title
          }
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`)

export const AnswerMutation = graphql(`
  mutation CliAnswer($input: AnswerInterruptInput!) {
    answerInterrupt(input: $input) {
      __typename
      ... on AnswerInterruptSuccess {
        interrupt {
          id
          status
          answeredBy
          session {
            id
            status
          }
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

export const InterruptQuery = graphql(`
  query CliInterrupt($id: ID!) {
    node(id: $id) {
      __typename
      ... on Interrupt {
        status
        answeredBy
        answer {
          choice
        }
      }
    }
  }
`)
