/**
 * Classes of SQLSTATE that mean: the database has understood and refuses what the statement holds. See PostgreSQL's
 * documentation, appendix A, "PostgreSQL Error Codes"; 53200 is a statement too large for the memory.
 */
const REFUSALS = /^(?:0A|21|22|23|42|53200|54|P0)[0-9A-Z]*$/

/**
 * Whether the same again would be refused again. If not, the connection, the server or a lock was in the way: it may
 * work in a moment, and nobody knows whether it was done.
 */
export function isRefusal(error: unknown): boolean {
  // JSON.stringify throws these: nested too deeply, too long a text, no JSON at all.
  if (error instanceof RangeError || error instanceof TypeError) return true
  const { code } = error as { code?: unknown }
  return typeof code === 'string' && code.length === 5 && REFUSALS.test(code)
}
