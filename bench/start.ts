import { type Answer, median, precise, shown, tell } from './answer.ts'
import { makeBed } from './bed.ts'
import { type RunningServer, startNode, startTutti } from './server.ts'
import { scratch } from '../test/servers/process.ts'

/** The least that a server can be. */
const PLAIN = `require('node:http').createServer((_, response) => response.end('ready'))
  .listen(process.env.TUTTI_PORT, '127.0.0.1', () => console.log('listening'))`

type Kind = 'pgliteFresh' | 'pgliteExisting' | 'postgresFresh' | 'postgresExisting' | 'plain'

/** How long does it take from nothing to the first answer that the server is ready? */
export async function start({ rounds }: { rounds: number }): Promise<Answer> {
  const times = new Map<Kind, number[]>()
  const bed = await makeBed()
  try {
    for (let round = 1; round <= rounds; round++) {
      const dataDir = scratch('bench-start')
      const databaseUrl = await bed.database()
      // What exists is what the fresh one has left.
      const kinds: [Kind, () => Promise<RunningServer>][] = [
        ['plain', () => startNode(['-e', PLAIN], '/', {})],
        ['pgliteFresh', () => startTutti({ dataDir })],
        ['pgliteExisting', () => startTutti({ dataDir })],
        ['postgresFresh', () => startTutti({ databaseUrl })],
        ['postgresExisting', () => startTutti({ databaseUrl })],
      ]
      for (const [kind, begin] of kinds) {
        await bed.settle()
        const from = performance.now()
        const server = await begin()
        const took = performance.now() - from
        await server.stop()
        times.set(kind, [...(times.get(kind) ?? []), took])
        tell(`round ${round} ${kind}: ${shown(took)} ms`)
      }
    }
  } finally {
    await bed.stop()
  }
  const plain = times.get('plain') ?? []
  const over = (mine: readonly number[]): number =>
    precise(median(mine.map((ms, round) => ms / (plain[round] as number))) as number)
  const all = [...times].map(([kind, mine]) => ({ kind, ms: precise(median(mine) as number), ratio: over(mine) }))
  return {
    figures: Object.fromEntries(all.map(({ kind, ms }) => [kind, { readyMs: ms }])),
    ratios: Object.fromEntries(all.filter(({ kind }) => kind !== 'plain').map(({ kind, ratio }) => [kind, ratio])),
    headings: ['what', 'ready after ms'],
    rows: all.map(({ kind, ms }) => [kind, shown(ms)]),
  }
}
