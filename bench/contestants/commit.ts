import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { type Contestant, type Enter, STEPS } from '../contestant.ts'

/** One commit of one row for each step, by ten connections: what a step costs that is stored and does nothing else. */
export const enterCommit: Enter = async (bed, step): Promise<Contestant> => {
  const pool = new pg.Pool({ connectionString: await bed.database(), max: 10 })
  await pool.query(`CREATE TABLE event (session uuid, seq int, type text, data jsonb, at timestamptz DEFAULT now(),
    PRIMARY KEY (session, seq))`)
  const text = `INSERT INTO event (session, seq, type, data) VALUES ($1, $2, 'STEP', $3)`
  const one = async (session: string, seq: number): Promise<void> => {
    await pool.query({ name: 'step', text, values: [session, seq, '{"output":"done"}'] })
    step(session)
  }
  return {
    async session(shape) {
      const session = randomUUID()
      const numbers = Array.from({ length: STEPS }, (_, index) => index + 1)
      if (shape === 'fanOut') await Promise.all(numbers.map((seq) => one(session, seq)))
      else for (const seq of numbers) await one(session, seq)
    },
    close: () => pool.end(),
  }
}
