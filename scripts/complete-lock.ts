/**
 * Adds to package-lock.json the optional platform builds that the registry in use did not list.
 *
 * Some registries carry only a few platforms of a native package; npm then leaves the others out of the lock file
 * and `npm ci` refuses it ("Missing: … from lock file"). The entries written here hold what npm itself would write
 * for a build that is not for this machine: version, os, cpu, libc, optional. Run it after every `npm install`.
 */
import { readFileSync, writeFileSync } from 'node:fs'

interface LockEntry {
  version?: string
  os?: string[]
  cpu?: string[]
  libc?: string[]
  optional?: boolean
  dev?: boolean
  optionalDependencies?: Record<string, string>
}

const file = new URL('../package-lock.json', import.meta.url)
const lock = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, LockEntry> }

const OS = ['darwin', 'win32', 'linux', 'freebsd', 'android', 'openharmony', 'netbsd', 'openbsd', 'sunos', 'aix']
const CPU = ['arm64', 'x64', 'ia32', 'arm', 'ppc64', 'riscv64', 's390x', 'loong64', 'mips64el', 'wasm32']

/** What a platform build's name says about where it runs. */
function platform(name: string): LockEntry {
  const words = name.split(/[-/]/)
  const os = OS.filter((word) => words.includes(word))
  const cpu = CPU.filter((word) => words.includes(word))
  const libc = words.some((word) => word.startsWith('musl'))
    ? ['musl']
    : words.some((word) => word.startsWith('gnu')) && os[0] === 'linux'
      ? ['glibc']
      : undefined
  return { ...(cpu.length > 0 && { cpu }), ...(libc && { libc }), ...(os.length > 0 && { os }) }
}

/** The place in the tree where Node finds `name` when asked from `from`, or undefined. */
function resolve(from: string, name: string): string | undefined {
  for (let base = from; ; base = base.slice(0, Math.max(0, base.lastIndexOf('/node_modules/')))) {
    const place = `${base === '' ? '' : `${base}/`}node_modules/${name}`
    if (lock.packages[place]) return place
    if (base === '' || !base.includes('node_modules')) return undefined
    if (!base.includes('/node_modules/')) base = ''
  }
}

let added = 0
for (const [place, entry] of Object.entries(lock.packages)) {
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    const found = resolve(place, name)
    const exact = /^\d/.test(range)
    if (found && (!exact || lock.packages[found]?.version === range)) continue
    if (!exact) continue
    // Beside its parent if the parent is at the top, else below the parent, so that versions never clash.
    const at =
      found || place.split('node_modules/').length > 2 ? `${place}/node_modules/${name}` : `node_modules/${name}`
    lock.packages[at] = { version: range, ...platform(name), ...(entry.dev && { dev: true }), optional: true }
    added++
  }
}
const sorted = Object.fromEntries(Object.entries(lock.packages).toSorted(([a], [b]) => (a < b ? -1 : 1)))
writeFileSync(file, `${JSON.stringify({ ...lock, packages: sorted }, null, 2)}\n`)
process.stdout.write(`package-lock.json: ${added} optional platform builds added\n`)
