import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { type Contestant, type Enter, sessionsOf } from '../contestant.ts'

interface Done {
  session: string
  seq: number
  execution: string
  resolve(): void
  reject(error: unknown): void
}

/** A state and a fact: one row is moved, one is added. Nothing is decided, checked or read. */
const WRITE = `WITH told AS (
  INSERT INTO event (session, seq, type, data)
  SELECT s, q, 'STEP', d FROM unnest($1::uuid[], $2::int[], $4::jsonb[]) AS t (s, q, d)
)
INSERT INTO execution (id, session, status, output)
SELECT e, s, 'ACCEPTED', d FROM unnest($3::uuid[], $1::uuid[], $4::jsonb[]) AS t (e, s, d)
ON CONFLICT (id) DO UPDATE SET status = EXCLUDED.status, output = EXCLUDED.output`

/**
 * The least that an orchestrator can write for a step, as fast as it can be written: while one statement is under way, all
 * that comes gathers for the next one.
 */
export const enterCeiling: Enter = async (bed, step): Promise<Contestant> => {
  const client = new pg.Client(await bed.database())
  await client.connect()
  await client.query(`CREATE TABLE event (session uuid, seq int, type text, data jsonb, at timestamptz DEFAULT now(),
      PRIMARY KEY (session, seq));
    CREATE TABLE execution (id uuid PRIMARY KEY, session uuid, status text, output jsonb)`)
  let gathered: Done[] = []
  let busy = false

  async function flush(): Promise<void> {
    busy = true
    while (gathered.length > 0) {
      const batch = gathered
      gathered = []
      const values = [
        batch.map(({ session }) => session),
        batch.map(({ seq }) => seq),
        batch.map(({ execution }) => execution),
        batch.map(() => '{"output":"done"}'),
      ]
      try {
        await client.query({ name: 'steps', text: WRITE, values })
        for (const { session, resolve } of batch) {
          step(session)
          resolve()
        }
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    busy = false
  }

  const one = (session: string, seq: number): Promise<void> =>
    new Promise((resolve, reject) => {
      gathered.push({ session, seq, execution: randomUUID(), resolve, reject })
      if (!busy) void flush()
    })
  return { session: sessionsOf(one), close: () => client.end() }
}
