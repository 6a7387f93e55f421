import { lookup } from 'node:dns/promises'
import { BlockList, isIP, isIPv4 } from 'node:net'

/** What may be reached beside the public internet: nothing (false), everything (true), or the hosts with these names. */
export type AllowPrivate = boolean | readonly string[]

/** An address that a name stands for. */
export interface Address {
  address: string
  /** 4 or 6. */
  family: number
}

/** All addresses of a name, as the machine's own resolver has them. */
export type Resolve = (host: string) => Promise<readonly Address[]>

export const resolveHost: Resolve = (host) => lookup(host, { all: true })

/** Special-purpose addresses that are not globally reachable (IANA's registries of RFC 6890), and multicast. */
const SPECIAL_V4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const
/** Within 2000::/3: what carries IPv4 addresses or tunnels (Teredo, 6to4), is set aside, or is for documents. */
const SPECIAL_V6 = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const

const special = new BlockList()
for (const [network, prefix] of SPECIAL_V4) special.addSubnet(network, prefix, 'ipv4')
for (const [network, prefix] of SPECIAL_V6) special.addSubnet(network, prefix, 'ipv6')
/** All that is given out to the public internet: loopback, link-local, unique local and mapped addresses lie outside. */
const global = new BlockList()
global.addSubnet('2000::', 3, 'ipv6')

/** Whether an IP address belongs to the public internet. */
export function isPublic(address: string): boolean {
  if (isIPv4(address)) return !special.check(address, 'ipv4')
  const [plain = ''] = address.split('%')
  return global.check(plain, 'ipv6') && !special.check(plain, 'ipv6')
}

/** A host as `allowPrivate` names it: lower case, an IPv6 address without brackets, no dot at the end. */
export const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')

export const isAllowed = (allow: AllowPrivate, url: URL): boolean =>
  typeof allow === 'boolean' ? allow : allow.includes(hostOf(url))

/** An address that may not be reached. The message says which and why. */
export class ForbiddenAddress extends Error {
  override name = 'ForbiddenAddress'
}

/**
 * Looks at an address before anything is sent there: only http and https, no names or passwords in it, and only the
 * public internet but for what the operator allows. Names are looked up once; whoever connects has to take what this
 * returns, since a second look might find another address (DNS rebinding). A name that also stands for an address that
 * is not public is refused as a whole.
 *
 * @throws ForbiddenAddress; whatever the resolver throws
 */
export async function checkAddress(url: URL, allow: AllowPrivate, resolve: Resolve): Promise<readonly Address[]> {
  refuseForm(url)
  const host = hostOf(url)
  const literal = isIP(host)
  const addresses = literal === 0 ? await resolve(host) : [{ address: host, family: literal }]
  if (addresses.length === 0) throw new ForbiddenAddress(`${host} has no address`)
  const unfit = addresses.find(({ address }) => !isPublic(address))
  if (!unfit || isAllowed(allow, url)) return addresses
  const which = literal === 0 ? `${host} is ${unfit.address}, which` : host
  throw new ForbiddenAddress(
    `${which} is not on the public internet: if the agent is meant to be there, allow "${host}" in allowPrivate of the configuration`,
  )
}

/** @throws ForbiddenAddress for what no look at the network is needed for */
export function refuseForm({ protocol, username, password, href }: URL): void {
  if (protocol !== 'http:' && protocol !== 'https:') {
    throw new ForbiddenAddress(`${href.slice(0, 200)} is neither http nor https`)
  }
  if (username !== '' || password !== '') {
    throw new ForbiddenAddress(
      'An address must not hold a name or a password: name a variable in tokenEnv or headersEnv',
    )
  }
}
