import cliTruncate from 'cli-truncate'
import stringWidth from 'string-width'

/**
 * Rows under headings, the columns aligned and two spaces apart.
 *
 * @param width characters that a line may have; what is longer is cut off. Undefined: as long as it is
 */
export function table(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  width: number | undefined,
): string[] {
  const all = [headings, ...rows]
  const widths = headings.map((_, column) => Math.max(...all.map((row) => stringWidth(row[column] ?? ''))))
  return all.map((row) => {
    const cells = row.map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - stringWidth(cell)))
    const line = cells.join('  ').trimEnd()
    return width === undefined ? line : cliTruncate(line, width)
  })
}
