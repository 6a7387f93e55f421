import { describe, expect, it } from 'vitest'
import { cancelAtRandom } from './cancels.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)

describe.runIf(process.platform === 'linux')('cancels at random moments over all local runtimes', () => {
  // `npm run cancels -- --number 1000` for more.
  it(`leave no process behind (SEED=${seed})`, async () => {
    const { left, canceled, otherwise } = await cancelAtRandom(60, seed)
    expect({ left, otherwise }).toEqual({ left: [], otherwise: {} })
    expect(Object.values(canceled).reduce((sum, count) => sum + count, 0)).toBe(60)
  })
})
