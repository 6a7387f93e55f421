import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decompose, MAX_SUB_TASKS } from '../../src/core/decompose.ts'
import type { SubTask } from '../../src/core/plan.ts'

const SEED = 20261122

/** The sub-tasks of a description as `key <- keys that it depends on`. */
function graph(description: string): string[] {
  return decompose({ title: '', description }).subTasks.map(({ key, dependsOn }) =>
    dependsOn.length === 0 ? key : `${key} <- ${dependsOn.join(' ')}`,
  )
}

describe('the demo sentence', () => {
  const demo =
    'Audit this repository: analyse its structure, run its tests, review the code, then write its documentation and check that it can be released'

  it('becomes three independent parts and two that wait for all of them', () => {
    const { subTasks, method } = decompose({ title: 'Audit', description: demo })
    const first = ['analyse-structure', 'run-tests', 'review-code']
    expect(method).toBe('STEPS')
    expect(
      subTasks.map(({ key, title, type, capabilities, dependsOn }) => ({ key, title, type, capabilities, dependsOn })),
    ).toEqual([
      {
        key: 'analyse-structure',
        title: 'Analyse its structure',
        type: 'ANALYSIS',
        capabilities: ['analyse-structure'],
        dependsOn: [],
      },
      { key: 'run-tests', title: 'Run its tests', type: 'TESTING', capabilities: ['run-tests'], dependsOn: [] },
      { key: 'review-code', title: 'Review the code', type: 'REVIEW', capabilities: ['review-code'], dependsOn: [] },
      {
        key: 'write-documentation',
        title: 'Write its documentation',
        type: 'DOCUMENTATION',
        capabilities: ['write-documentation'],
        dependsOn: first,
      },
      {
        key: 'check-released',
        title: 'Check that it can be released',
        type: 'DEPLOYMENT',
        capabilities: ['check-release'],
        dependsOn: first,
      },
    ])
  })

  it('tells every part what it is a part of', () => {
    for (const { description } of decompose({ title: 'Audit', description: demo }).subTasks) {
      expect(description).toContain('Context: Audit this repository')
    }
  })

  it('is found in the title too when the description names no parts', () => {
    const { subTasks } = decompose({ title: demo, description: 'It is a small library.' })
    expect(subTasks).toHaveLength(5)
    expect(subTasks[0]?.description).toContain('It is a small library')
    expect(decompose({ title: demo, description: '' }).subTasks).toHaveLength(5)
  })
})

describe('the caller', () => {
  const own: SubTask[] = [{ key: 'a', title: 'A', description: 'then b', capabilities: [], dependsOn: [] }]

  it("wins with sub-tasks of the caller's own", () => {
    expect(decompose({ title: 'x', description: 'lint it, test it', subTasks: own })).toEqual({
      subTasks: own,
      method: 'CALLER',
      reasons: ['The caller gave 1 sub-task.'],
    })
    expect(decompose({ title: 'x', description: '', subTasks: [...own, ...own] }).reasons[0]).toContain('2 sub-tasks')
  })

  it('demands a capability of the parts whose words speak of it', () => {
    const { subTasks, reasons } = decompose({
      title: '',
      description: 'run the unit tests and lint the code',
      capabilities: ['unit-tests'],
    })
    expect(subTasks.map((subTask) => subTask.capabilities)).toEqual([['run-tests', 'unit-tests'], ['lint']])
    expect(reasons.at(-1)).toContain('run-unit-tests, whose words speak of it')
  })

  it('demands it of the parts that demand nothing else when none speaks of it, else of all', () => {
    const some = decompose({ title: '', description: 'run the tests, paint the door', capabilities: ['gpu'] })
    expect(some.subTasks.map((subTask) => subTask.capabilities)).toEqual([['run-tests'], ['gpu']])
    const all = decompose({ title: '', description: 'run the tests, lint the code', capabilities: ['the'] })
    expect(all.subTasks.map((subTask) => subTask.capabilities)).toEqual([
      ['run-tests', 'the'],
      ['lint', 'the'],
    ])
    expect(all.reasons.at(-1)).toBe('No part speaks of the: it is demanded of run-tests, lint-code.')
  })

  it('demands it of the one part there is', () => {
    const { subTasks } = decompose({ title: 'Run the tests', description: '', capabilities: ['gpu'] })
    expect(subTasks[0]?.capabilities).toEqual(['gpu'])
  })
})

describe('lists', () => {
  it('that are counted become a chain', () => {
    const { method, reasons } = decompose({ title: '', description: 'Do this:\n1. Fetch the data\n2. Clean it' })
    expect(method).toBe('LIST')
    expect(reasons[0]).toContain('each waits for the one before it')
    expect(graph('1. Fetch the data\n2) Clean it\n3. Plot it')).toEqual([
      'fetch-data',
      'clean <- fetch-data',
      'plot <- clean',
    ])
    expect(graph('**Step 1:** Fetch the data\n**Step 2:** Plot it')).toEqual(['fetch-data', 'plot <- fetch-data'])
    expect(graph('## Step 1: Fetch the data\nfrom the server\n## Step 2: Plot it')).toEqual([
      'fetch-data-server',
      'plot <- fetch-data-server',
    ])
    expect(graph('a) Fetch the data\nb) Plot it')).toEqual(['fetch-data', 'plot <- fetch-data'])
    expect(graph('1️⃣ Fetch the data\n2️⃣ Plot it')).toEqual(['fetch-data', 'plot <- fetch-data'])
  })

  it('that are counted but may be done in any order stay independent', () => {
    expect(graph('In any order:\n1. Lint the code\n2. Run the tests')).toEqual(['lint-code', 'run-tests'])
  })

  it('whose items name others by number wait for just those', () => {
    expect(graph('1. Fetch a\n2. Fetch b\n3. Merge them (after 1 and 2)\n4. Ship it, depends on step 3')).toEqual([
      'fetch',
      'fetch-b',
      'merge-after-1-2 <- fetch fetch-b',
      'ship-depends-step-3 <- merge-after-1-2',
    ])
    expect(graph('1. Write a\n2. Write b\n3. Write c\n4. Ship after 1-3')[3]).toMatch(/<- write write-b write-c$/)
  })

  it('of bullets are independent where no word says otherwise', () => {
    expect(graph('- Lint the code\n- Run the tests\n- Then publish the package')).toEqual([
      'lint-code',
      'run-tests',
      'publish-package <- lint-code run-tests',
    ])
    expect(decompose({ title: '', description: '* [ ] Lint the code\n* [x] Run the tests' }).reasons[0]).toContain(
      'where their words say so',
    )
  })

  it('keep deeper items and lines with the item above them', () => {
    const { subTasks } = decompose({
      title: '',
      description: '- Lint the code\n  - quickly\n  and well\n- Run the tests',
    })
    expect(subTasks).toHaveLength(2)
    expect(subTasks[0]?.description).toContain('and well')
  })

  it('may stand between an introduction, which holds for all, and more to do', () => {
    const { subTasks } = decompose({
      title: '',
      description:
        'Prepare the next version.\n\n- Lint the code\n- Run the tests\n\nThen write a report. Do not change any file.',
    })
    expect(subTasks.map((subTask) => subTask.key)).toEqual(['lint-code', 'run-tests', 'write-report'])
    expect(subTasks[2]?.dependsOn).toEqual(['lint-code', 'run-tests'])
    expect(subTasks[0]?.description).toContain('Context: Prepare the next version. Do not change any file')
  })

  it('within a line are read too when their numbers count up', () => {
    expect(graph('1) fetch the data 2) plot it 3) send it')).toEqual([
      'fetch-data',
      'plot <- fetch-data',
      'send <- plot',
    ])
    expect(graph('Step 1: fetch the data. Step 2: plot it.')).toEqual(['fetch-data', 'plot <- fetch-data'])
    expect(graph('(a) fetch the data (b) plot it')).toEqual(['fetch-data', 'plot <- fetch-data'])
    expect(graph('See chapters 3) and 7) of it')).toHaveLength(1)
  })

  it('of things are the objects of one task, not tasks', () => {
    const { subTasks, method } = decompose({ title: '', description: 'Build a page with:\n- a heading\n- two columns' })
    expect(method).toBe('SINGLE')
    expect(subTasks[0]).toMatchObject({
      title: 'Build a page with',
      description: 'Build a page with:\n- a heading\n- two columns',
    })
  })

  it('are read in any language', () => {
    expect(graph('Bitte:\n1. Daten laden\n2. Daten prüfen')).toEqual(['daten-laden', 'daten-prufen <- daten-laden'])
    expect(graph('1. 加载数据\n2. 检查数据')).toEqual(['part', 'part-2 <- part'])
  })

  it('may have items without a word', () => {
    expect(decompose({ title: '', description: '- Lint the code\n- .\n- Run the tests' }).subTasks[1]).toMatchObject({
      key: 'part-2',
      title: 'Part 2',
    })
  })
})

describe('a task of one piece', () => {
  it('keeps its title and its whole description', () => {
    expect(decompose({ title: 'Fix the login', description: 'It is broken.' })).toEqual({
      subTasks: [
        { key: 'fix-login', title: 'Fix the login', description: 'It is broken.', capabilities: [], dependsOn: [] },
      ],
      method: 'SINGLE',
      reasons: ['The text asks for one thing only.'],
    })
    expect(decompose({ title: 'Poem', description: 'Run the tests' }).subTasks[0]).toMatchObject({ type: 'TESTING' })
  })

  it('can be empty', () => {
    expect(decompose({ title: ' ', description: '' }).subTasks).toEqual([
      { key: 'task', title: 'Task', description: ' ', capabilities: [], dependsOn: [] },
    ])
  })

  it('can be emoji or in another language', () => {
    expect(decompose({ title: '', description: '🎉🎉' }).subTasks[0]).toMatchObject({ key: 'part', title: '🎉🎉' })
    expect(graph('Analysiere das Repository, führe Tests aus')).toEqual(['analysiere-das-repository-fuhre'])
  })
})

describe('titles and keys', () => {
  it('are short, the particulars left to the description', () => {
    const [first] = decompose({
      title: '',
      description:
        'Translate the complete collection of letters into English, which will take a long time, then print the book',
    }).subTasks
    expect(first?.title).toBe('Translate the complete collection of letters into English')
    const [long] = decompose({
      title: '',
      description: `Translate ${'very '.repeat(40)}old letters; print the book`,
    }).subTasks
    expect(long?.title).toMatch(/^Translate very.*very…$/)
    const [solid] = decompose({ title: `Say ${'x'.repeat(200)}`, description: '' }).subTasks
    expect(solid?.title).toHaveLength(80)
    expect(solid?.key).toBe('part'.replace('part', solid!.key))
  })

  it('are unique and free of Markdown', () => {
    expect(graph('**Lint** the code. Lint the code. Lint the code.')).toEqual([
      'lint-code',
      'lint-code-2',
      'lint-code-3',
    ])
    expect(decompose({ title: '', description: '# **Lint** the code' }).subTasks[0]?.title).toBe('Lint the code')
  })

  it('fall back on any words, then on a number', () => {
    expect(graph('- the\n- 🎉 🎉')).toEqual(['the', 'part'])
  })
})

describe('any text', () => {
  const phrase = fc.constantFrom(
    'run the tests',
    'review the code',
    'then',
    'and',
    ',',
    '.',
    ':',
    '\n',
    '- ',
    '1. ',
    '2. ',
    'after',
    'before',
    'once',
    'it',
    'writing docs',
    'first',
    'Step 1:',
    '"',
    '```',
    '(',
    ')',
    'https://a.b',
    '🎉',
    'the result',
    'please',
    'I want to',
    '?',
    'ß',
    '\u0301',
    '写代码',
    'after step 1',
  )
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(phrase, { maxLength: 60 }).map((parts) => parts.join(' ')),
  )

  it('gives unique keys in the allowed letters, and waits only for earlier ones', () => {
    fc.assert(
      fc.property(text, text, (title, description) => {
        const { subTasks, method, reasons } = decompose({ title, description })
        expect(subTasks.length).toBeGreaterThan(0)
        expect(subTasks.length).toBeLessThanOrEqual(MAX_SUB_TASKS)
        expect(reasons.length).toBeGreaterThan(0)
        expect(method === 'SINGLE').toBe(subTasks.length === 1)
        const seen = new Set<string>()
        for (const subTask of subTasks) {
          expect(subTask.key).toMatch(/^[a-z0-9_-]{1,64}$/)
          expect(seen.has(subTask.key)).toBe(false)
          for (const key of subTask.dependsOn) expect(seen.has(key)).toBe(true)
          expect(subTask.title).not.toBe('')
          expect(subTask.title.length).toBeLessThanOrEqual(80)
          seen.add(subTask.key)
        }
        expect(decompose({ title, description })).toEqual({ subTasks, method, reasons })
      }),
      { seed: SEED, numRuns: 400 },
    )
  })

  it('of too many parts has the rest merged into the last one, and says so', () => {
    const { subTasks, reasons } = decompose({ title: '', description: 'Run the tests. '.repeat(80) })
    expect(subTasks).toHaveLength(MAX_SUB_TASKS)
    expect(reasons.at(-1)).toBe('The text has 80 parts, more than 50: the last 31 were merged into one.')
    expect(subTasks.at(-1)?.description.match(/Run the tests/g)).toHaveLength(31)
  })
})
