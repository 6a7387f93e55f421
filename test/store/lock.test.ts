import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { acquireLock, DataDirectoryInUse, type LockHolder, readLock } from '../../src/store/lock.ts'
import { scratch } from '../servers/process.ts'

const program = fileURLToPath(new URL('../fixtures/hold-lock.ts', import.meta.url))
let dataDir: string
let contenders: Contender[] = []

beforeEach(() => {
  dataDir = scratch('lock')
})
afterEach(async () => {
  await Promise.all(contenders.splice(0).map((contender) => contender.kill()))
  rmSync(dataDir, { recursive: true, force: true })
})

describe('the lock of a data directory', () => {
  it('lets the second in only after the first has released it', async () => {
    const first = await acquireLock(dataDir)
    await expect(acquireLock(dataDir)).rejects.toThrow(DataDirectoryInUse)
    await first.release()
    const second = await acquireLock(dataDir)
    await second.release()
    expect(readdirSync(dataDir)).toEqual([])
  })

  it('makes the data directory', async () => {
    const lock = await acquireLock(join(dataDir, 'a', 'b'))
    expect(readdirSync(join(dataDir, 'a', 'b'))).toContain('lock.json')
    await lock.release()
  })

  it('says who holds it, since when, where that server listens and what to do', async () => {
    const lock = await acquireLock(dataDir)
    lock.update({ url: 'http://127.0.0.1:4000/graphql' })
    const { since } = stored()
    const message = await acquireLock(dataDir).catch((error: Error) => error.message)
    for (const part of [
      `process ${process.pid}`,
      since,
      'http://127.0.0.1:4000/graphql',
      'kill',
      'TUTTI_DATA_DIR',
      dataDir,
    ])
      expect(message).toContain(part)
    await lock.release()
  })

  it('shows the living holder to whoever asks, and nobody else', async () => {
    expect(await readLock(dataDir)).toBeUndefined()
    const lock = await acquireLock(dataDir, { url: 'http://localhost:1/' })
    expect(await readLock(dataDir)).toMatchObject({ pid: process.pid, url: 'http://localhost:1/' })
    await lock.release()
    expect(await readLock(dataDir)).toBeUndefined()
  })

  it('can be released twice, and then belongs to the next one', async () => {
    const first = await acquireLock(dataDir)
    await first.release()
    const second = await acquireLock(dataDir)
    await first.release()
    first.update({ url: 'http://localhost:1/' })
    expect((await readLock(dataDir))?.url).toBeUndefined()
    await second.release()
  })

  it('is taken by exactly one of eight processes that start at once', async () => {
    const { answers, winner } = await race(8)
    expect(answers.toSorted()).toEqual([...Array<string>(7).fill(`refused ${winner?.pid}`), 'took'])
    expect((await readLock(dataDir))?.pid).toBe(winner?.pid)
  })

  it('of a killed process is taken over by exactly one of eight processes that start at once', async () => {
    const [victim] = await start(1)
    await victim?.go()
    expect(victim?.answer).toBe('took')
    await victim?.kill()
    const { answers, winner } = await race(8)
    expect(answers.toSorted()).toEqual([...Array<string>(7).fill(`refused ${winner?.pid}`), 'took'])
    // Nothing of the dead one is left: only the winner's lock and its socket.
    expect(readdirSync(dataDir)).toHaveLength(2)
  })

  it('can be taken over although one that was about to do so died at it', async () => {
    const [victim] = await start(1)
    await victim?.go()
    await victim?.kill()
    const dead = stored()
    const claimant = { ...dead, nonce: 'claimant' }
    writeFileSync(join(dataDir, `claim-${dead.nonce}`), JSON.stringify(claimant))
    const { answers } = await race(8)
    expect(answers.filter((answer) => answer === 'took')).toHaveLength(1)
    expect(readdirSync(dataDir)).toHaveLength(2)
  })

  it('is never taken from a process that has been stopped', async () => {
    const [sleeper] = await start(1)
    await sleeper?.go()
    sleeper?.child.kill('SIGSTOP')
    await expect(acquireLock(dataDir)).rejects.toThrow(`process ${sleeper?.pid}`)
  })

  it('is released by a process that ends in order', async () => {
    const [holder] = await start(1)
    await holder?.go()
    holder?.child.stdin.end()
    await once(holder?.child as never, 'exit')
    expect(readdirSync(dataDir)).toEqual([])
  })

  describe('whose holder is unlike any process here', () => {
    const held = async (change: Partial<LockHolder>) => {
      const lock = await acquireLock(dataDir)
      const holder = stored()
      await lock.release()
      mkdirSync(dataDir, { recursive: true })
      const { socket: _, ...withoutSocket } = holder
      writeFileSync(join(dataDir, 'lock.json'), JSON.stringify({ ...withoutSocket, ...change }))
    }
    const canBeTaken = async () => {
      const lock = await acquireLock(dataDir)
      await lock.release()
    }

    it('is taken over when its number now belongs to another process', async () => {
      await held({ processStart: '1' })
      await canBeTaken()
    })

    it('is taken over when the machine has been started anew since', async () => {
      await held({ bootId: 'before' })
      await canBeTaken()
    })

    it('is taken over when the process is gone', async () => {
      const child = spawn('true')
      await once(child, 'exit')
      await held({ pid: child.pid as number, processStart: '1' })
      await canBeTaken()
    })

    it('is left alone in another container that cannot be seen into, with a word on how to free it', async () => {
      await held({ namespace: 'pid:[1]', host: 'elsewhere' })
      await expect(acquireLock(dataDir)).rejects.toThrow(/another container.*elsewhere.*delete .*lock\.json/)
    })

    it('is left alone on a host of another kind', async () => {
      await held({ bootId: '', namespace: '', socket: 'gone.sock' })
      await expect(acquireLock(dataDir)).rejects.toThrow(DataDirectoryInUse)
    })

    it('is left alone in another container as long as its socket answers, and then taken over', async () => {
      const other = await acquireLock(dataDir)
      const holder = stored()
      writeFileSync(join(dataDir, 'lock.json'), JSON.stringify({ ...holder, namespace: 'pid:[1]', nonce: 'other' }))
      await expect(acquireLock(dataDir)).rejects.toThrow(DataDirectoryInUse)
      // Takes only the socket down: the lock is no longer its own.
      await other.release()
      await canBeTaken()
    })

    it('is not guessed at when the file is damaged', async () => {
      writeFileSync(join(dataDir, 'lock.json'), '{"pid":')
      await expect(acquireLock(dataDir)).rejects.toThrow(/lock\.json is damaged/)
    })
  })
})

const stored = () => JSON.parse(readFileSync(join(dataDir, 'lock.json'), 'utf8')) as LockHolder

interface Contender {
  child: ChildProcessWithoutNullStreams
  pid: number
  answer: string | undefined
  go(): Promise<string>
  kill(): Promise<void>
}

async function race(count: number) {
  const racers = await start(count)
  const answers = await Promise.all(racers.map((racer) => racer.go()))
  return { answers, winner: racers.find((racer) => racer.answer === 'took') }
}

/** Starts processes that wait for the word to take the lock. */
async function start(count: number): Promise<Contender[]> {
  const started = await Promise.all(
    Array.from({ length: count }, async () => {
      const child = spawn(process.execPath, [program, dataDir])
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
      const contender: Contender = {
        child,
        pid: child.pid as number,
        answer: undefined,
        async go() {
          child.stdin.write('go\n')
          contender.answer = (await lines.next()).value as string
          return contender.answer
        },
        async kill() {
          if (child.exitCode !== null || child.signalCode !== null) return
          child.kill('SIGKILL')
          await once(child, 'exit')
        },
      }
      await lines.next()
      return contender
    }),
  )
  contenders.push(...started)
  return started
}
