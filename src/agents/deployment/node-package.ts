import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Json } from '../../core/json.ts'
import { check } from './check.ts'
import type { Check } from './check.ts'

/** Semantic Versioning 2.0.0, as its page gives the expression, without named groups. */
const SEMVER =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$/
/** What the registry accepts (npm's documentation of package.json, name). */
const NAME = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/

type Manifest = { [key: string]: Json }

/** A package.json's own promises: name, version, licence, and that what it points to is there. */
export function checkManifest(root: string, manifest: Manifest): Check[] {
  const file = 'package.json'
  const text = (key: string): string => (typeof manifest[key] === 'string' ? manifest[key] : '')
  const isPrivate = manifest.private === true
  // A private package is released in another way than by a registry, so what only a registry needs is a remark there.
  const forRegistry = isPrivate ? 'info' : 'warning'
  const name = text('name')
  const version = text('version')
  const checks = [
    check(
      'name',
      isPrivate ? 'warning' : 'error',
      NAME.test(name) && name.length <= 214,
      name === '' ? 'no name' : name,
      file,
    ),
    check(
      'version',
      isPrivate ? 'warning' : 'error',
      SEMVER.test(version),
      version === '' ? 'no version' : version,
      file,
    ),
    check(
      'licence named',
      forRegistry,
      text('license') !== '',
      text('license') || 'no "license"; say which one, or "UNLICENSED"',
      file,
    ),
    check('description', 'info', text('description') !== '', text('description') || 'no "description"', file),
    check(
      'engines',
      'info',
      manifest.engines !== undefined,
      manifest.engines === undefined
        ? 'no "engines"; say which Node versions it runs on'
        : JSON.stringify(manifest.engines),
      file,
    ),
    check(
      'repository',
      forRegistry,
      manifest.repository !== undefined,
      manifest.repository === undefined ? 'no "repository"' : 'named',
      file,
    ),
    check(
      'files listed',
      forRegistry,
      manifest.files !== undefined || existsSync(join(root, '.npmignore')),
      manifest.files === undefined ? 'no "files": everything that is not ignored is shipped' : 'named',
      file,
    ),
  ]
  for (const { key, path } of targets(manifest)) {
    const there = path.includes('*') || existsTarget(root, path)
    const built = /^(\.\/)?(dist|build|lib|out)\//.test(path)
    const detail = there ? path : `${path} does not exist${built ? '; build before the release' : ''}`
    checks.push(check(`${key} exists`, 'error', there, detail, file))
  }
  if (targets(manifest).length === 0 && !isPrivate) {
    const index = ['index.js', 'index.mjs', 'index.json', 'index.d.ts'].some((name_) => existsSync(join(root, name_)))
    checks.push(
      check(
        'entry point',
        'warning',
        index,
        index ? 'index.js' : 'no "main", "exports" or "bin", and no index.js',
        file,
      ),
    )
  }
  return checks
}

/** Every path that main, module, types, bin and exports point to. */
function targets(manifest: Manifest): { key: string; path: string }[] {
  const found: { key: string; path: string }[] = []
  for (const key of ['main', 'module', 'browser', 'types', 'typings']) {
    if (typeof manifest[key] === 'string') found.push({ key, path: manifest[key] })
  }
  const { bin } = manifest
  if (typeof bin === 'string') found.push({ key: 'bin', path: bin })
  else if (isObject(bin))
    for (const [name, path] of Object.entries(bin))
      if (typeof path === 'string') found.push({ key: `bin ${name}`, path })
  const visit = (key: string, value: Json | undefined): void => {
    if (typeof value === 'string') found.push({ key, path: value })
    else if (Array.isArray(value)) visit(key, value[0])
    else if (isObject(value)) for (const [inner, next] of Object.entries(value)) visit(`${key} ${inner}`, next)
  }
  visit('exports', manifest.exports)
  return found
}

function isObject(value: Json | undefined): value is { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** `main` may leave out its extension or name a folder, as Node resolves it. */
function existsTarget(root: string, path: string): boolean {
  const full = join(root, path)
  const asIs = existsSync(full) && (statSync(full).isFile() || existsSync(join(full, 'index.js')))
  return asIs || existsSync(`${full}.js`) || existsSync(`${full}.json`)
}
