import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'

/** Why a request is refused before it is read. */
export interface OriginRefusal {
  status: 403 | 421
  message: string
}

/**
 * Refuses browsers that come from other sites. There is no cookie to steal, but whoever reaches this server can start
 * programs with it, so a page somewhere must not: neither from its own origin, nor by a name of its own that it points at
 * this machine (DNS rebinding). Names need to be listed for that; addresses and names without a dot do not.
 *
 * @param origins that may come, for instance https://tutti.example
 */
export function refuseOrigin(
  { headers }: Pick<IncomingMessage, 'headers'>,
  origins: readonly string[],
): OriginRefusal | undefined {
  const { host, origin } = headers
  const hosts = origins.flatMap((known) => URL.parse(known)?.host ?? [])
  if (host !== undefined && !isOwnName(host) && !hosts.includes(host.toLowerCase())) {
    return {
      status: 421,
      message: `This server does not know itself as ${host}: add its origin to the origins that the operator allows.`,
    }
  }
  if (origin !== undefined && origin !== 'null') {
    if (origins.includes(origin) || (host !== undefined && URL.parse(origin)?.host === host.toLowerCase()))
      return undefined
  } else if (origin === undefined && headers['sec-fetch-site'] !== 'cross-site') return undefined
  return {
    status: 403,
    message:
      'This server takes no requests from pages of other origins: add the origin to those that the operator allows.',
  }
}

function isOwnName(host: string): boolean {
  const name = URL.parse(`http://${host}`)?.hostname.replace(/^\[|\]$/g, '')
  return name !== undefined && (isIP(name) !== 0 || !name.includes('.') || name.endsWith('.localhost'))
}
