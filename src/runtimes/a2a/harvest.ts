import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import type { Part } from '@a2a-js/sdk'
import mime from 'mime'
import type { Json } from '../../core/json.ts'
import { describeFile } from '../../files/describe.ts'
import type { ProducedFile } from '../../runtime.ts'
import type { A2aLimits } from './definition.ts'
import { RemoteFailure } from './failure.ts'
import type { Fetch } from './fetch.ts'
import type { Told, ToldArtifact } from './told.ts'

/** What came of the work of a remote agent. */
export interface Harvest {
  files: ProducedFile[]
  /** The same files, as evidence of what was handed over. */
  proofs: { name: string; size: number; sha256: string }[]
  /** Data that it told: one piece as it is, several as a list; undefined: none. */
  data: Json | undefined
  /** The text of its artifacts that is no file; without any, its last words. */
  text: string
}

interface File {
  name: string
  mediaType: string
  bytes: Buffer
}

/** As long as most file systems take. */
const NAME_LENGTH = 100
const DEPTH = 8
const MEDIA_TYPE = /^[\w.+-]{1,100}\/[\w.+-]{1,100}$/
/** What runtimes leave in the folder of results that is no artifact. */
const RESERVED = 'result.json'

/**
 * Puts what a remote agent has handed over where the artifacts of an attempt are expected. Names of files are the agent's
 * word, so they become names in that folder and nothing else; addresses are fetched as every other one of the agent's.
 *
 * @param outputDir a folder that nobody else writes to
 * @throws RemoteFailure TOO_LARGE beyond the limits, or why an address cannot be fetched
 */
export async function harvest(
  told: Told,
  outputDir: string,
  { fetch, limits, signal }: { fetch: Fetch; limits: A2aLimits; signal: AbortSignal },
): Promise<Harvest> {
  const files: File[] = []
  const data: Json[] = []
  const texts: string[] = []
  const words: string[] = []
  let room = limits.fileBytes
  const add = (file: File): void => {
    files.push(file)
    room -= file.bytes.length
    if (room < 0 || files.length > limits.files) {
      const most = `${limits.files} files with ${limits.fileBytes} bytes in all`
      throw new RemoteFailure('TOO_LARGE', `It hands over more than ${most}: let it leave less, or raise the limit.`)
    }
  }
  const sources = [...told.artifacts, ...(told.words ? [{ id: 'message', name: '', parts: told.words.parts }] : [])]
  for (const source of sources) {
    for (const group of groupsOf(source)) {
      const [{ content, mediaType } = { content: undefined, mediaType: '' }] = group.parts
      const name = group.filename || source.name || source.id
      if (content?.$case === 'url') {
        const bytes = await download(content.value, fetch, room, signal)
        add({ name: group.filename || nameIn(content.value) || name, mediaType, bytes })
      } else if (content?.$case === 'raw') {
        add({ name, mediaType, bytes: Buffer.concat(group.parts.map(bytesOf)) })
      } else if (content?.$case === 'data') {
        const values = group.parts.map(dataOf)
        data.push(...values)
        if (group.filename !== '')
          add({ name, mediaType, bytes: Buffer.from(JSON.stringify(values.length > 1 ? values : values[0])) })
      } else if (content?.$case === 'text') {
        const text = group.parts.map(textOf).join('')
        if (group.filename !== '' || (source.id !== 'message' && extname(source.name) !== '')) {
          add({ name, mediaType, bytes: Buffer.from(text) })
        } else (source.id === 'message' ? words : texts).push(text)
      }
    }
  }
  const written = await writeAll(files, outputDir)
  return {
    ...written,
    data: data.length > 1 ? data : data[0],
    text: (texts.length > 0 ? texts : words).join('\n').trim(),
  }
}

/** Parts of an artifact that belong together: what is streamed comes in pieces of one name and kind. */
function groupsOf({ parts }: ToldArtifact): { filename: string; parts: Part[] }[] {
  const groups: { filename: string; kind: string | undefined; parts: Part[] }[] = []
  for (const part of parts) {
    const kind = part.content?.$case
    const last = groups.at(-1)
    if (last && last.kind === kind && last.filename === part.filename && kind !== 'url') last.parts.push(part)
    else groups.push({ filename: part.filename, kind, parts: [part] })
  }
  return groups
}

const bytesOf = ({ content }: Part): Buffer => (content?.$case === 'raw' ? content.value : Buffer.alloc(0))
const textOf = ({ content }: Part): string => (content?.$case === 'text' ? content.value : '')
const dataOf = ({ content }: Part): Json => (content?.$case === 'data' ? ((content.value ?? null) as Json) : null)

async function download(address: string, fetch: Fetch, room: number, signal: AbortSignal): Promise<Buffer> {
  if (!URL.canParse(address))
    throw new RemoteFailure('AGENT', `It names a file at ${address.slice(0, 200)}, which is no address.`)
  const response = await fetch(address, { signal })
  if (!response.ok) throw new RemoteFailure('AGENT', `Its file at ${address} cannot be had (${response.status}).`)
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    if (bytes > room)
      throw new RemoteFailure('TOO_LARGE', `Its file at ${address} is larger than the ${room} bytes left.`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** The last part of the path of an address. */
function nameIn(address: string): string {
  const last = basename(new URL(address).pathname)
  try {
    return decodeURIComponent(last)
  } catch {
    return last
  }
}

async function writeAll(files: readonly File[], outputDir: string): Promise<Pick<Harvest, 'files' | 'proofs'>> {
  const taken = new Set([RESERVED])
  const produced: ProducedFile[] = []
  const proofs: Harvest['proofs'] = []
  for (const { name: given, mediaType, bytes } of files) {
    const name = freeName(safeName(given, mediaType), taken)
    const path = join(outputDir, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, bytes, { flag: 'wx' })
    const known = describeFile(name)
    produced.push(MEDIA_TYPE.test(mediaType) ? { ...known, mediaType } : known)
    proofs.push({ name, size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') })
  }
  return { files: produced, proofs }
}

/** A relative path made of what a name holds, with nothing in it that leads anywhere else. */
export function safeName(given: string, mediaType: string): string {
  const names = given
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Cf}\ufffd:*?"<>|]/gu, '_')
    .split(/[/\\]+/)
    .map((name) => name.trim().replace(/^\.+$/, '').slice(-NAME_LENGTH))
    .filter((name) => name !== '')
    .slice(-DEPTH)
  const path = names.length > 0 ? names.join('/') : 'artifact'
  if (extname(path) !== '') return path
  const extension = mime.getExtension(mediaType) || undefined
  return extension === undefined ? path : `${path}.${extension}`
}

/** A name that no file has yet, be it in other letters, and that is no folder of one. */
function freeName(name: string, taken: Set<string>): string {
  const extension = extname(name)
  const stem = name.slice(0, name.length - extension.length)
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? name : `${stem}-${number}${extension}`
    const key = candidate.toLowerCase()
    const folders = key.split('/').map((_, index, all) => all.slice(0, index + 1).join('/'))
    const clashes = folders.some((folder) => taken.has(folder)) || taken.has(`${key}/`)
    if (clashes) continue
    taken.add(key)
    for (const folder of folders.slice(0, -1)) taken.add(`${folder}/`)
    return candidate
  }
}
