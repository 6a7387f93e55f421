import { graphql } from '../generated/gql/gql.ts'

// Everything that the tools of the MCP server ask for.

export const ProjectsQuery = graphql(`
  query McpProjects {
    projects(first: 100) {
      nodes {
        id
        name
      }
    }
  }
`)

export const AnalyzeQuery = graphql(`
  query McpAnalyze($input: StartOrchestrationInput!) {
    analyzeTask(input: $input) {
      __typename
      ... on AnalyzeTaskSuccess {
        analysis {
          complexity
          pattern
          patternReason
          risk
          riskReasons
          capabilities
        }
        decomposition
        estimate {
          tokens
          cost
          durationMs
        }
        selections {
          key
          agent {
            name
          }
          reasons
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

export const StartMutation = graphql(`
  mutation McpStart($input: StartOrchestrationInput!) {
    startOrchestration(input: $input) {
      __typename
      ... on StartOrchestrationSuccess {
        session {
          id
          status
          pattern
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

export const SessionQuery = graphql(`
  query McpSession($id: ID!, $filter: InterruptFilter!) {
    session(id: $id) {
      id
      status
      pattern
      reason
      output
      durationMs
      createdAt
      endedAt
      branch
      task {
        title
      }
      executions(first: 100) {
        totalCount
        nodes {
          key
          title
          status
          attempt
          summary
          agent {
            name
          }
          error {
            class
            message
          }
        }
      }
      artifacts(first: 100) {
        totalCount
        nodes {
          id
          name
          mediaType
          size
          url
        }
      }
    }
    interrupts(first: 20, filter: $filter) {
      nodes {
        id
        kind
        question
        choices
        role
      }
    }
  }
`)

export const SessionsQuery = graphql(`
  query McpSessions($first: Int!, $after: String, $filter: SessionFilter) {
    sessions(first: $first, after: $after, filter: $filter) {
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
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`)

export const EventsQuery = graphql(`
  query McpEvents($id: ID!, $first: Int!, $after: String) {
    session(id: $id) {
      status
      endedAt
      events(first: $first, after: $after) {
        nodes {
          seq
          type
          at
          executionId
          data
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  }
`)

export const InterruptsQuery = graphql(`
  query McpInterrupts($filter: InterruptFilter!) {
    interrupts(first: 50, filter: $filter) {
      totalCount
      nodes {
        id
        kind
        question
        shown
        shownHash
        choices
        role
        expiresAt
        session {
          id
          task {
            title
          }
        }
        execution {
          key
        }
      }
    }
  }
`)

export const AnswerMutation = graphql(`
  mutation McpAnswer($input: AnswerInterruptInput!) {
    answerInterrupt(input: $input) {
      __typename
      ... on AnswerInterruptSuccess {
        interrupt {
          id
          status
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

export const CancelMutation = graphql(`
  mutation McpCancel($input: CancelSessionInput!) {
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

export const AgentsQuery = graphql(`
  query McpAgents($filter: AgentFilter) {
    agents(first: 100, filter: $filter) {
      totalCount
      nodes {
        name
        type
        description
        capabilities
        runtime
        status
        reason
        slots
        running
      }
    }
  }
`)

export const SearchKnowledgeQuery = graphql(`
  query McpSearchKnowledge($search: String, $filter: KnowledgeFilter, $first: Int!, $after: String) {
    knowledge(search: $search, filter: $filter, first: $first, after: $after) {
      totalCount
      edges {
        score
        node {
          id
          kind
          title
          text
          tags
          review
          confidence
          freshness
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`)

export const KnowledgeQuery = graphql(`
  query McpKnowledge($id: ID!) {
    node(id: $id) {
      __typename
      ... on Knowledge {
        id
        kind
        title
        text
        tags
        review
        reviewedBy
        reviewReason
        reviewedAt
        confidence
        freshness
        confirmedAt
        expiresAt
        staleAt
        createdAt
        project {
          name
        }
        supersededBy {
          id
        }
        supersedes {
          id
        }
        sources {
          by
          reference
          confidence
          createdAt
          session {
            id
          }
          execution {
            id
          }
          agent {
            name
          }
        }
      }
    }
  }
`)

export const RememberMutation = graphql(`
  mutation McpRemember($input: RememberKnowledgeInput!) {
    rememberKnowledge(input: $input) {
      __typename
      ... on RememberKnowledgeSuccess {
        isNew
        knowledge {
          id
          title
          text
          review
          reviewReason
          confidence
        }
      }
      ... on Error {
        message
      }
    }
  }
`)
