import { readText } from '../repository/files.ts'
import type { Repository } from '../repository/files.ts'
import { check } from './check.ts'
import type { Check } from './check.ts'

/** A Go module and a Rust crate at the root: what their own tools ask for before they publish. */
export function checkOtherProjects(repository: Repository): { checks: Check[]; version?: string } {
  const read = (path: string): string | undefined => {
    const file = repository.files.find((one) => one.path === path)
    return file && readText(repository.root, file)
  }
  const checks: Check[] = []
  const go = read('go.mod')
  if (go !== undefined) {
    const name = /^module\s+(\S+)/m.exec(go)?.[1]
    checks.push(check('module path', 'error', name !== undefined, name ?? 'go.mod names no module', 'go.mod'))
    const local = /^(?:replace\s+)?\S+.*=>\s*(\.{1,2}\/\S*)/m.exec(go)?.[1]
    const detail = local === undefined ? 'none' : `${local} exists on this machine only; users of the module ignore it`
    checks.push(check('no local replacements', 'warning', local === undefined, detail, 'go.mod'))
  }
  const cargo = read('Cargo.toml')
  const crate = cargo === undefined ? undefined : /^\[package\]\s*$([\s\S]*?)(?=^\[|$(?![\s\S]))/m.exec(cargo)?.[1]
  if (crate === undefined) return { checks }
  const value = (key: string): string | undefined => new RegExp(`^\\s*${key}\\s*=\\s*"([^"]*)"`, 'm').exec(crate)?.[1]
  const has = (key: string): boolean => new RegExp(`^\\s*${key}\\b`, 'm').test(crate)
  const version = value('version')
  checks.push(
    check('name', 'error', value('name') !== undefined, value('name') ?? 'no name', 'Cargo.toml'),
    check(
      'version',
      'error',
      has('version'),
      version ?? (has('version') ? "the workspace's" : 'no version'),
      'Cargo.toml',
    ),
    check(
      'licence named',
      'error',
      has('license') || has('license-file'),
      value('license') ?? 'crates.io asks for "license"',
      'Cargo.toml',
    ),
    check(
      'description',
      'error',
      has('description'),
      value('description') ?? 'crates.io asks for "description"',
      'Cargo.toml',
    ),
  )
  return { checks, ...(version !== undefined && { version }) }
}
