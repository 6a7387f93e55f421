import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { basename } from 'node:path/posix'
import { pipeline } from 'node:stream/promises'
import type { Context } from './context.ts'
import { encodeId, isUuid } from './ids.ts'
import { sendProblem } from './problem.ts'

const MEDIA_TYPE = /^[\w.+-]{1,100}\/[\w.+-]{1,100}(; ?charset=[\w-]{1,40})?$/

/**
 * GET /artifacts/<id>: the bytes of an artifact. An agent made them, so no browser may run or show them here: they are
 * an attachment, of exactly the stated type, and sandboxed.
 */
export async function sendArtifact(
  context: Context,
  id: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { database, artifacts } = context
  const artifact = isUuid(id) ? await database.prisma.artifact.findUnique({ where: { id } }) : null
  if (!artifact) {
    if (isUuid(id) && (await context.isForeign(id))) {
      const subject = encodeId('Artifact', id)
      context.auditor.refused(context, { act: 'GET /artifacts', code: 'FOREIGN_PROJECT', subject, projectId: null })
    }
    return sendProblem(response, 404, 'There is no such artifact.')
  }
  const { sha256, name, mediaType } = artifact
  const path = artifacts.path(sha256)
  const size = await stat(path).then(
    (found) => found.size,
    () => undefined,
  )
  if (size === undefined) return sendProblem(response, 404, 'The bytes of this artifact are gone.')
  const etag = `"${sha256}"`
  const headers = {
    'content-type': MEDIA_TYPE.test(mediaType) ? mediaType : 'application/octet-stream',
    'content-disposition': attachment(basename(name)),
    'content-security-policy': "sandbox; default-src 'none'",
    'cache-control': 'private, max-age=31536000, immutable',
    etag,
  }
  if (request.headers['if-none-match'] === etag) return void response.writeHead(304, headers).end()
  response.writeHead(200, { ...headers, 'content-length': size })
  if (request.method === 'HEAD') return void response.end()
  // A reader that has gone ends the pipeline too, and that is all there is to do about it.
  await pipeline(createReadStream(path), response).catch(() => response.destroy())
}

/** The name for everybody (RFC 6266), with nothing in the plain one that could end the header or leave a folder. */
function attachment(name: string): string {
  const plain = name.replaceAll(/[^\w. -]/g, '_')
  const encoded = encodeURIComponent(name.toWellFormed()).replaceAll(
    /['()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`
}
