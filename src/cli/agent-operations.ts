import { graphql } from '../generated/gql/gql.ts'

// What the command line asks of a server about agents.

export const AgentsQuery = graphql(`
  query CliAgents($after: String, $filter: AgentFilter) {
    agents(first: 100, after: $after, filter: $filter) {
      nodes {
        id
        name
        project {
          name
        }
        type
        runtime
        version
        status
        reason
        capabilities
        slots
        origin
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`)

export const RuntimesQuery = graphql(`
  query CliRuntimes {
    health {
      runtimes
    }
  }
`)

export const RegisterAgentMutation = graphql(`
  mutation CliRegisterAgent($input: RegisterAgentInput!) {
    registerAgent(input: $input) {
      __typename
      ... on RegisterAgentSuccess {
        changed
        agent {
          id
          name
          project {
            name
          }
          type
          runtime
          version
          status
          reason
          capabilities
          slots
          origin
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

/** What is registered of an agent, to register it elsewhere too. */
export const RegistrationQuery = graphql(`
  query CliRegistration($id: ID!) {
    node(id: $id) {
      __typename
      ... on Agent {
        name
        type
        description
        capabilities
        runtime
        runtimeConfig
        slots
        workspace
        timeouts {
          queueMs
          attemptMs
          idleMs
        }
      }
    }
  }
`)

export const ArchiveAgentMutation = graphql(`
  mutation CliArchiveAgent($input: ArchiveAgentInput!) {
    archiveAgent(input: $input) {
      __typename
      ... on Error {
        message
      }
    }
  }
`)

export const ArchiveProjectMutation = graphql(`
  mutation CliArchiveProject($input: ArchiveProjectInput!) {
    archiveProject(input: $input) {
      __typename
      ... on Error {
        message
      }
    }
  }
`)

/** The one part of a session that tries an agent. */
export const ProbeQuery = graphql(`
  query CliProbe($id: ID!) {
    session(id: $id) {
      status
      reason
      durationMs
      interrupts(first: 1) {
        nodes {
          question
          status
        }
      }
      executions(first: 1) {
        nodes {
          status
          summary
          output
          evidence {
            name
            kind
            passed
            detail
          }
          error {
            class
            message
          }
          attempts {
            agentVersion
            usage {
              inputTokens
              outputTokens
              cost
            }
          }
          artifacts(first: 100) {
            totalCount
            nodes {
              name
              kind
              size
            }
          }
        }
      }
    }
  }
`)
