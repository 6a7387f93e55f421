import { createHash } from 'node:crypto'
import type { Plugin } from 'graphql-yoga'
import type { Guest } from './access.ts'
import { refusedRequest } from './errors.ts'
import { holds } from './rights.ts'

/** Documents that an operator trusts; clients may ask for others only if they are trusted themselves. */
export interface TrustedDocuments {
  /** The text that an id stands for. */
  text(id: string): string | undefined
  /** Whether this very text is one of them. */
  has(text: string): boolean
}

/** SHA-256 of a text in hexadecimal, by which clients name the document. */
export const documentId = (text: string): string => createHash('sha256').update(text).digest('hex')

/**
 * Documents by the SHA-256 of their text, as the client preset of GraphQL Code Generator writes them.
 *
 * @param given the operator's, by id; the id may be any that clients use
 * @param own those of the programs that come with this server
 */
export function trustedDocuments(given: Readonly<Record<string, string>>, own: readonly string[]): TrustedDocuments {
  const byId = new Map(Object.entries(given).map(([id, text]) => [withoutScheme(id), text]))
  for (const text of [...own, ...byId.values()]) byId.set(documentId(text), text)
  const texts = new Set(byId.values())
  return { text: (id) => byId.get(withoutScheme(id)), has: (text) => texts.has(text) }
}

/** Some clients write the algorithm in front. */
const withoutScheme = (id: string): string => id.replace(/^sha256:/, '')

/** What a client sends to name a document. */
interface Params {
  query?: unknown
  documentId?: unknown
  extensions?: { persistedQuery?: { sha256Hash?: unknown } } | null
}

/** The parameter of a request that names a document, beside those that GraphQL over HTTP has in any case. */
export const DOCUMENT_ID = 'documentId'

/**
 * Puts the text of a trusted document in the place of its id, and refuses texts that are not trusted.
 *
 * @param trusted undefined: every document is, and none has an id
 */
export function useTrustedDocuments(trusted: TrustedDocuments | undefined): Plugin<{ guest: Guest }> {
  return {
    onParams({ params, setParams }) {
      const { query, documentId, extensions } = params as Params
      const id = documentId ?? extensions?.persistedQuery?.sha256Hash
      if (typeof id !== 'string' || (query !== undefined && query !== null)) return
      const text = trusted?.text(id)
      if (text === undefined) {
        const reason = trusted ? 'No trusted document has this id' : 'This server knows no documents by id'
        throw refusedRequest('UNKNOWN_DOCUMENT', `${reason}: send its text as query`)
      }
      setParams({ ...params, query: text })
    },
    onParse({ params: { source }, context }) {
      if (!trusted || holds(context.guest.viewer, 'ADMIN') || trusted.has(String(source))) return
      const message =
        'This server takes trusted documents alone: have the operator add this one to trustedDocuments in tutti.config.ts.'
      throw refusedRequest('UNTRUSTED_DOCUMENT', message)
    },
  }
}
