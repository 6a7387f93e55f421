import { graphql } from '../generated/gql/gql.ts'

// Everything that the command line asks of a server.

export const HealthQuery = graphql(`
  query CliHealth {
    health {
      version
      databaseKind
    }
  }
`)

export const ProjectsQuery = graphql(`
  query CliProjects($after: String) {
    projects(first: 100, after: $after) {
      nodes {
        id
        name
        workspace
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`)

export const CreateProjectMutation = graphql(`
  mutation CliCreateProject($input: CreateProjectInput!) {
    createProject(input: $input) {
      __typename
      ... on CreateProjectSuccess {
        project {
          id
          name
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

export const StartMutation = graphql(`
  mutation CliStart($input: StartOrchestrationInput!) {
    startOrchestration(input: $input) {
      __typename
      ... on StartOrchestrationSuccess {
        session {
          id
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

export const ForkMutation = graphql(`
  mutation CliFork($input: ForkSessionInput!) {
    forkSession(input: $input) {
      __typename
      ... on ForkSessionSuccess {
        session {
          id
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

export const RetryMutation = graphql(`
  mutation CliRetry($input: RetrySessionInput!) {
    retrySession(input: $input) {
      __typename
      ... on RetrySessionSuccess {
        session {
          id
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

export const SessionQuery = graphql(`
  query CliSession($id: ID!) {
    session(id: $id) {
      id
      status
      pattern
      reason
      branch
      output
      durationMs
      createdAt
      endedAt
      task {
        title
      }
      analysis {
        complexity
        pattern
        patternReason
        factors {
          name
          contribution
          reason
        }
      }
    }
  }
`)

export const ExecutionsQuery = graphql(`
  query CliExecutions($id: ID!, $after: String) {
    session(id: $id) {
      executions(first: 100, after: $after) {
        nodes {
          id
          key
          title
          status
          attempt
          durationMs
          summary
          child {
            id
          }
          carriedFrom {
            id
            child {
              id
            }
          }
          agent {
            name
          }
          error {
            class
            message
          }
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  }
`)

export const ArtifactsQuery = graphql(`
  query CliArtifacts($filter: ArtifactFilter!, $after: String) {
    artifacts(first: 100, after: $after, filter: $filter, orderBy: { field: NAME, direction: ASC }) {
      nodes {
        name
        kind
        size
        sha256
        url
        execution {
          id
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`)

export const EventsSubscription = graphql(`
  subscription CliEvents($id: ID!, $after: Int!) {
    sessionEvents(sessionId: $id, after: $after) {
      __typename
      ... on SessionEvent {
        event {
          seq
          type
          executionId
          data
          at
          execution {
            agent {
              name
            }
          }
        }
      }
    }
  }
`)

export const ActivitySubscription = graphql(`
  subscription CliActivity($id: ID!) {
    sessionActivity(sessionId: $id) {
      executionId
      seq
      attempt
      text
      at
    }
  }
`)

export const SessionsQuery = graphql(`
  query CliSessions($first: Int!) {
    sessions(first: $first) {
      nodes {
        id
        status
        pattern
        createdAt
        durationMs
        task {
          title
        }
        project {
          name
        }
      }
    }
  }
`)

export const UnfinishedQuery = graphql(`
  query CliUnfinished($first: Int!) {
    sessions(
      first: $first
      filter: { status: [QUEUED, ANALYZING, AWAITING_APPROVAL, RUNNING, INTERRUPTED, PAUSED, CANCELING, ROLLING_BACK] }
    ) {
      nodes {
        id
        status
        task {
          title
        }
      }
    }
  }
`)
