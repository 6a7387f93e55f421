/** What an agent is for. The type is a coarse hint; capabilities decide. */
export const AGENT_TYPES = [
  'CODEGEN',
  'TESTING',
  'DOCUMENTATION',
  'ANALYSIS',
  'REVIEW',
  'DEPLOYMENT',
  'PLANNER',
  'GENERAL',
] as const
export type AgentType = (typeof AGENT_TYPES)[number]

/** ONLINE only while proven alive; BUSY = every slot taken; DISABLED = switched off by a person. */
export const AGENT_STATUSES = ['ONLINE', 'BUSY', 'DEGRADED', 'OFFLINE', 'DISABLED'] as const
export type AgentStatus = (typeof AGENT_STATUSES)[number]

/**
 * What an agent does with the workspace. READ: it only looks, and never writes there. WRITE: it changes files, and gets a
 * worktree for that. SHARED: it works in the folder itself, unless the session says otherwise.
 */
export const WORKSPACE_USES = ['READ', 'WRITE', 'SHARED'] as const
export type WorkspaceUse = (typeof WORKSPACE_USES)[number]

/** Executions that an agent takes at once unless its registration says otherwise: as many as PARALLEL runs at once. */
export const DEFAULT_SLOTS = 5

/** What planning and selection need to know of an agent. */
export interface AgentProfile {
  id: string
  name: string
  type: AgentType
  /** One or two sentences: what it does, on what, and what it leaves behind. */
  description: string
  /** Skills in plain words or kebab case, for instance `dependency-cycles`, `run tests`. */
  capabilities: readonly string[]
  status: AgentStatus
  /** How many executions it takes at once (at least 1). */
  slots: number
}
