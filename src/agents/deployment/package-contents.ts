import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { lastWords, runTool } from '../protocol/tool.ts'
import { isTest } from '../repository/paths.ts'
import { check } from './check.ts'
import type { Check } from './check.ts'

/** A single file in a package that is bigger than this, and a package that is bigger in all, are worth a look (bytes). */
const BIG_FILE = 1_000_000
const BIG_PACKAGE = 20_000_000
/** Names in a check's text beyond these are counted. */
const NAMED = 5

/** Names of files that hold secrets. `.npmrc` may carry a token, a public key is none. */
const SECRET_NAMES =
  /(^|\/)(\.env(\.(?!example|sample|template)[\w.]+)?|\.npmrc|\.netrc|\.htpasswd|id_(rsa|dsa|ecdsa|ed25519)|credentials(\.json)?|.*\.(pem|key|p12|pfx|keystore|jks))$/

/** What the package would hold; sizes in bytes. */
export interface PackageContents {
  name: string
  version: string
  files: number
  packedBytes: number
  unpackedBytes: number
  largest: { path: string; bytes: number }[]
}

interface Packed {
  name: string
  version: string
  size: number
  unpackedSize: number
  files: { path: string; size: number }[]
}

/** What `npm pack` would ship, without running the package's scripts and without writing the package. */
export async function checkContents(
  root: string,
  timeLeft: () => number,
): Promise<{ contents?: PackageContents; checks: Check[] }> {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, unknown>
  const isPrivate = manifest.private === true
  // The root of a workspace often has neither, and is never packed.
  if (isPrivate && !(manifest.name && manifest.version))
    return {
      checks: [check('package contents', 'info', true, 'private, without a name or a version: it is not packed')],
    }
  const done = await runTool(['npm', 'pack', '--dry-run', '--json', '--ignore-scripts', '--offline'], {
    cwd: root,
    timeoutMs: Math.min(120_000, timeLeft()),
    maxKept: 50_000_000,
    env: { npm_config_loglevel: 'error', npm_config_update_notifier: 'false' },
  })
  if (done.missing)
    return {
      checks: [
        check('package contents', 'info', false, 'npm is not installed here, so what would be shipped is not known'),
      ],
    }
  const packed = parse(done.stdout)
  if (!packed) {
    const why = done.timedOut
      ? 'it took too long'
      : lastWords(done, 3)
          .replace(/\n.*A complete log of this run[^]*/, '')
          .replaceAll('\n', ' ')
    return { checks: [check('package contents', 'error', false, `npm pack failed: ${why}`, 'package.json')] }
  }
  const paths = packed.files.map((file) => file.path)
  const secrets = paths.filter((path) => SECRET_NAMES.test(path))
  const tests = paths.filter((path) => isTest(path))
  const big = packed.files.filter((file) => file.size > BIG_FILE)
  const contents: PackageContents = {
    name: packed.name,
    version: packed.version,
    files: packed.files.length,
    packedBytes: packed.size,
    unpackedBytes: packed.unpackedSize,
    largest: packed.files
      .toSorted((a, b) => b.size - a.size || (a.path < b.path ? -1 : 1))
      .slice(0, 10)
      .map(({ path, size }) => ({ path, bytes: size })),
  }
  const severity = isPrivate ? 'info' : 'warning'
  return {
    contents,
    checks: [
      check(
        'package contents',
        'error',
        packed.files.length > 0,
        `${packed.files.length} files, ${kilobytes(packed.size)} packed, ${kilobytes(packed.unpackedSize)} unpacked`,
      ),
      check(
        'ships no secrets',
        'error',
        secrets.length === 0,
        secrets.length === 0 ? 'none by name' : `would ship ${names(secrets)}`,
        secrets[0],
      ),
      check(
        'ships no tests',
        severity,
        tests.length === 0,
        tests.length === 0 ? 'none' : `would ship ${names(tests)}; name what belongs in "files"`,
      ),
      check(
        'ships no big files',
        severity,
        big.length === 0,
        big.length === 0
          ? `none above ${kilobytes(BIG_FILE)}`
          : `would ship ${names(big.map((file) => `${file.path} (${kilobytes(file.size)})`))}`,
      ),
      check('package size', severity, packed.unpackedSize <= BIG_PACKAGE, kilobytes(packed.unpackedSize)),
    ],
  }
}

/** npm 7 to 10 answer with a list, npm 11 with a list or an object by name. */
function parse(stdout: string): Packed | undefined {
  try {
    const answer = JSON.parse(stdout.slice(Math.max(0, stdout.search(/^[[{]/m)))) as Packed[] | Record<string, Packed>
    const packed = Array.isArray(answer)
      ? answer[0]
      : 'files' in answer
        ? (answer as unknown as Packed)
        : Object.values(answer)[0]
    return packed && Array.isArray(packed.files) ? packed : undefined
  } catch {
    return undefined
  }
}

/** Whether the lock file says the same as package.json of what is needed. */
export function checkLockFile(root: string): Check[] {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<
    string,
    Record<string, string> | undefined
  >
  const kinds = ['dependencies', 'devDependencies', 'optionalDependencies'] as const
  const needed = kinds.some((kind) => Object.keys(manifest[kind] ?? {}).length > 0)
  const others = ['yarn.lock', 'pnpm-lock.yaml', 'bun.lock', 'bun.lockb'].find((name) => existsSync(join(root, name)))
  const file = ['package-lock.json', 'npm-shrinkwrap.json'].find((name) => existsSync(join(root, name)))
  if (file === undefined) {
    if (!needed) return []
    return [
      check(
        'lock file',
        'warning',
        others !== undefined,
        others ?? 'none; without one, every installation may get other versions',
      ),
    ]
  }
  let lock: { packages?: Record<string, Record<string, Record<string, string> | undefined>> }
  try {
    lock = JSON.parse(readFileSync(join(root, file), 'utf8')) as typeof lock
  } catch {
    return [check('lock file', 'error', false, 'it is not valid JSON; make it anew with npm install', file)]
  }
  const locked = lock.packages?.['']
  if (!locked) return [check('lock file', 'info', true, 'an old format that is not compared', file)]
  const differences = kinds.flatMap((kind) => {
    const [wanted, has] = [manifest[kind] ?? {}, locked[kind] ?? {}]
    return [...new Set([...Object.keys(wanted), ...Object.keys(has)])]
      .filter((name) => wanted[name] !== has[name])
      .toSorted()
  })
  // npm repeats optional dependencies under dependencies in some versions.
  const real = differences.filter((name) => !(manifest.optionalDependencies ?? {})[name])
  return [
    check(
      'lock file in sync',
      'error',
      real.length === 0,
      real.length === 0 ? file : `differs from package.json in ${names(real)}; run npm install`,
      file,
    ),
  ]
}

function names(all: readonly string[]): string {
  return all.slice(0, NAMED).join(', ') + (all.length > NAMED ? ` and ${all.length - NAMED} more` : '')
}

function kilobytes(bytes: number): string {
  return bytes < 1_000_000 ? `${Math.ceil(bytes / 1_000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`
}
