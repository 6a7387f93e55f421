import type { Ahead } from './ahead.ts'
import type { Directory } from './directory.ts'
import type { Parts } from './parts.ts'
import type { Sessions } from './sessions.ts'

/** What the verbs of the coordinator work with. */
export type Tools = Parts & { sessions: Sessions; directory: Directory; ahead: Ahead }
