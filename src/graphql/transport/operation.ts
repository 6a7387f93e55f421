import { GraphQLError } from 'graphql'
import type { Subscriber } from '../streams/view.ts'
import type { Outbox } from './outbox.ts'

/** What an operation needs of the socket that it came over. */
export interface Home {
  readonly outbox: Outbox
  /** It is over: its id is free again. */
  forget(operation: Operation): void
  /** Makes an error fit to be seen. */
  mask(error: unknown): GraphQLError
}

/** One operation on a WebSocket, from `subscribe` until one of both sides has had enough. */
export class Operation implements Subscriber {
  readonly id: string
  /** Number of the last row that it was sent; -1: its results have no numbers. */
  position = -1
  gone = false
  /** Ends what is being done for it. */
  leave: (() => void) | undefined
  readonly #home: Home
  #head: Buffer | undefined

  constructor(home: Home, id: string) {
    this.#home = home
    this.id = id
  }

  hasRoom(): boolean {
    return this.#home.outbox.hasRoom()
  }

  room(): Promise<void> {
    return this.#home.outbox.room()
  }

  next(results: readonly Buffer[]): void {
    this.#head ??= Buffer.from(`{"id":${JSON.stringify(this.id)},"type":"next","payload":`)
    for (const result of results) {
      if (this.gone) return
      this.#home.outbox.sendShared(this.#head, result)
    }
  }

  /** A result that is for nobody else. */
  answer(payload: object): void {
    if (!this.gone) this.#home.outbox.send({ id: this.id, type: 'next', payload })
  }

  complete(): void {
    if (this.gone) return
    this.#home.outbox.send({ id: this.id, type: 'complete' })
    this.end()
  }

  fail(error: unknown): void {
    this.refuse([this.#home.mask(error)])
  }

  refuse(errors: readonly GraphQLError[]): void {
    if (this.gone) return
    this.#home.outbox.send({ id: this.id, type: 'error', payload: errors.map(withoutHttp) })
    this.end()
  }

  /** Ends it with how to go on elsewhere, however much waits to be sent. */
  breakOff(message: string, code: string): void {
    if (this.gone) return
    const extensions = { code, ...(this.position >= 0 && { cursor: this.position }) }
    this.#home.outbox.sendAnyway({ id: this.id, type: 'error', payload: [{ message, extensions }] })
    this.end()
  }

  /** Ends it without a word. */
  end(): void {
    if (this.gone) return
    this.gone = true
    this.#home.forget(this)
    this.leave?.()
    this.leave = undefined
  }
}

/** The status that an error means over HTTP is of no account here. */
export function withoutHttp(error: GraphQLError): GraphQLError {
  const { http: _, ...extensions } = error.extensions
  return new GraphQLError(error.message, {
    ...(error.nodes && { nodes: error.nodes }),
    source: error.source,
    positions: error.positions,
    path: error.path,
    extensions,
  })
}
