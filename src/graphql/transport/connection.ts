import type { Duplex } from 'node:stream'
import { type ExecutionArgs, type ExecutionResult, getOperationAST, GraphQLError } from 'graphql'
import type { Logger } from 'pino'
import type { WebSocket } from 'ws'
import type { Limits } from '../limits.ts'
import { STOPPING, TOO_SLOW } from '../stopping.ts'
import { Stream } from '../streams/streams.ts'
import { readMessage, type Subscription } from './message.ts'
import { type Home, Operation, withoutHttp } from './operation.ts'
import { Outbox } from './outbox.ts'
import type { Pacer } from './pacer.ts'

/** What an operation over a socket needs: everything of it is as over HTTP. */
export interface Enveloped {
  parse(query: string): unknown
  validate(schema: unknown, document: unknown): readonly GraphQLError[]
  execute(args: ExecutionArgs): unknown
  subscribe(args: ExecutionArgs): unknown
  contextFactory(): unknown
  schema: unknown
}

/** What all connections of a server have in common. */
export interface Switchboard {
  limits: Limits
  log: Logger
  pacer: Pacer
  /** Takes nothing new any more. */
  isDraining(): boolean
  /** Queries and mutations that are not answered yet. */
  asked: Set<Promise<unknown>>
  mask(error: unknown): GraphQLError
}

/** Who is behind a socket, as far as it matters here. */
export interface Caller {
  /** False: whoever says this in connection_init may not come in. */
  admit(payload: Readonly<Record<string, unknown>> | undefined): Promise<boolean>
  envelop(params: Subscription): Enveloped
}

/** Why a server closes a WebSocket: graphql-transport-ws, and RFC 6455 below 4000. */
const CLOSE = {
  tryAgainLater: 1013,
  badMessage: 4400,
  unauthorized: 4401,
  forbidden: 4403,
  wrongProtocol: 4406,
  initTimeout: 4408,
  idTaken: 4409,
  tooManyInits: 4429,
  failed: 4500,
} as const

/** The subprotocol; none of another name is spoken. */
export const PROTOCOL = 'graphql-transport-ws'

/**
 * One client of graphql-transport-ws. What is wrong with an operation is answered to that operation; the socket and the
 * others on it go on. What breaks the protocol closes the socket with the code that the protocol has for it.
 */
export class Connection implements Home {
  readonly outbox: Outbox
  readonly #board: Switchboard
  readonly #socket: WebSocket
  readonly #caller: Caller
  readonly #operations = new Map<string, Operation>()
  #state: 'new' | 'initialising' | 'acknowledged' | 'closed' = 'new'
  /** When it is looked after next, what was last heard of it, and since when it has had no operation. */
  #heardAt = performance.now()
  #askedAt: number | undefined
  #idleSince = performance.now()
  readonly #openedAt = performance.now()

  constructor(board: Switchboard, socket: WebSocket, stream: Duplex, caller: Caller) {
    this.#board = board
    this.#socket = socket
    this.#caller = caller
    this.outbox = new Outbox(stream, board.pacer, board.limits.socketBytes, () => this.#breakOff())
    socket.on('error', (error) => board.log.debug({ err: error }, 'a socket failed'))
    socket.on('close', () => this.#closed())
    if (socket.protocol !== PROTOCOL) {
      this.close(CLOSE.wrongProtocol, `Only ${PROTOCOL} is spoken here`)
      return
    }
    socket.on('pong', () => this.#heard())
    socket.on('message', (data) => {
      this.#heard()
      this.#receive(String(data)).catch((error: unknown) => {
        board.log.error({ err: error }, 'a message on a socket could not be handled')
        this.close(CLOSE.failed, 'Internal server error')
      })
    })
  }

  mask(error: unknown): GraphQLError {
    return this.#board.mask(error)
  }

  forget({ id }: Operation): void {
    this.#operations.delete(id)
    if (this.#operations.size === 0) this.#idleSince = performance.now()
  }

  /** Closes the socket behind all that was said; operations end without a word of their own. */
  close(code: number, reason: string): void {
    if (this.#state === 'closed') return
    this.#closed()
    this.outbox.flush()
    this.#socket.close(code, reason)
  }

  /** Looks after it, from time to time: whether it lives, and reads, and has something to do. */
  look(): void {
    if (this.#state === 'closed') return
    const { connectionInitMs, keepAliveMs, slowReaderMs, socketIdleMs, socketMs } = this.#board.limits
    const now = performance.now()
    const { stuckSince } = this.outbox
    if (this.#state === 'new' && now - this.#openedAt > connectionInitMs) {
      return this.close(CLOSE.initTimeout, `connection_init must come within ${connectionInitMs} ms`)
    }
    if (stuckSince !== undefined) {
      // Whoever does not read cannot answer a ping.
      if (now - stuckSince > slowReaderMs) this.#breakOff()
      return
    }
    if (this.#askedAt !== undefined && now - this.#askedAt > keepAliveMs) return this.#breakOff()
    if (this.#askedAt === undefined && now - this.#heardAt > keepAliveMs) {
      this.#askedAt = now
      this.#socket.ping()
    }
    if (this.#operations.size === 0 && now - this.#idleSince > socketIdleMs) {
      return this.close(1000, `Nothing was asked for ${socketIdleMs} ms: connect again when there is something`)
    }
    if (now - this.#openedAt > socketMs) {
      for (const operation of this.#operations.values()) operation.breakOff(RENEW, 'RENEW')
      this.close(1001, RENEW)
    }
  }

  #heard(): void {
    this.#heardAt = performance.now()
    this.#askedAt = undefined
  }

  /** Ends with how to go on: it is not known whether that is still read. */
  #breakOff(): void {
    for (const operation of this.#operations.values()) operation.breakOff(TOO_SLOW, 'TOO_SLOW')
    this.close(CLOSE.tryAgainLater, TOO_SLOW)
  }

  #closed(): void {
    this.#state = 'closed'
    for (const operation of this.#operations.values()) operation.end()
    this.outbox.wake()
  }

  async #receive(text: string): Promise<void> {
    if (this.#state === 'closed') return
    const message = readMessage(text)
    if (typeof message === 'string') return this.close(CLOSE.badMessage, message)
    switch (message.type) {
      case 'connection_init':
        return this.#initialise(message.payload)
      case 'ping':
        return this.outbox.send({ type: 'pong', ...(message.payload && { payload: message.payload }) })
      case 'pong':
        return
      case 'complete':
        return this.#operations.get(message.id)?.end()
      case 'subscribe':
        return this.#subscribe(message.id, message.payload)
    }
  }

  async #initialise(payload: Readonly<Record<string, unknown>> | undefined): Promise<void> {
    if (this.#state !== 'new') return this.close(CLOSE.tooManyInits, 'Too many initialisation requests')
    this.#state = 'initialising'
    if (!(await this.#caller.admit(payload))) return this.close(CLOSE.forbidden, 'Forbidden')
    if (this.#state !== 'initialising') return
    this.#state = 'acknowledged'
    this.outbox.send({ type: 'connection_ack' })
  }

  async #subscribe(id: string, params: Subscription): Promise<void> {
    if (this.#state !== 'acknowledged') return this.close(CLOSE.unauthorized, 'Unauthorized')
    if (this.#operations.has(id)) return this.close(CLOSE.idTaken, `Subscriber for ${id.slice(0, 50)} already exists`)
    const operation = new Operation(this, id)
    this.#operations.set(id, operation)
    const { isDraining, limits } = this.#board
    if (isDraining()) return operation.refuse([new GraphQLError(STOPPING, { extensions: { code: 'GOING_AWAY' } })])
    if (this.#operations.size > limits.operationsPerSocket) {
      const message = `More than ${limits.operationsPerSocket} operations at once on one socket: end one of them, or open another socket`
      return operation.refuse([new GraphQLError(message, { extensions: { code: 'LIMIT' } })])
    }
    try {
      const { parse, validate, execute, subscribe, contextFactory, schema } = this.#caller.envelop(params)
      const document = parse(params.query) as ExecutionArgs['document']
      const problems = validate(schema, document)
      if (problems.length > 0) return operation.refuse(problems)
      const { operationName, variables } = params
      const asked = getOperationAST(document, operationName)
      if (!asked) return operation.refuse([new GraphQLError('There is no such operation in the document')])
      const args = {
        schema,
        document,
        operationName,
        variableValues: variables,
        contextValue: await contextFactory(),
      } as ExecutionArgs
      if (asked.operation === 'subscription') await this.#stream(operation, await subscribe(args))
      else await this.#stream(operation, await this.#answered(() => execute(args)))
    } catch (error) {
      operation.fail(error)
    }
  }

  async #answered(run: () => unknown): Promise<unknown> {
    const { asked } = this.#board
    const answer = Promise.resolve(run())
    asked.add(answer)
    return answer.finally(() => asked.delete(answer))
  }

  /** Sends all that an operation has to say, until it or its reader has had enough. */
  async #stream(operation: Operation, result: unknown): Promise<void> {
    if (result instanceof Stream) {
      if (operation.gone) return
      operation.leave = () => result.leave(operation)
      return result.join(operation)
    }
    if (!isAsyncIterable(result)) {
      operation.answer(shown(result as ExecutionResult))
      return operation.complete()
    }
    const results = result[Symbol.asyncIterator]()
    const leave = () => void Promise.resolve(results.return?.()).catch(() => {})
    if (operation.gone) return leave()
    operation.leave = leave
    for (;;) {
      const { done, value } = await results.next()
      if (done) return operation.complete()
      operation.answer(shown(value))
      if (!operation.hasRoom()) await operation.room()
      if (operation.gone) return
    }
  }
}

const RENEW = 'This connection has become too old: subscribe again, with after: the last cursor.'

function shown({ errors, ...rest }: ExecutionResult): object {
  return errors ? { ...rest, errors: errors.map(withoutHttp) } : rest
}

const isAsyncIterable = (value: unknown): value is AsyncIterable<ExecutionResult> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value
