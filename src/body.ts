import type { IncomingMessage } from 'node:http'

/** Whether a request says itself that its body is too large. Node holds it to what it says. */
export const isTooLarge = ({ headers }: IncomingMessage, maxBytes: number): boolean =>
  Number(headers['content-length'] ?? 0) > maxBytes

/** A body as text; undefined if it is too large, or did not come whole. What is left of it is not read. */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<string | undefined> {
  if (isTooLarge(request, maxBytes)) return Promise.resolve(undefined)
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let bytes = 0
    const take = (chunk: Buffer): void => {
      bytes += chunk.length
      chunks.push(chunk)
      if (bytes <= maxBytes) return
      request.off('data', take).pause()
      resolve(undefined)
    }
    request.on('data', take)
    request.once('end', () => resolve(Buffer.concat(chunks).toString()))
    request.once('error', () => resolve(undefined))
    request.once('close', () => resolve(undefined))
  })
}
