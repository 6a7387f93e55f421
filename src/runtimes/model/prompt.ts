import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AgentType } from '../../core/agent.ts'
import type { Work } from '../../runtime.ts'
import type { ModelDefinition } from './definition.ts'

/** Whose prompt it is: a kind of agent's, or a judge's. */
export type Role = AgentType | 'JUDGE'

/** What a model is told about itself. */
export interface RolePrompt {
  role: Role
  /** Of the role's prompt and of the rules that all roles have, for instance "CODEGEN 1, RULES 1". */
  version: string
  text: string
  /** SHA-256 of the text in hex, the operator's instructions included. */
  sha256: string
}

const FOLDER = join(import.meta.dirname, 'prompts')
const VERSION = /^<!-- version: (\d+) -->\n/

const read = new Map<string, Promise<{ version: string; text: string }>>()

/** Who a model has to be for this work: what is wanted goes before what the operator has said, and that before the type. */
export function roleOf(
  { wanted, agent }: Pick<Work, 'wanted' | 'agent'>,
  { role }: Pick<ModelDefinition, 'role'>,
): Role {
  if (wanted === 'VERDICT') return 'JUDGE'
  if (wanted === 'LEDGER') return 'PLANNER'
  return role ?? agent.type
}

/**
 * The prompt of a role with the rules for all, and the operator's instructions behind them.
 *
 * @throws if a file of it cannot be read
 */
export async function promptOf(role: Role, instructions: string): Promise<RolePrompt> {
  const parts = await Promise.all(['RULES', role].map(promptFile))
  const texts = parts.map(({ text }) => text)
  const text = [...texts, ...(instructions === '' ? [] : [instructions])].join('\n\n')
  return {
    role,
    version: parts
      .map(({ version }) => version)
      .toReversed()
      .join(', '),
    text,
    sha256: createHash('sha256').update(text).digest('hex'),
  }
}

/** A file of prompts does not change while the server runs: it is read once. */
function promptFile(name: string): Promise<{ version: string; text: string }> {
  const known = read.get(name) ?? readPrompt(name)
  read.set(name, known)
  known.catch(() => read.delete(name))
  return known
}

async function readPrompt(name: string): Promise<{ version: string; text: string }> {
  const content = await readFile(join(FOLDER, `${name}.md`), 'utf8')
  const version = VERSION.exec(content)?.[1]
  if (version === undefined) throw new Error(`${name}.md does not begin with its version`)
  return { version: `${name} ${version}`, text: content.replace(VERSION, '').trim() }
}
