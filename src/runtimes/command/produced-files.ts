import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describeFile } from '../../files/describe.ts'
import type { ProducedFile } from '../../runtime.ts'
import { BadResult, RESULT_FILE } from './result-file.ts'
import type { DescribedFile } from './result-file.ts'

export interface FileLimits {
  /** Files of one attempt. */
  files: number
  /** Bytes of all files of one attempt. */
  fileBytes: number
}

// oxlint-disable-next-line no-control-regex
const UNUSABLE_NAME = /[\u0000-\u001f\u007f\ufffd]/

/**
 * Every regular file below `outputDir` except result.json, sorted by name. Symbolic links, pipes and sockets are
 * passed over, so nothing outside of the folder is ever reached.
 *
 * @param described what the program says of its files; each must exist
 * @throws BadResult TOO_LARGE beyond a limit, AGENT for a name that cannot be kept or a described file that is not there
 */
export async function listProducedFiles(
  outputDir: string,
  described: readonly DescribedFile[],
  limits: FileLimits,
): Promise<ProducedFile[]> {
  const names = await walk(outputDir, limits)
  const files = new Map(names.map((name) => [name, describeFile(name)]))
  for (const [index, { name, kind, mediaType }] of described.entries()) {
    const file = files.get(name)
    if (!file) {
      const problem = `artifacts[${index}].name: there is no regular file ${JSON.stringify(name)} in TUTTI_OUTPUT_DIR`
      throw new BadResult('AGENT', `${RESULT_FILE}: ${problem}. Names are relative to it, with "/".`)
    }
    files.set(name, { name, kind: kind ?? file.kind, mediaType: mediaType ?? file.mediaType })
  }
  return [...files.values()]
}

async function walk(outputDir: string, limits: FileLimits): Promise<string[]> {
  // The folder itself may have been replaced by a link to another one.
  if (!(await lstat(outputDir).catch(() => undefined))?.isDirectory()) return []
  const names: string[] = []
  const folders = ['']
  let bytes = 0
  for (const folder of folders) {
    for (const entry of await readdir(join(outputDir, folder), { withFileTypes: true })) {
      const name = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.isDirectory()) folders.push(name)
      if (!entry.isFile() || name === RESULT_FILE) continue
      if (UNUSABLE_NAME.test(name)) {
        const advice = 'Use UTF-8 without control characters.'
        throw new BadResult('AGENT', `The file name ${JSON.stringify(name)} cannot be kept. ${advice}`)
      }
      names.push(name)
      bytes += (await lstat(join(outputDir, name))).size
      checkLimits(names.length, bytes, limits)
    }
  }
  return names.toSorted()
}

function checkLimits(files: number, bytes: number, limits: FileLimits): void {
  if (files <= limits.files && bytes <= limits.fileBytes) return
  const stated = `an attempt may leave ${limits.files} files with ${limits.fileBytes} bytes in all`
  throw new BadResult('TOO_LARGE', `Too much in TUTTI_OUTPUT_DIR: ${stated}. Pack many files into one, or leave fewer.`)
}
