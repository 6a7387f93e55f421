import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HOUSES, type House, openHouse } from '../house.ts'
import { scratch } from '../servers/process.ts'
import { createRepository, type TestRepository } from '../workspaces/repository.ts'
import { inside, ok } from './inside.ts'

describe.each(HOUSES)('a workspace that is brought back on $store', (kind) => {
  const agent = inside()
  const folder = scratch('restoring')
  let house: House
  let repository: TestRepository
  beforeAll(async () => {
    repository = createRepository(folder, { 'kept.txt': 'kept' })
    house = await openHouse(kind, {
      runtime: agent,
      commands: { gate: { argv: ['sh', 'gate.sh'] } },
      workspace: folder,
    })
  })
  afterAll(async () => {
    await house.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('is brought back only once the programs of its gates have stopped (E96)', async () => {
    // Tidies up when it is told to stop, which takes it a moment.
    repository.write('gate.sh', "trap 'sleep 2; echo late > late.txt; exit 1' TERM\necho > begun.txt\nsleep 60 & wait")
    agent.script = () => ok()
    const gates = [{ kind: 'COMMAND' as const, command: 'gate' }]
    const id = await house.start([{ key: 'a', capabilities: ['inside'], gates }], { policy: { snapshots: true } })
    await expect.poll(() => existsSync(join(folder, 'begun.txt')), { timeout: 10_000 }).toBe(true)
    await house.coordinator.rollBack(id, { toSeq: 0, reason: 'wrong' })
    expect(await house.end(id)).toMatchObject({ status: 'ROLLED_BACK' })
    await house.coordinator.stop()
    expect(existsSync(join(folder, 'late.txt'))).toBe(false)
    expect(existsSync(join(folder, 'begun.txt'))).toBe(false)
  })
})
