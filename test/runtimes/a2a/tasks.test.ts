import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Role, TaskState } from '@a2a-js/sdk'
import { describe, expect, it } from 'vitest'
import { DEFAULT_A2A_LIMITS } from '../../../src/runtimes/a2a/definition.ts'
import { safeName } from '../../../src/runtimes/a2a/harvest.ts'
import { createTold, STATES } from '../../../src/runtimes/a2a/told.ts'
import { drain, makeWork, readUntilReady, waitFor } from '../../contracts/runtime.suite.ts'
import type { AgentOptions, Script } from '../../fixtures/a2a/agents.ts'
import { artifactOf, dataPart, messageOf, rawPart, textPart, urlPart } from '../../fixtures/a2a/parts.ts'
import { openHiring } from './hire.ts'

const { agents, folder, hire } = await openHiring()

const ways: [string, AgentOptions][] = [
  ['that streams', {}],
  ['that is asked again and again', { streaming: false }],
]

it('the states of a task have the numbers of the protocol', () => {
  const numbered = STATES.map((_, number) => TaskState[number])
  expect(numbered).toEqual(STATES.map((state) => `TASK_STATE_${state === 'UNKNOWN' ? 'UNSPECIFIED' : state}`))
})

describe.each(ways)('an agent %s', (_, options) => {
  it('does the work: what it says is shown, its data is the output, its files are kept and proven', async () => {
    const { run } = hire(({ status, artifact, text }) => {
      status('TASK_STATE_WORKING', textPart('I begin'))
      artifact('numbers', [dataPart({ sum: 3 })])
      artifact('notes', [rawPart('hello', 'notes/hello.md', 'text/markdown')])
      status('TASK_STATE_COMPLETED', textPart(`All is done.\n${text.split('\n')[0]}`))
    }, options)
    const { activities, outcome } = await run({ title: 'Add them up' })
    expect(activities.map(({ kind, text }) => `${kind} ${text}`)).toContain('MESSAGE I begin')
    expect(outcome).toMatchObject({
      kind: 'OK',
      summary: 'All is done. Add them up',
      output: { sum: 3 },
      files: [{ name: 'notes/hello.md', kind: 'FILE', mediaType: 'text/markdown' }],
      evidence: [
        {
          name: 'remote task',
          kind: 'A2A_TASK',
          passed: true,
          detail: {
            agent: expect.stringMatching(/^the agent-/),
            version: '1.2.3',
            transport: 'JSONRPC 1.0',
            taskId: expect.any(String),
            artifacts: [
              { name: 'notes/hello.md', size: 5, sha256: createHash('sha256').update('hello').digest('hex') },
            ],
          },
        },
      ],
    })
    const { detail } = (outcome as Extract<typeof outcome, { kind: 'OK' }>).evidence[0]!
    expect((detail as { states: string[] }).states.at(-1)).toBe('COMPLETED')
  })

  it.each([
    ['TASK_STATE_FAILED', 'AGENT', 'Remote agent "it" has failed: out of ink'],
    ['TASK_STATE_REJECTED', 'VALIDATION', 'Remote agent "it" does not take this on: out of ink'],
    ['TASK_STATE_CANCELED', 'AGENT', 'Remote agent "it" has called the task off by itself: out of ink'],
  ] as const)('%s is an error of class %s, with its reason', async (state, errorClass, message) => {
    const { run } = hire(({ status }) => status(state, textPart('out of ink')), options)
    expect((await run()).outcome).toMatchObject({
      kind: 'ERROR',
      error: { class: errorClass, message },
      evidence: [{ kind: 'A2A_TASK', passed: false }],
    })
  })

  it.each([
    ['TASK_STATE_INPUT_REQUIRED', 'QUESTION'],
    ['TASK_STATE_AUTH_REQUIRED', 'AUTH'],
  ] as const)('%s is a question (%s), and the same task goes on with the answer', async (state, kind) => {
    const begun: string[] = []
    const { run } = hire(({ status, earlier, text, data, taskId }) => {
      begun.push(taskId)
      if (!earlier) return status(state, textPart('Where to?'), dataPart({ places: 2 }))
      status('TASK_STATE_COMPLETED', textPart(`went to ${text}`), dataPart(data))
    }, options)
    const { outcome } = await run()
    const [taskId] = begun
    expect(outcome).toMatchObject({
      kind: 'ASK',
      ask: { kind, question: 'Where to?', shown: { a2a: { agent: 'it', taskId }, data: [{ places: 2 }] } },
    })
    if (outcome.kind !== 'ASK') throw new Error(outcome.kind)
    const reply = { question: 'Where to?', text: 'the sea', data: { by: 'train' }, shown: outcome.ask.shown }
    const next = await run({ attempt: 2, replies: [reply] })
    expect(next.outcome).toMatchObject({ kind: 'OK', summary: 'went to the sea', output: { by: 'train' } })
    expect(begun).toEqual([taskId, taskId])
  })

  it('that has forgotten the task that asked begins anew, and is told the answer', async () => {
    const { run } = hire(({ status, text }) => status('TASK_STATE_COMPLETED', textPart(text)), options)
    const shown = { a2a: { agent: 'it', taskId: 'gone', contextId: 'gone' } }
    const { outcome } = await run({ replies: [{ question: 'Where to?', text: 'the sea', data: null, shown }] })
    expect(outcome).toMatchObject({ kind: 'OK', output: expect.stringContaining('- Where to?\n  the sea') })
  })

  it('in a state that nobody knows is waited for', async () => {
    const { run } = hire(({ status }) => {
      status('TASK_STATE_UNSPECIFIED', textPart('hm'))
      status('TASK_STATE_COMPLETED', textPart('found it'))
    }, options)
    expect((await run()).outcome).toMatchObject({ kind: 'OK', summary: 'found it' })
  })

  it('that is COMPLETED and sends nothing has done nothing', async () => {
    const { run } = hire(({ status, artifact }) => {
      artifact('blank', [textPart('  '), dataPart({})])
      status('TASK_STATE_COMPLETED')
    }, options)
    expect((await run()).outcome).toMatchObject({
      kind: 'NOTHING',
      why: expect.stringContaining('it sent nothing'),
      evidence: [{ kind: 'A2A_TASK', detail: { states: expect.arrayContaining(['COMPLETED']) } }],
    })
  })

  it('that answers with an empty message has not said that it is done: that is EMPTY', async () => {
    const say: Script = ({ answer }) => answer(messageOf(Role.ROLE_AGENT, [textPart(' ')]))
    const { run } = hire(say, { ...options, taskless: true })
    expect((await run()).outcome).toMatchObject({ kind: 'ERROR', error: { class: 'EMPTY' } })
  })

  it('may answer with a message alone', async () => {
    const say: Script = ({ answer }) => answer(messageOf(Role.ROLE_AGENT, [textPart('42')]))
    const { run } = hire(say, { ...options, taskless: true })
    const { outcome, activities } = await run()
    expect(outcome).toMatchObject({ kind: 'OK', summary: '42', output: '42' })
    expect(activities).toEqual([{ kind: 'MESSAGE', text: '42' }])
  })

  it('is told to stop when the attempt is canceled', async () => {
    const { runtime, work } = hire(async ({ status, canceled }) => {
      status('TASK_STATE_WORKING', textPart('ready'))
      await pause(60_000, undefined, { signal: canceled, ref: false }).catch(() => {})
    }, options)
    const canceling = new AbortController()
    const mine = work()
    const attempt = runtime.run(mine, canceling.signal)
    await readUntilReady(attempt)
    canceling.abort()
    expect(await attempt.next()).toMatchObject({ done: true, value: { kind: 'CANCELED' } })
    expect(agents.running(mine.attemptId)).toBe(0)
  })
})

describe('an agent that says very much', () => {
  it('is shown up to a limit, and what it comes to counts all the same', async () => {
    agents.stream('flood', async ({ status }) => {
      for (let line = 0; line < 10_000; line++) await status('TASK_STATE_WORKING', textPart('water'.repeat(50)))
      await status('TASK_STATE_COMPLETED', textPart('the end'))
    })
    const definition = { card: agents.card('flood'), limits: { lines: 100 } }
    const { outcome, activities } = await hire(() => {}, {}, definition).run()
    expect(activities).toHaveLength(101)
    expect(activities.at(-1)?.text).toBe('100 lines shown; further ones are left out.')
    expect(outcome).toMatchObject({ kind: 'OK', summary: 'the end' })
  })

  it('is held back by whoever does not read, and stopped in time all the same', async () => {
    let said = 0
    agents.stream('torrent', async ({ status, canceled }) => {
      for (; !canceled.aborted; said++) await status('TASK_STATE_WORKING', textPart('water'.repeat(1_000)))
    })
    const { runtime, work } = hire(() => {}, {}, { card: agents.card('torrent') })
    const mine = work({ timeouts: { attemptMs: 500, idleMs: 60_000 } })
    const attempt = runtime.run(mine, new AbortController().signal)
    const first = await attempt.next()
    await waitFor(() => agents.running(mine.attemptId) === 0)
    const outcome = first.done ? first.value : (await drain(attempt)).outcome
    expect(outcome).toEqual({ kind: 'TIMEOUT', timeout: 'ATTEMPT', usage: {} })
    // What fits into the buffers of a connection, and no more.
    expect(said).toBeLessThan(10_000)
  })
})

describe('artifacts', () => {
  it('come in pieces, by address, as text with a name, and under names that stay in the folder', async () => {
    const { run } = hire(({ artifact, status }) => {
      artifact('log', [textPart('one ', 'run.log')], { append: true })
      artifact('log', [textPart('two', 'run.log')], { append: true })
      artifact('evil', [rawPart('x', '../../etc/passwd'), rawPart('y', '/abs/olute.txt'), rawPart('z', 'result.json')])
      artifact('same', [rawPart('1', 'a.txt')])
      artifact('same again', [rawPart('2', 'A.TXT')])
      artifact('picture', [{ ...rawPart('png', ''), mediaType: 'image/png' }])
      artifact('far', [urlPart(`${agents.card('files').replace(/\/\.well-known.*/, '')}/file.bin`)])
      artifact('words', [textPart('plain words')])
      status('TASK_STATE_COMPLETED')
    })
    agents.add('files', () => {}, {
      door: (request, response) => {
        if (!request.url?.endsWith('file.bin')) return false
        response.end('far away')
        return true
      },
    })
    const work = { ...makeWork(folder), runtimeConfig: { a2a: 'it' } }
    const { outcome } = await run(work)
    if (outcome.kind !== 'OK') throw new Error(JSON.stringify(outcome))
    const found = outcome.files.map(({ name }) => [name, readFileSync(join(work.outputDir, name), 'utf8')])
    expect(Object.fromEntries(found)).toEqual({
      'run.log': 'one two',
      'etc/passwd': 'x',
      'abs/olute.txt': 'y',
      'result-2.json': 'z',
      'a.txt': '1',
      'A-2.TXT': '2',
      'picture.png': 'png',
      'file.bin': 'far away',
    })
    expect(outcome.output).toBe('plain words')
  })

  it.each([
    ['../../x.y', 'x.y'],
    ['C:\\temp\\a.txt', 'C_/temp/a.txt'],
    ['a/./../b.txt', 'a/b.txt'],
    ['\u0000\u202Egpj.exe', '__gpj.exe'],
    ['...', 'artifact.json'],
    ['', 'artifact.json'],
  ])('named %j become %j', (given, name) => expect(safeName(given, 'application/json')).toBe(name))

  it('have limits of number and bytes, and the task is called off beyond them', async () => {
    const definition = { limits: { fileBytes: 1_000, files: 2 } }
    const large = hire(({ artifact }) => artifact('a', [rawPart('x'.repeat(1_001), 'a')]), {}, definition)
    expect((await large.run()).outcome).toMatchObject({ kind: 'ERROR', error: { class: 'TOO_LARGE' } })
    expect(large.asked()).toContain('CancelTask')
    const many = hire(
      ({ artifact, status }) => {
        artifact(
          'all',
          ['a', 'b', 'c'].map((name) => rawPart(name, name)),
        )
        status('TASK_STATE_COMPLETED')
      },
      {},
      definition,
    )
    expect((await many.run()).outcome).toMatchObject({ kind: 'ERROR', error: { class: 'TOO_LARGE' } })
  })

  it('streamed in very many pieces hold nothing up', async () => {
    const told = createTold({ ...DEFAULT_A2A_LIMITS, lines: 3 })
    const piece = (append: boolean) => {
      const artifact = artifactOf('log', [textPart('x')])
      return { taskId: 't', contextId: 'c', artifact, append, lastChunk: false, metadata: undefined }
    }
    const shown: string[] = []
    for (let number = 0; number < 100_000; number++) {
      shown.push(...told.take({ $case: 'artifactUpdate', value: piece(number > 0) }).map(({ text }) => text))
    }
    expect(told.artifacts[0]?.parts).toHaveLength(100_000)
    expect(shown).toEqual(['x', 'x', 'x', '3 lines shown; further ones are left out.'])
    expect(() => told.take({ $case: 'artifactUpdate', value: piece(true) })).toThrow('in 100000 pieces')
  })

  it('are not fetched from where the agent may not be', async () => {
    const { run } = hire(({ artifact, status }) => {
      artifact('inside', [urlPart('http://169.254.169.254/latest/meta-data')])
      status('TASK_STATE_COMPLETED')
    })
    expect((await run()).outcome).toMatchObject({
      kind: 'ERROR',
      error: { class: 'VALIDATION', message: expect.stringContaining('169.254.169.254 is not on the public internet') },
    })
  })
})

describe('a connection', () => {
  it('that breaks off is taken up again, and nothing is shown twice', async () => {
    const seen = Promise.withResolvers<void>()
    let cut = 0
    const { runtime, work, asked } = hire(
      async ({ status }) => {
        status('TASK_STATE_WORKING', textPart('one'))
        await seen.promise
        status('TASK_STATE_WORKING', textPart('two'))
        await waitFor(() => asked().includes('SubscribeToTask'))
        status('TASK_STATE_COMPLETED', textPart('three'))
      },
      {
        event(response, _event, number) {
          if (number < 3 || cut > 0) return true
          cut += 1
          response.destroy()
          return false
        },
      },
    )
    const attempt = runtime.run(work(), new AbortController().signal)
    expect(await attempt.next()).toMatchObject({ value: { text: 'one' } })
    seen.resolve()
    const { outcome, activities } = await drain(attempt)
    expect(outcome).toMatchObject({ kind: 'OK', summary: 'three' })
    expect(activities.map(({ text }) => text)).toEqual(['two', 'three'])
    expect(asked().filter((method) => method?.startsWith('Send'))).toHaveLength(1)
  })

  it('that nobody takes is tried again, and is UNAVAILABLE in the end', async () => {
    let refused = 0
    const { run } = hire(({ status }) => status('TASK_STATE_COMPLETED', textPart('at last')), {
      door(request, response) {
        if (request.method !== 'POST' || refused >= 2) return false
        refused += 1
        response.writeHead(503).end()
        return true
      },
    })
    expect((await run()).outcome).toMatchObject({ kind: 'OK', summary: 'at last' })
    const gone = hire(() => {}, { door: (_request, response) => (response.writeHead(503).end(), true) })
    expect((await gone.run()).outcome).toMatchObject({ kind: 'ERROR', error: { class: 'UNAVAILABLE' } })
  })

  it('on which the agent talks nonsense is an error of the agent', async () => {
    const nonsense = hire(() => {}, {
      door: (request, response) => request.method === 'POST' && (response.end('{"hello":"world"}'), true),
    })
    expect((await nonsense.run()).outcome).toMatchObject({ kind: 'ERROR', error: { class: 'AGENT' } })
  })

  it('of a server that was killed is called off by the next one', async () => {
    const { runtime, work } = hire(async ({ status, canceled }) => {
      status('TASK_STATE_WORKING', textPart('ready'))
      await pause(60_000, undefined, { signal: canceled, ref: false }).catch(() => {})
    })
    const mine = work()
    const attempt = runtime.run(mine, new AbortController().signal)
    await readUntilReady(attempt)
    const record = readFileSync(`${mine.outputDir}.task.json`, 'utf8')
    const left = work()
    writeFileSync(`${left.outputDir}.task.json`, record)
    await runtime.reap(left.outputDir)
    expect(agents.canceled).toContain((JSON.parse(record) as { taskId: string }).taskId)
    expect(() => readFileSync(`${left.outputDir}.task.json`)).toThrow('ENOENT')
    expect((await attempt.next()).value).toMatchObject({ kind: 'ERROR' })
  })
})
