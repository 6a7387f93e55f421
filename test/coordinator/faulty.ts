import type { Database } from '../../src/store/db.ts'
import type { Query } from '../../src/store/driver.ts'

/** A statement that is about to be sent. */
export interface Statement {
  sql: string
  params: readonly unknown[]
}

/** A database whose connection can be broken before a statement, or after it, when nobody knows whether it was done. */
export interface Faulty {
  between(database: Database): Database
  /** Breaks at the next `times` statements for which `where` holds, and then does something more, if told. */
  breakAt(where: (statement: Statement) => boolean, times: number, when?: 'before' | 'after', act?: () => void): void
  /** The database refuses the next statement for which `where` holds, as it refuses one that asks too much of it. */
  refuse(where: (statement: Statement) => boolean): void
  /** Statements that were broken so far, or refused. */
  readonly broken: Statement[]
  /** Keeps the next statement for which `where` holds from being sent until `go`. */
  holdAt(where: (statement: Statement) => boolean): { reached: Promise<void>; go(): void }
  /** Nothing breaks any more, and nothing has. */
  heal(): void
}

/** As a connection breaks: an error without the database's own code. */
const lost = (): Error => Object.assign(new Error('Connection terminated unexpectedly'), { code: 'ECONNRESET' })
/** With such a code the same is not tried again at once. */
const refused = (): Error => Object.assign(new Error('statement too complex'), { code: '54001' })

export function faulty(): Faulty {
  let left = 0
  let holds: (statement: Statement) => boolean = () => false
  let moment: 'before' | 'after' = 'before'
  let also = (): void => {}
  let fault = lost
  const broken: Statement[] = []
  let hold:
    | {
        where: (statement: Statement) => boolean
        reached: PromiseWithResolvers<void>
        released: PromiseWithResolvers<void>
      }
    | undefined

  const wrap =
    (query: Query): Query =>
    async <Row>(sql: string, params: readonly unknown[] = []) => {
      if (hold?.where({ sql, params })) {
        const { reached, released } = hold
        hold = undefined
        reached.resolve()
        await released.promise
      }
      const breaks = left > 0 && holds({ sql, params })
      if (breaks) {
        left -= 1
        broken.push({ sql, params })
        if (moment === 'before') {
          also()
          throw fault()
        }
      }
      const rows = await query<Row>(sql, params)
      if (breaks) {
        also()
        throw fault()
      }
      return rows
    }

  return {
    broken,
    between: (database) => ({
      ...database,
      query: wrap(database.query),
      lookup: wrap(database.lookup),
      async transaction(run) {
        const result = await database.transaction((query, script) => run(wrap(query), script))
        // Its commit is a statement too.
        await wrap(async () => [])('COMMIT')
        return result
      },
    }),
    breakAt(where, times, when = 'before', act = () => {}) {
      left = times
      holds = where
      moment = when
      also = act
      fault = lost
    },
    refuse(where) {
      left = 1
      holds = where
      moment = 'before'
      also = () => {}
      fault = refused
    },
    holdAt(where) {
      const [reached, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      hold = { where, reached, released }
      return { reached: reached.promise, go: released.resolve }
    },
    heal() {
      left = 0
      hold = undefined
      broken.length = 0
    },
  }
}

/** The statement that moves sessions, if it says this of an execution or an attempt. */
export const writes =
  (...parts: string[]) =>
  ({ sql, params }: Statement): boolean =>
    sql.startsWith('WITH ') && parts.every((part) => params.some((param) => String(param).includes(part)))
