import { readFile } from 'node:fs/promises'
import { createLocalJWKSet, createRemoteJWKSet, errors, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose'
import { type Role, ROLES } from '../core/gate.ts'
import { decodeId, isUuid } from './ids.ts'
import { type Viewer, viewerOf } from './rights.ts'

/** Whose signed tokens let somebody in, and how their claims are read. */
export interface JwtOptions {
  /** Where the public keys are: an address that is asked again when a key is unknown, or the keys themselves. */
  keys: { url: string } | { file: string }
  issuer: string
  audience: string
  /** Paths of the claims, with dots. */
  rolesClaim: string
  projectsClaim: string
}

/** What a signed token says. */
export interface Signed {
  viewer: Viewer
  /** In milliseconds since the epoch. */
  expiresAt: number
}

/** The token is not fit: the message says why, without what is in it. */
export class BadJwt extends Error {
  override name = 'BadJwt'
}

/** The file of keys cannot be used: the message says why. */
class KeysUnreadable extends Error {
  override name = 'KeysUnreadable'
}

/** The keys cannot be had at the moment. */
export class KeysAway extends Error {
  override name = 'KeysAway'
}

/** Algorithms with a public key alone: whoever can check a token must not be able to make one. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
/** How far the clocks of the issuer and of this server may differ, in seconds. */
export const CLOCK_TOLERANCE_S = 5
/** How long the keys may take to come, and how long after that they are not asked for again, in milliseconds. */
const KEYS_MS = 5_000
const COOLDOWN_MS = 30_000
/** Projects that one token may name. */
const MAX_PROJECTS = 1_000

/**
 * Checks JSON Web Tokens (RFC 7519) against a set of public keys (RFC 7517).
 *
 * @returns says who a token is from; throws BadJwt or KeysAway
 * @throws if the file holds no set of keys
 */
export async function openVerifier(options: JwtOptions): Promise<(token: string) => Promise<Signed>> {
  const { keys, issuer, audience, rolesClaim, projectsClaim } = options
  const keySet =
    'url' in keys
      ? createRemoteJWKSet(new URL(keys.url), { timeoutDuration: KEYS_MS, cooldownDuration: COOLDOWN_MS })
      : await localKeys(keys.file)
  return async (token) => {
    let payload: JWTPayload
    try {
      ;({ payload } = await jwtVerify(token, keySet, {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        clockTolerance: CLOCK_TOLERANCE_S,
        requiredClaims: ['exp', 'sub'],
      }))
    } catch (error) {
      throw explained(error)
    }
    const name = nameIn(payload)
    const roles = listAt(payload, rolesClaim)
    const projects = projectsIn(listAt(payload, projectsClaim))
    return {
      viewer: viewerOf({ name, roles: rolesIn(roles), projects }),
      expiresAt: (payload.exp as number) * 1_000,
    }
  }
}

async function localKeys(file: string) {
  try {
    return createLocalJWKSet(JSON.parse(await readFile(file, 'utf8')) as JSONWebKeySet)
  } catch (error) {
    throw new KeysUnreadable(`${file} holds no set of public keys (JWKS): ${(error as Error).message}`, {
      cause: error,
    })
  }
}

/** What a person is called; it can be read by other people, so it is short. */
function nameIn({ sub, ...claims }: JWTPayload): string {
  const claimed = [claims['name'], claims['preferred_username'], claims['email'], sub]
  const name = claimed.find((claim): claim is string => typeof claim === 'string' && claim.trim() !== '')
  return (name ?? '')
    .slice(0, 100)
    .toWellFormed()
    .replaceAll(/\p{Cc}/gu, ' ')
}

/** The texts at a path of claims: a list, or words with spaces between them as in `scope`. */
function listAt(claims: JWTPayload, path: string): string[] {
  let value: unknown = claims
  // Some issuers have names of claims that are addresses.
  for (const name of Object.hasOwn(claims, path) ? [path] : path.split('.')) {
    value =
      value !== null && typeof value === 'object' && Object.hasOwn(value, name) ? (value as never)[name] : undefined
  }
  if (typeof value === 'string') return value.split(/\s+/)
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}

const rolesIn = (names: readonly string[]): Role[] =>
  ROLES.filter((role) => names.some((name) => name.toUpperCase() === role))

/** `*` is all projects; without any the token is for none of them. */
function projectsIn(names: readonly string[]): string[] | undefined {
  if (names.includes('*')) return undefined
  return names.slice(0, MAX_PROJECTS).flatMap((name) => {
    if (isUuid(name)) return [name]
    const decoded = decodeId(name)
    return decoded?.type === 'Project' ? [decoded.id] : []
  })
}

function explained(error: unknown): Error {
  if (error instanceof errors.JWTExpired) return new BadJwt('it has expired')
  if (error instanceof errors.JWTClaimValidationFailed)
    return new BadJwt(`its claim "${error.claim}" is not as it has to be`)
  if (error instanceof errors.JOSEAlgNotAllowed)
    return new BadJwt('its algorithm is not allowed: it has to have a public key')
  if (error instanceof errors.JWKSNoMatchingKey) return new BadJwt('its key is unknown')
  if (error instanceof errors.JWSSignatureVerificationFailed) return new BadJwt('its signature is wrong')
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) return new KeysAway(error.message)
  // What the set of keys could not be fetched for has no class of its own.
  const isAboutToken = error instanceof errors.JOSEError && error.code !== 'ERR_JOSE_GENERIC'
  return isAboutToken ? new BadJwt('it cannot be read') : new KeysAway((error as Error).message)
}
