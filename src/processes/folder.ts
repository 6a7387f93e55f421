import { stat } from 'node:fs/promises'

/** Whether there is a folder, or a link to one. */
export async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false
}

/** Why nobody can work in a workspace; undefined: it is there. */
export async function lackOfWorkspace(path: string): Promise<{ class: 'VALIDATION'; message: string } | undefined> {
  if (await isFolder(path)) return undefined
  return {
    class: 'VALIDATION',
    message: `The workspace ${path} is not a folder. Check the workspace of the project.`,
  }
}
