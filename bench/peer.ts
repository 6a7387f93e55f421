import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { tell } from './answer.ts'

const HERE = new URL('.', import.meta.url)

/**
 * Loads a package of bench/package.json, and installs them all first if it is not there.
 *
 * @returns what it exports, which is not typed: nobody has to install it to check the types of the product
 */
export async function loadPeer(name: string): Promise<unknown> {
  const find = (): string => createRequire(HERE).resolve(name)
  let path: string
  try {
    path = find()
  } catch {
    tell(`${name} is installed beside the product, once`)
    const args = ['ci', '--prefix', '.', '--ignore-scripts', '--no-audit', '--no-fund']
    execFileSync('npm', args, { cwd: HERE, stdio: ['ignore', 2, 2] })
    path = find()
  }
  return import(pathToFileURL(path).href)
}
