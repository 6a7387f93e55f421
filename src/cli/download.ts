import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { copyFile, mkdir, realpath, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import type { Client } from './client.ts'
import { isInside, placeIn } from './place.ts'

/** An artifact as the server offers it. */
export interface Offer {
  /** Key of the execution that made it. */
  key: string
  name: string
  sha256: string
  /** Where its bytes are, absolute or from the server's root. */
  url: string
}

/** What became of an offer: a path, or why there is none. */
export type Saved<O extends Offer = Offer> = O & ({ path: string; problem: null } | { path: null; problem: string })

/** Files on their way at once. */
const AT_ONCE = 4

/**
 * Saves artifacts as `<folder>/<key>/<name>`. One that cannot be saved says why and keeps no other back.
 *
 * @param server address of the server, for urls without one, and what it is sent to let us in
 * @returns in the order of the offers
 */
export async function download<O extends Offer>(
  offers: readonly O[],
  folder: string,
  server: Pick<Client, 'url' | 'headers'>,
): Promise<Saved<O>[]> {
  if (offers.length > 0) await mkdir(folder, { recursive: true })
  const saved: Saved<O>[] = []
  const places = distinctPlaces(offers, folder)
  const queue = offers.entries()
  // All of them draw from one queue.
  const fetcher = async (): Promise<void> => {
    for (const [index, offer] of queue) {
      try {
        const path = places[index] as string
        await save(offer, path, folder, server)
        saved[index] = { ...offer, path, problem: null }
      } catch (error) {
        saved[index] = { ...offer, path: null, problem: (error as Error).message }
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, fetcher))
  return saved
}

/** Two names that become the same place, also on file systems that don't tell cases apart, get different ones. */
function distinctPlaces(offers: readonly Offer[], folder: string): string[] {
  const taken = new Set<string>()
  return offers.map(({ key, name }) => {
    const wanted = placeIn(placeIn(folder, key), name)
    let place = wanted
    for (let number = 2; taken.has(place.toLowerCase()); number++) place = `${wanted}~${number}`
    taken.add(place.toLowerCase())
    return place
  })
}

async function save(
  { url: given, sha256 }: Offer,
  path: string,
  folder: string,
  server: Pick<Client, 'url' | 'headers'>,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  // A link that stands in the folder must not lead the file out of it.
  const [root, parent] = await Promise.all([realpath(folder), realpath(dirname(path))])
  if (parent !== root && !isInside(root, parent)) throw new Error(`${dirname(path)} leads out of ${folder}`)
  const url = new URL(given, server.url)
  // Nobody else is told what lets us in.
  const isOurs = url.origin === new URL(server.url).origin
  const response = await fetch(url, isOurs ? { headers: server.headers } : {})
  if (!response.ok || response.body === null) throw new Error(`the server answers ${response.status}`)
  const part = `${path}.part`
  try {
    const digest = createHash('sha256')
    // Only onto a file of its own making, never through a link.
    await rm(part, { force: true })
    await pipeline(
      Readable.fromWeb(response.body as ReadableStream<Uint8Array>),
      async function* (chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          digest.update(chunk)
          yield chunk
        }
      },
      createWriteStream(part, { flags: 'wx' }),
    )
    if (digest.digest('hex') !== sha256) throw new Error('what arrived is not what the server promised (SHA-256)')
    await rename(part, path)
  } catch (error) {
    await rm(part, { force: true })
    throw error
  }
}

/** Puts the report where a person looks first; links from it to the artifacts still hold. */
export async function placeReport(from: string, folder: string): Promise<string> {
  const path = placeIn(folder, 'report.md')
  await rm(path, { force: true })
  await copyFile(from, path)
  return path
}
