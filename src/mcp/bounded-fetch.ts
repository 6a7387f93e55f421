/**
 * A fetch that reads no more than so much of an answer, and opens no stream that nobody asked for: servers may send what
 * they want over one, without end.
 *
 * @param bytes what one answer may have
 */
export function boundedFetch(bytes: number): (url: string | URL, init?: RequestInit) => Promise<Response> {
  return async (url, init) => {
    const isStream = init?.method === 'GET' && !new Headers(init.headers).has('last-event-id')
    // Servers that have no such stream say so in the same way.
    if (isStream) return new Response(null, { status: 405 })
    const { body, status, statusText, headers } = await fetch(url, init)
    if (!body) return new Response(null, { status, statusText, headers })
    let read = 0
    const limit = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        read += chunk.byteLength
        if (read > bytes) controller.error(new Error(`it sent more than ${bytes} bytes (limits.messageBytes)`))
        else controller.enqueue(chunk)
      },
    })
    return new Response(body.pipeThrough(limit), { status, statusText, headers })
  }
}
