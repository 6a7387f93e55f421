import { z } from 'zod'
import { Refused } from './ask.ts'
import { ProjectsQuery } from './operations.ts'
import type { Call } from './tool.ts'

/** The argument of a tool that says in which project. */
export const project = z
  .string()
  .min(1)
  .max(100)
  .optional()
  .describe('Name or id of the project to work in; the one that this server is for, or the only one, if left out.')

/** Names of projects that are told to whoever names another one. */
const MOST_NAMES = 20

/** Global id of the project that is meant. @throws Refused with those that there are */
export async function projectOf({ ask, home }: Call, given: string | undefined): Promise<string> {
  if (given === undefined && home) return home()
  const { nodes } = (await ask(ProjectsQuery, {})).projects
  const found =
    given === undefined && nodes.length === 1
      ? nodes[0]
      : nodes.find(({ id, name }) => given === name || given === id || `Project:${given}` === id)
  if (found) return found.id
  const names = nodes.slice(0, MOST_NAMES).map(({ name }) => name)
  const there = names.length === 0 ? 'There are no projects: make one first.' : `Projects: ${names.join(', ')}.`
  throw new Refused(
    given === undefined
      ? `Say in which project. ${there}`
      : `There is no project ${given} among the first 100. ${there}`,
  )
}
