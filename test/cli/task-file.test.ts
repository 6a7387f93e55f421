import { describe, expect, it } from 'vitest'
import { readEdits, readTask } from '../../src/cli/task-file.ts'
import { folderWith } from './tutti.ts'

/** A file with this text. */
const fileWith = (text: string): string => `${folderWith({ 'task.json': text })}/task.json`

describe('a task file', () => {
  it.each([
    ['no JSON', '# A\n\nB', /task\.json is no JSON: .+$/],
    ['a list instead of an object', '[]', /task\.json cannot be used:\n {2}the file: /],
    ['an unknown member', '{"task": {"title": "A"}, "patern": "AUTO"}', /task\.json cannot be used:\n.*patern/],
    ['no task', '{"pattern": "CHAOS"}', /task: [^]*pattern: .*SEQUENTIAL/],
    ['a part without a title', '{"task": {"title": "A", "subTasks": [{"key": "a"}]}}', /task\.subTasks\.0\.title: /],
  ])('with %s is refused, and says where', async (_, text, says) => {
    await expect(readTask(fileWith(text))).rejects.toThrow(says)
  })

  it('may come from an editor that marks the order of its bytes', async () => {
    const text = JSON.stringify({ task: { title: 'A' }, items: { list: [1, null, { a: 'b' }], buffer: 2 } })
    expect(await readTask(fileWith(`\uFEFF${text}`))).toEqual(JSON.parse(text))
  })
})

describe('a file with edits', () => {
  it('holds a list of them', async () => {
    expect(await readEdits(fileWith('[{"remove": {"key": "a"}}]'))).toEqual([{ remove: { key: 'a' } }])
    await expect(readEdits(fileWith('[]'))).rejects.toThrow(/cannot be used/)
    await expect(readEdits(fileWith('{"remove": {}}'))).rejects.toThrow(/cannot be used/)
  })
})
