import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { createGitWorkspaces } from '../../src/workspaces/git.ts'
import { scratch } from '../servers/process.ts'

const folder = scratch('inside')
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const workspace = join(folder, 'workspace')
mkdirSync(join(workspace, 'a/b'), { recursive: true })
mkdirSync(join(folder, 'workspace-2'))
writeFileSync(join(workspace, 'a/file'), '')
writeFileSync(join(folder, 'outside'), '')
for (const [name, target] of [
  ['in', 'a/file'],
  ['out', '../outside'],
  ['neighbour', '../workspace-2'],
  ['nowhere', 'gone'],
  ['circle', 'circle'],
] as const)
  symlinkSync(target, join(workspace, name))
symlinkSync(workspace, join(folder, 'link'))
const { holds } = createGitWorkspaces()

it.each(['a', 'a/', './a/b', 'a/file', 'in'])('a workspace holds %j', async (path) => {
  expect(await holds(workspace, path)).toBe(true)
  expect(await holds(join(folder, 'link'), path)).toBe(true)
})

it.each(['', 'gone', 'a/file/x', '..', '../outside', 'a/../a', 'a\\..\\b', '/', workspace, '\0', 'a\0'])(
  'a workspace does not hold %j',
  async (path) => expect(await holds(workspace, path)).toBe(false),
)

it.each(['out', 'neighbour', 'nowhere', 'circle'])(
  'a workspace does not hold where the link %j leads',
  async (path) => {
    expect(await holds(workspace, path)).toBe(false)
  },
)
