import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** Stands between a client and a server, and can break their connections without telling either. */
export interface Proxy {
  port: number
  /** From now on nothing comes through, and nobody is told; later connections work. */
  freeze(): void
  /** Ends all connections, and both ends learn of it; later connections work. */
  cut(): void
  close(): void
}

export async function startProxy(target: number): Promise<Proxy> {
  let alive: Socket[] = []
  const sockets: Socket[] = []
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true })
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('error', () => {})
      from.pipe(to)
      from.on('close', () => {
        if (alive.includes(from)) to.destroy()
      })
    }
    alive.push(near, far)
    sockets.push(near, far)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    freeze() {
      for (const socket of alive) {
        socket.unpipe()
        socket.pause()
      }
      alive = []
    },
    cut() {
      for (const socket of alive) socket.destroy()
      alive = []
    },
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
