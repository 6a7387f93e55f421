import { graphql } from '../generated/gql/gql.ts'

// What the command line asks of a server about tokens.

export const TokensQuery = graphql(`
  query CliTokens($after: String) {
    tokens(first: 100, after: $after) {
      nodes {
        id
        name
        roles
        project {
          name
        }
        createdBy
        createdAt
        expiresAt
        revokedAt
        lastUsedAt
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`)

export const ProjectQuery = graphql(`
  query CliProject($id: ID, $name: String) {
    project(id: $id, name: $name) {
      id
    }
  }
`)

export const CreateTokenMutation = graphql(`
  mutation CliCreateToken($input: CreateTokenInput!) {
    createToken(input: $input) {
      __typename
      ... on CreateTokenSuccess {
        secret
        token {
          id
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

export const RevokeTokenMutation = graphql(`
  mutation CliRevokeToken($input: RevokeTokenInput!) {
    revokeToken(input: $input) {
      __typename
      ... on Error {
        message
      }
    }
  }
`)
