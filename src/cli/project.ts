import { basename } from 'node:path'
import type { Client } from './client.ts'
import { Failure } from './failure.ts'
import { succeeded } from './mutation.ts'
import { CreateProjectMutation, ProjectsQuery } from './operations.ts'
import { everyPage } from './pages.ts'

/** Names of projects are at most this long. */
const NAME_MAX = 100

/**
 * The project whose workspace this folder is; a new one, named after the folder, if there is none.
 *
 * @param workspace absolute path
 * @returns its id
 */
export async function ensureProject(client: Client, workspace: string): Promise<string> {
  for (let number = 1; ; number++) {
    const known = await projectOf(client, workspace)
    if (known !== undefined) return known
    const { createProject: result } = await client.ask(CreateProjectMutation, {
      input: { name: nameOf(workspace, number), workspace },
    })
    // Another folder has this name, or somebody has just made the project for this one.
    if (result.__typename !== 'ConflictError') return succeeded(result).project.id
  }
}

async function projectOf(client: Client, workspace: string): Promise<string | undefined> {
  const projects = await everyPage((after) => client.ask(ProjectsQuery, { after }).then((answer) => answer.projects))
  return projects.find((project) => project.workspace === workspace)?.id
}

function nameOf(workspace: string, number: number): string {
  const suffix = number === 1 ? '' : `-${number}`
  return `${(basename(workspace) || 'root').slice(0, NAME_MAX - suffix.length)}${suffix}`
}

/**
 * The project that a person names.
 *
 * @param given its id or its name
 * @param find tells the UUID of a project; undefined: there is none
 * @throws Failure if there is none
 */
export async function projectCalled(
  given: string,
  find: (wanted: { id: string } | { name: string }) => Promise<string | undefined>,
): Promise<string> {
  const isId = /^(Project:)?[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(given)
  const id = await find(isId ? { id: given } : { name: given })
  if (id !== undefined) return id
  throw new Failure(`There is no project ${given}. Name one that is there, or leave out --project.`)
}
