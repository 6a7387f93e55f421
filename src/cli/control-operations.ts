import { graphql } from '../generated/gql/gql.ts'

// What the command line asks of a server to move a session that is there.

export const CancelMutation = graphql(`
  mutation CliCancel($input: CancelSessionInput!) {
    cancelSession(input: $input) {
      __typename
      ... on CancelSessionSuccess {
        session {
          id
          status
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

export const PauseMutation = graphql(`
  mutation CliPause($input: PauseSessionInput!) {
    pauseSession(input: $input) {
      __typename
      ... on PauseSessionSuccess {
        session {
          id
          status
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

export const ResumeMutation = graphql(`
  mutation CliResume($input: ResumeSessionInput!) {
    resumeSession(input: $input) {
      __typename
      ... on ResumeSessionSuccess {
        session {
          id
          status
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

export const InputMutation = graphql(`
  mutation CliSendInput($input: SendInputInput!) {
    sendInput(input: $input) {
      __typename
      ... on SendInputSuccess {
        session {
          id
          status
          policy {
            input
          }
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

export const RollbackMutation = graphql(`
  mutation CliRollback($input: RollbackSessionInput!) {
    rollbackSession(input: $input) {
      __typename
      ... on RollbackSessionSuccess {
        session {
          id
          status
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

export const CheckpointsQuery = graphql(`
  query CliCheckpoints($id: ID!) {
    session(id: $id) {
      checkpoints {
        seq
        createdAt
        execution {
          key
          title
        }
      }
    }
  }
`)
