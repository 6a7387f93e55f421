import { type Contestant, type Enter, type Shape, STEPS } from '../contestant.ts'
import { tell } from '../answer.ts'
import { loadPeer } from '../peer.ts'

/** As much of @dbos-inc/dbos-sdk as is needed here. */
interface Dbos {
  setConfig(config: { name: string; systemDatabaseUrl: string; logger: Record<string, (entry: unknown) => void> }): void
  registerWorkflow<Input>(workflow: (input: Input) => Promise<void>, config: { name: string }): typeof workflow
  runStep(step: () => Promise<string>, config: { name: string }): Promise<string>
  launch(): Promise<void>
  shutdown(): Promise<void>
  workflowID: string
}

const silent = (): void => {}
const logger = { info: silent, debug: silent, warn: silent, error: (entry: unknown) => tell(`DBOS: ${String(entry)}`) }

/** It is the only one in a process, and knows its workflows before it is launched. */
let workflow: ((shape: Shape) => Promise<void>) | undefined
let step: (session: string) => void = silent

/** A workflow of DBOS with ten steps, awaited where it runs, on the same PostgreSQL and with as many connections. */
export const enterDbos: Enter = async (bed, tellStep): Promise<Contestant> => {
  const { DBOS } = (await loadPeer('@dbos-inc/dbos-sdk')) as { DBOS: Dbos }
  step = tellStep
  const one = async (name: string): Promise<void> => {
    await DBOS.runStep(async () => 'done', { name })
    step(DBOS.workflowID)
  }
  const run = (workflow ??= DBOS.registerWorkflow(
    async (shape: Shape) => {
      const names = Array.from({ length: STEPS }, (_, index) => `step ${index + 1}`)
      if (shape === 'fanOut') await Promise.all(names.map(one))
      else for (const name of names) await one(name)
    },
    { name: 'ten steps' },
  ))
  DBOS.setConfig({ name: 'bench', systemDatabaseUrl: await bed.database(), logger })
  await DBOS.launch()
  // Not as a method: it would look for its instance.
  return { session: (shape) => run(shape), close: () => DBOS.shutdown() }
}
