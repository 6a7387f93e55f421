import { isAbsolute, join, relative, resolve, sep } from 'node:path'

/** What one name in a path must not hold on some system that Tutti runs on. */
const RESERVED = /[<>:"|?*\p{Cc}\p{Cf}]/gu
const NAME_BYTES = 200

/**
 * Where a file with this name goes in a folder. The name comes from an agent by way of a server, so it is not to be
 * trusted: whatever it says, the place is inside of the folder.
 *
 * @param name a path with `/`
 */
export function placeIn(folder: string, name: string): string {
  const parts = name
    .split(/[/\\]/)
    .map(harmless)
    .filter((part) => part !== '')
  const place = resolve(folder, join(...(parts.length > 0 ? parts : ['unnamed'])))
  if (!isInside(folder, place)) throw new Error(`${name} would be written outside of ${folder}`)
  return place
}

/** Whether a path leads to something in the folder, by its words alone. */
export function isInside(folder: string, path: string): boolean {
  const way = relative(resolve(folder), resolve(path))
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}

/** A name that means a file or a folder and nothing else: no step up, no drive, no stream, not too long. */
function harmless(part: string): string {
  const cleaned = part.replace(RESERVED, '_').replace(/[. ]+$/, (end) => '_'.repeat(end.length))
  if (part === '' || part === '.') return ''
  if (Buffer.byteLength(cleaned) <= NAME_BYTES) return cleaned
  return Buffer.from(cleaned).subarray(0, NAME_BYTES).toString().replaceAll('\uFFFD', '')
}
